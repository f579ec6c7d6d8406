"""Finds a moment at which nobody speaks, by loudness alone: there a session may hand over to the next one."""

from __future__ import annotations

from collections import deque

# The magnitude in a mu-law code, 0 to 127, grows with the logarithm of the sound's: a measure like decibels.
_MAGNITUDE = bytes(~code & 0x7F for code in range(256))
_WINDOW_CHUNKS = 30  # three seconds: longer than a word, so that both speech and the line's noise are in it
_QUIET_CHUNKS = 2  # in a row
_FLOOR_PART = 0.2  # of the way from the quietest to the loudest


class Lull:
    """The loudness of the last few seconds of a lane."""

    def __init__(self, channels: int) -> None:
        self.channels = channels
        self._levels: deque[float] = deque(maxlen=_WINDOW_CHUNKS)

    def hear(self, chunk: bytes) -> None:
        """Take a chunk of about 100 ms, mu-law, channels interleaved."""
        count = len(chunk) // self.channels
        if count:
            sums = [sum(chunk[channel :: self.channels].translate(_MAGNITUDE)) for channel in range(self.channels)]
            self._levels.append(max(sums) / count)

    @property
    def is_now(self) -> bool:
        """Whether the last chunks are about as quiet as this line gets; never before the window is full."""
        if len(self._levels) < _WINDOW_CHUNKS:
            return False
        low, high = min(self._levels), max(self._levels)
        limit = low + _FLOOR_PART * (high - low)
        return all(self._levels[-1 - place] <= limit for place in range(_QUIET_CHUNKS))
