"""Puts the frames of a media stream on one clock: continuous audio for a Gladia session, its tracks as channels.

Position 0 is the media stream's first frame, whichever track it was on. Audio is mu-law at 8000 Hz: 8 bytes a
millisecond a track.
"""

from __future__ import annotations

from dataclasses import dataclass, field

BYTES_A_MS = 8
SILENCE = b"\xff"  # the mu-law code of zero

# Frames stand 20 ms apart, with timestamps that may be off by a few; a whole missing frame must still show.
JITTER_BYTES = 10 * BYTES_A_MS
# Tracks share one socket but not one burst: Twilio was seen to hold frames back for up to 233 ms. Above that, a track
# that sends nothing must not make the other one wait.
LAG_BYTES = 300 * BYTES_A_MS


@dataclass(frozen=True, slots=True)
class Gap:
    """Audio that a track never delivered, filled with silence; positions in ms since the first frame."""

    track: str
    start_ms: int
    end_ms: int


@dataclass(slots=True)
class _Track:
    pending: bytearray = field(default_factory=bytearray)
    end: int = 0  # bytes placed, silence included
    heard_end: int = 0  # where the carrier's own audio ended last
    started: bool = False
    heard: int = 0
    filled: int = 0
    dropped: int = 0

    def fill(self, count: int) -> None:
        self.pending += SILENCE * count
        self.end += count
        self.filled += count


class Timeline:
    """The tracks of one Gladia session."""

    def __init__(self, tracks: tuple[str, ...], *, origin_ms: int, chunk_ms: int = 100) -> None:
        """`origin_ms` is the carrier's time of position 0; audio comes out in chunks of `chunk_ms`, all tracks."""
        self._tracks = {name: _Track() for name in tracks}
        self._origin_ms = origin_ms
        self._chunk = chunk_ms * BYTES_A_MS

    def place(self, track: str, media_ms: int, audio: bytes) -> Gap | None:
        """Take `audio` in at the carrier's time `media_ms`; return the gap before it, if there is one."""
        state = self._tracks[track]
        state.heard += len(audio)
        position = (media_ms - self._origin_ms) * BYTES_A_MS
        gap = None
        if state.started and position - state.heard_end > JITTER_BYTES:
            gap = Gap(track, state.heard_end // BYTES_A_MS, position // BYTES_A_MS)
        ahead = position - state.end
        if ahead > JITTER_BYTES:
            state.fill(ahead)
        elif ahead < -JITTER_BYTES:
            # Late or repeated: what overlaps has been placed, as silence or as sound, and cannot be taken back.
            cut = min(len(audio), -ahead)
            audio = audio[cut:]
            state.dropped += cut
        state.started = True
        state.pending += audio
        state.end += len(audio)
        state.heard_end = max(state.heard_end, state.end if audio else 0)
        return gap

    def pass_over(self, ms: int) -> None:
        """Let `ms` of silence pass on every track; what the carrier sends late for that time is dropped."""
        lead = max(state.end for state in self._tracks.values()) + ms * BYTES_A_MS
        for state in self._tracks.values():
            state.fill(lead - state.end)

    def take(self) -> bytes:
        """Return the whole chunks that are ready, tracks interleaved byte by byte; empty if there is none yet."""
        states = list(self._tracks.values())
        if len(states) > 1:
            lead = max(state.end for state in states) - LAG_BYTES
            for state in states:
                if state.end < lead:
                    state.fill(lead - state.end)
        ready = min(len(state.pending) for state in states)
        return self._interleaved(ready - ready % self._chunk)

    def finish(self) -> bytes:
        """Return all that is left, the shorter track filled up with silence to the longer one's end."""
        states = self._tracks.values()
        longest = max(len(state.pending) for state in states)
        for state in states:
            if len(state.pending) < longest:
                state.fill(longest - len(state.pending))
        return self._interleaved(longest)

    def end_ms(self, track: str) -> int:
        """Return how far `track` has come, in ms since the first frame."""
        return self._tracks[track].end // BYTES_A_MS

    def counts(self, track: str) -> tuple[int, int, int]:
        """Return the bytes of `track` that were heard, filled with silence, and dropped as late."""
        state = self._tracks[track]
        return state.heard, state.filled, state.dropped

    def _interleaved(self, count: int) -> bytes:
        states = list(self._tracks.values())
        if not count:
            return b""
        if len(states) == 1:
            out = bytes(states[0].pending[:count])
            del states[0].pending[:count]
            return out
        mixed = bytearray(count * len(states))
        for channel, state in enumerate(states):
            mixed[channel :: len(states)] = state.pending[:count]
            del state.pending[:count]
        return bytes(mixed)
