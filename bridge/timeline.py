"""Puts the frames of a media stream on one clock: continuous audio for a Gladia session, its tracks as channels.

Position 0 is the media stream's first frame, whichever track it was on; positions are bytes of each track.

What is missing is waited for while it may still come. A hole, with later audio behind it on the same track: until there
are 120 ms of later audio on any track. A track that has nothing new: until there are 520 ms of later audio on another.
Then silence is given out in its stead, and what comes for that time is dropped. Where nothing is missing, nothing is
held back.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from bridge.track import JITTER_MS, Cause, Silence, Track
from callscribe.audio_format import MULAW_8K, AudioFormat

# A packet that was overtaken comes within some packets; speech recognition can spare that much time.
HOLE_MS = 120
# Packets may last 400 ms, so that a track has nothing new for as long, and may then be overtaken by 100 ms. Above that,
# a track that sends nothing must not make the other one wait.
LAG_MS = 520
# A timestamp so far from all others is taken for a mistake, unless the track's next ones say the same: that many, each
# no more than a second after the one before.
LEAP_MS = 60_000
AGREEING = 3
AGREEMENT_MS = 1000
# No silence is longer than this, as no session would be: a clock that goes farther ahead, or back, was set anew.
SILENCE_MS = 3_600_000
# Given out at once of each track at the most: a long silence takes no memory before its turn.
PIECE_MS = 10_000


@dataclass(frozen=True, slots=True)
class Gap:
    """Audio that a track never delivered, or too late, with silence in its stead; times in ms since the first frame."""

    track: str
    start_ms: int
    end_ms: int
    cause: Cause


class Timeline:
    """The tracks of one Gladia session."""

    def __init__(
        self,
        tracks: tuple[str, ...],
        *,
        origin_ms: int,
        chunk_ms: int = 100,
        form: AudioFormat = MULAW_8K,
        conceals: bool = False,
    ) -> None:
        """`origin_ms` is the carrier's time of position 0; audio comes out in chunks of `chunk_ms`, all tracks.

        With `conceals` what is missing begins with what was heard before it, fading, as packets are lost one by one.
        """
        self._gaps: list[Silence] = []  # not told yet
        self._sample_bytes = form.sample_bytes
        self._bytes_a_ms = form.bytes_a_ms
        self._hole, self._lag, self._leap = (ms * form.bytes_a_ms for ms in (HOLE_MS, LAG_MS, LEAP_MS))
        self._tracks = {name: Track(name, self._gaps, form, conceals=conceals) for name in tracks}
        self._channels = list(self._tracks.values())
        self._zero = origin_ms * self._bytes_a_ms
        self._chunk = chunk_ms * self._bytes_a_ms
        self._piece = max(1, PIECE_MS // chunk_ms) * self._chunk
        self._begin = 0  # below 0 if a frame from before the first one came in time
        self._given = 0
        self._lead = 0  # where the last audio of any track ends
        self._doubts: dict[str, list[tuple[int, bytes]]] = {}
        self._is_over = False

    def place(self, track: str, media_ms: int, audio: bytes, packets: int = 1) -> None:
        """Take `audio` in at the carrier's time `media_ms`; it came as so many `packets` of one length.

        A time more than 60 s from where the timeline stands is believed when three packets in a row agree on it; one
        that does not come to that is dropped. Up to an hour ahead it makes silence. A clock that went farther, or back,
        was set anew: what comes by it follows on what came before, and no gap is told.
        """
        state = self._tracks[track]
        position = media_ms * self._bytes_a_ms - self._zero
        if self._doubts or self._given == self._begin or not state.follow(position, audio, packets):
            if packets == 1:
                self._place_packet(track, media_ms, audio)
            else:
                self._place_apart(track, media_ms, audio, packets)
            return
        state.heard += len(audio)
        if state.end > self._lead:  # noqa: PLR1730 - max() takes three times as long
            self._lead = state.end

    def pause(self, track: str, begin_ms: int, end_ms: int) -> None:
        """Take note that no audio of `track` is missing between these times of the carrier's: no gap is told there."""
        begin, end = (ms * self._bytes_a_ms - self._zero for ms in (begin_ms, end_ms))
        self._tracks[track].pause(begin, end)

    def take(self) -> bytes:
        """Return the whole chunks that are ready, tracks interleaved sample by sample; empty if there is none yet.

        At most ten seconds of each track: a longer silence comes out piece by piece.
        """
        if self._lead - self._given < self._chunk:
            return b""
        ready = min([state.joined() for state in self._channels])
        if ready < self._lead and max([state.held for state in self._channels]) >= self._hole:
            ready = self._decided()
        ready -= self._given
        return self._interleaved(min(ready - ready % self._chunk, self._piece))

    @property
    def due_ms(self) -> int | None:
        """Up to when, by the carrier's clock, audio has to come for the next chunk; None if that is not known."""
        if self._doubts or self._lead - self._given >= self._chunk:
            return None
        return (self._zero + self._given + self._chunk) // self._bytes_a_ms

    def extend(self, end_ms: int) -> None:
        """Take note that the call went on until `end_ms` since its first frame, as another timeline has heard."""
        self._lead = max(self._lead, self._begin + end_ms * self._bytes_a_ms)

    def finish(self) -> bytes:
        """Return what is left, in pieces as of `take`; empty when all was returned. Shorter tracks end in silence."""
        if not self._is_over:
            self._is_over = True
            for track in list(self._doubts):
                self._settle(track)
        left = self._lead - self._given
        if left <= 0:
            for state in self._channels:
                state.close(self._lead)
            return b""
        return self._interleaved(min(left, self._piece))

    @property
    def has_gaps(self) -> bool:
        """Whether there are gaps to be told."""
        return bool(self._gaps)

    def gaps(self) -> list[Gap]:
        """Return the gaps that have become certain since this was asked last: those that audio was given out after.

        At the end, when `finish` is empty, also those that nothing follows.
        """
        told = [Gap(gap.track, self._ms(gap.start), self._ms(gap.end), gap.cause) for gap in self._gaps]
        self._gaps.clear()
        return told

    def end_ms(self, track: str) -> int:
        """Return how far `track` has come, in ms since the first frame."""
        return self._ms(max(self._tracks[track].end, self._given))

    @property
    def said_ms(self) -> int:
        """How far the audio goes that has come, in ms since the first frame."""
        return self._ms(self._lead)

    def counts(self, track: str) -> tuple[int, int, int]:
        """Return the bytes of `track` that were heard, filled with silence, and dropped as late or repeated."""
        state = self._tracks[track]
        return state.heard, state.filled, state.dropped

    def held(self, track: str) -> int:
        """Return the bytes of `track` that are neither given out nor dropped yet.

        `heard + filled == given out + dropped + held` always.
        """
        return self._tracks[track].held + sum(len(audio) for _, audio in self._doubts.get(track, ()))

    def _ms(self, position: int) -> int:
        return (position - self._begin) // self._bytes_a_ms

    def _begin_at(self, position: int) -> None:
        self._begin = self._given = position
        for state in self._channels:
            state.begin_at(position)

    def _decided(self) -> int:
        holes = max(state.reach(self._hole) for state in self._channels)
        decided: list[int] = []
        for state in self._channels:
            tail = max([other.reach(self._lag) for other in self._channels if other is not state], default=0)
            decided.append(state.decided(holes=holes, tail=tail))
        return min(decided)

    def _interleaved(self, count: int) -> bytes:
        if not count:
            return b""
        self._given += count
        if len(self._channels) == 1:
            return self._channels[0].give(self._given)
        channels = [state.give(self._given) for state in self._channels]
        if self._sample_bytes == 1:
            mixed = bytearray(count * len(channels))
            for number, audio in enumerate(channels):
                mixed[number :: len(channels)] = audio
            return bytes(mixed)
        wide = array("H", bytes(count * len(channels)))
        for number, audio in enumerate(channels):
            wide[number :: len(channels)] = array("H", audio)
        return wide.tobytes()

    def _place_apart(self, track: str, media_ms: int, audio: bytes, packets: int) -> None:
        """Take packets in one by one, which may not all find the place they are for."""
        size = len(audio) // packets
        for begin in range(0, len(audio), size):
            self._place_packet(track, media_ms + begin // self._bytes_a_ms, audio[begin : begin + size])

    def _place_packet(self, track: str, media_ms: int, audio: bytes) -> None:
        state = self._tracks[track]
        state.heard += len(audio)
        position = media_ms * self._bytes_a_ms - self._zero
        if self._doubts or not -self._leap <= position - self._lead <= self._leap:
            self._place_in_doubt(track, media_ms, audio)
            return
        if self._given == self._begin and -self._hole <= position - self._begin < -JITTER_MS * self._bytes_a_ms:
            self._begin_at(position)
        state.place(position, audio)
        self._lead = max(self._lead, state.end)

    def _place_in_doubt(self, track: str, media_ms: int, audio: bytes) -> None:
        """Take `audio` in while something is in doubt: this, or something before."""
        if self._is_credible(media_ms):
            self._settle(track)
            self._place_credible(track, media_ms, audio)
            return
        doubts = self._doubts.get(track, [])
        if doubts and not 0 < media_ms - doubts[-1][0] <= AGREEMENT_MS:
            self._settle(track)
        self._doubts.setdefault(track, []).append((media_ms, audio))
        if len(self._doubts[track]) == AGREEING:
            self._believe(self._doubts[track][0][0])
            self._settle(track)

    def _believe(self, media_ms: int) -> None:
        """Let `media_ms` be credible."""
        position = media_ms * self._bytes_a_ms - self._zero
        if not 0 < position - self._lead <= SILENCE_MS * self._bytes_a_ms:
            self._zero += position - self._lead
        else:
            self._lead = position

    def _settle(self, track: str) -> None:
        """Place what was in doubt of `track` if it has become credible by now, and drop it if not."""
        for media_ms, audio in self._doubts.pop(track, ()):
            self._place_credible(track, media_ms, audio)

    def _place_credible(self, track: str, media_ms: int, audio: bytes) -> None:
        state = self._tracks[track]
        if self._is_credible(media_ms):
            state.place(media_ms * self._bytes_a_ms - self._zero, audio)
            self._lead = max(self._lead, state.end)
        else:
            state.dropped += len(audio)

    def _is_credible(self, media_ms: int) -> bool:
        return -self._leap <= media_ms * self._bytes_a_ms - self._zero - self._lead <= self._leap
