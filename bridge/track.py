"""One track of a media stream: its audio that was not given out yet, each piece at its place, and where each byte went.

A position is a byte of the track since position 0 of its timeline, and always that of a whole sample.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Literal, TypeAlias

from bridge.concealment import PIECE_MS, concealed
from callscribe.audio_format import AudioFormat

# Timestamps may be off by so much. Audio that is no farther from what it follows is joined to it, so that no byte
# changes, and a silence no longer than this is no gap.
JITTER_MS = 10
# A packet is at least as long as the shortest of so many before it: less than that missing is no missing packet.
_PACKETS = 8
_PAUSES = 64
_ENDLESS = 1 << 62

Cause: TypeAlias = Literal["not delivered by the carrier", "the track began late", "the track ended early"]


@dataclass(frozen=True, slots=True)
class Silence:
    """A stretch of a track that was given out as silence, as positions."""

    track: str
    start: int
    end: int
    cause: Cause


@dataclass(slots=True)
class _Run:
    """Audio without a hole in it."""

    start: int
    audio: bytearray

    @property
    def end(self) -> int:
        return self.start + len(self.audio)


class Track:
    """Takes audio in any order, gives it out in order; silence stands for what is missing by then.

    `heard + filled == given out + dropped + held`, whatever comes, with the bytes that the timeline counts as heard.
    """

    def __init__(self, name: str, gaps: list[Silence], form: AudioFormat, *, conceals: bool = False) -> None:
        """`gaps` is where silence is noted that audio should have been in; with `conceals` it begins with a fading."""
        self.given = 0  # what is before this position was given out
        self.end = 0  # the position after the last audio
        self.heard = 0
        self.filled = 0
        self.dropped = 0
        self.held = 0
        self._name = name
        self._gaps = gaps
        self._form = form
        self._conceals = conceals
        self._before = b""  # what was given out last, where that is needed
        # Where it paused, by its own word, of late: begin and end, told before the audio that ends the pause.
        self._pauses: deque[list[int]] = deque(maxlen=_PAUSES)
        self._jitter = JITTER_MS * form.bytes_a_ms
        self._runs: list[_Run] = []  # in order, apart from each other
        self._has_sounded = False
        self._silent_from: int | None = 0  # None: audio was given out last
        self._trifles: deque[Silence] = deque(maxlen=16)  # too short for a gap, unless their audio comes after all
        self._lengths: deque[int] = deque(maxlen=_PACKETS)
        self._last: tuple[int, bytes] = (-1, b"")
        self._expected = 0  # the position after the last packet, by its own timestamp

    def follow(self, position: int, audio: bytes, packets: int) -> bool:
        """Keep `audio`, which came as so many `packets`, if it follows what is there, as nearly all does."""
        if position != self.end or self.given > position:
            return False
        size = len(audio) // packets
        self._lengths.extend(repeat(size, packets))
        self._append(audio)
        self._expected = self.end
        self._last = (self.end - size, audio[-size:])
        return True

    def place(self, position: int, audio: bytes) -> None:
        """Keep what of `audio` is for places that nothing else has; drop the rest."""
        length = len(audio)
        ahead = position - self.end
        self._lengths.append(length)
        if self.given <= self.end and (ahead == 0 or self._is_jitter(position, audio)):
            self._append(audio)
        elif (position, audio) == self._last:
            self.dropped += length
        elif self.given <= self.end and ahead > self._jitter and self._is_step(position - self._expected):
            # The clocks have drifted apart by little and little, and nothing is missing.
            self.filled += ahead
            self._append(self._form.silent(ahead) + audio)
        else:
            self._fit(position, audio)
        self._last = (position, audio)
        self._expected = position + length

    def pause(self, begin: int, end: int) -> None:
        """Take note that nothing is missing between these positions: what is not there was not said."""
        last = self._pauses[-1] if self._pauses else None
        if last is not None and last[0] <= begin <= last[1] + self._jitter:
            last[1] = max(last[1], end)
        else:
            self._pauses.append([begin, end])

    def begin_at(self, position: int) -> None:
        """Begin at `position`; allowed until something was given out."""
        if not self._runs:
            self.end = position
        self.given = self._silent_from = position

    def reach(self, count: int) -> int:
        """Return the position after which there are `count` bytes of audio, or `given` if there are fewer."""
        for run in reversed(self._runs):
            if len(run.audio) >= count:
                return run.end - count
            count -= len(run.audio)
        return self.given

    def joined(self) -> int:
        """Return the position up to which there is audio, or silence that was given out."""
        return self._runs[0].end if self._runs and self._runs[0].start == self.given else self.given

    def decided(self, *, holes: int, tail: int) -> int:
        """Return the position up to which nothing is waited for.

        Holes are given up that end no later than `holes`, and everything before `tail`.
        """
        at = self.given
        for run in self._runs:
            if run.start > max(at, holes):
                return max(at, min(tail, run.start))
            at = run.end
        return max(at, tail)

    def give(self, until: int) -> bytes:
        """Return what stands between the last call's `until` and this one's."""
        run = self._runs[0] if self._runs else None
        if run is not None and run.start == self.given and run.end >= until:
            return self._give_of(run, until)
        out = bytearray()
        while self.given < until:
            run = self._runs[0] if self._runs and self._runs[0].start < until else None
            if run is None:
                out += self._fill(until)
            elif run.start > self.given:
                out += self._fill(run.start)
            else:
                out += self._give_of(run, min(until, run.end))
        return bytes(out)

    def close(self, end: int) -> None:
        """Take note that nothing comes any more; `end` is where the last audio of any track ends."""
        if self._silent_from is not None and end - self._silent_from > self._jitter:
            cause: Cause = "the track ended early" if self._has_sounded else "not delivered by the carrier"
            self._miss(Silence(self._name, self._silent_from, end, cause))

    def _append(self, audio: bytes) -> None:
        if self._runs:
            self._runs[-1].audio += audio
        else:
            self._runs.append(_Run(self.end, bytearray(audio)))
        self.end += len(audio)
        self.held += len(audio)

    def _fill(self, until: int) -> bytes:
        count = until - self.given
        is_first = self._silent_from is None
        if self._silent_from is None:
            self._silent_from = self.given
        self.filled += count
        at, self.given = self.given, until
        # Whether it is a pause is known only when there is audio behind it.
        is_lost = self._conceals and is_first and bool(self._runs)
        if not is_lost or any(begin - self._jitter <= at < end for begin, end in self._pauses):
            return self._form.silent(count)
        return concealed(self._before, count, self._form)

    def _give_of(self, run: _Run, until: int) -> bytes:
        """Return the audio of the first run up to `until`, which is in it."""
        if self._silent_from is not None:
            self._sound()
        count = until - self.given
        audio = bytes(memoryview(run.audio)[:count])
        if count == len(run.audio):
            del self._runs[0]
        else:
            del run.audio[:count]
            run.start = until
        self.given = until
        self.held -= count
        if self._conceals:
            self._before = (self._before + audio)[-PIECE_MS * self._form.bytes_a_ms :]
        return audio

    def _sound(self) -> None:
        """Take note that audio is given out at `given`, so that the silence before it, if there was any, is known."""
        if self._silent_from is not None and self._silent_from < self.given:
            cause: Cause = "not delivered by the carrier" if self._has_sounded else "the track began late"
            silence = Silence(self._name, self._silent_from, self.given, cause)
            if silence.end - silence.start > self._jitter:
                self._miss(silence)
            else:
                self._trifles.append(silence)
        self._silent_from = None
        self._has_sounded = True

    def _miss(self, silence: Silence) -> None:
        """Note a gap, unless it was a pause."""
        if not any(
            begin - self._jitter <= silence.start and silence.end <= end + self._jitter for begin, end in self._pauses
        ):
            self._gaps.append(silence)

    def _is_jitter(self, position: int, audio: bytes) -> bool:
        """Tell whether `audio` follows the last one, though its timestamp is off by a little."""
        ahead = position - self.end
        if ahead > 0:
            return self._is_step(ahead)
        if self._runs and position < self._runs[-1].start and self._runs[-1].start > self.given:
            return False  # it may be for the hole before
        return -self._jitter <= ahead <= 0 and (position, audio) != self._last

    def _is_step(self, ahead: int) -> bool:
        """Tell whether a timestamp that is `ahead` of what was expected tells of no missing packet."""
        return 0 <= ahead <= self._jitter and (len(self._lengths) == 1 or ahead < min(self._lengths))

    def _fit(self, position: int, audio: bytes) -> None:
        """Put `audio` into the holes that it covers, or behind everything."""
        kept = 0
        for index, start, end, is_joined in reversed(list(self._holes())):
            is_last = end == _ENDLESS
            at = start if is_joined and not is_last and self._is_near(position - start, len(audio)) else position
            first, last = max(at, start), min(at + len(audio), end)
            # A repeated packet, with a timestamp that is off, must not leave a splinter in the next hole.
            if last > first and (is_last or last - first > self._jitter or last - first == len(audio)):
                self._runs.insert(index, _Run(first, bytearray(audio[first - at : last - at])))
                kept += last - first
        self._join()
        self.held += kept
        self.dropped += len(audio) - kept
        if kept < len(audio) and position < self.given:
            self._own_up(position, position + len(audio))

    def _holes(self) -> Iterator[tuple[int, int, int, bool]]:
        """Yield index, start and end of each hole, and whether audio stands right before it."""
        at, is_joined = self.given, self._silent_from is None
        for index, run in enumerate(self._runs):
            if run.start > at:
                yield index, at, run.start, is_joined
            at, is_joined = run.end, True
        yield len(self._runs), at, _ENDLESS, is_joined

    def _is_near(self, off: int, length: int) -> bool:
        return -self._jitter <= off <= self._jitter and (2 * -off < length if off < 0 else self._is_step(off))

    def _join(self) -> None:
        apart: list[_Run] = []
        for run in self._runs:
            if apart and apart[-1].end == run.start:
                apart[-1].audio += run.audio
            else:
                apart.append(run)
        self._runs = apart
        if apart:
            self.end = max(self.end, apart[-1].end)

    def _own_up(self, start: int, end: int) -> None:
        """Tell of the trifles between `start` and `end`: they have cost audio."""
        for trifle in [trifle for trifle in self._trifles if trifle.start < end and start < trifle.end]:
            self._trifles.remove(trifle)
            self._gaps.append(trifle)
