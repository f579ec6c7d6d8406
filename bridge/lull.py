"""Finds a moment at which nobody speaks, by loudness alone: there a session may hand over to the next one."""

from __future__ import annotations

import math
from collections import deque

from callscribe.audio_format import AudioFormat

# The magnitude in a code of G.711, 0 to 127, grows with the logarithm of the sound's: a measure like decibels. Of 16
# bits the upper byte alone is looked at, which tells speech from none.
_MAGNITUDE = {
    "mulaw": bytes(~code & 0x7F for code in range(256)),
    "alaw": bytes((code ^ 0x55) & 0x7F for code in range(256)),
    "l16": bytes(round(18 * math.log2(1 + (code if code < 128 else 255 - code))) for code in range(256)),
}
_WINDOW_CHUNKS = 30  # three seconds: longer than a word, so that both speech and the line's noise are in it
_QUIET_CHUNKS = 2  # in a row
_FLOOR_PART = 0.2  # of the way from the quietest to the loudest


class Lull:
    """The loudness of the last few seconds of a lane."""

    def __init__(self, channels: int, form: AudioFormat) -> None:
        self._channels = channels
        self._sample_bytes = form.sample_bytes
        self._magnitude = _MAGNITUDE[form.encoding]
        self._levels: deque[float] = deque(maxlen=_WINDOW_CHUNKS)

    def hear(self, chunk: bytes) -> None:
        """Take a chunk of about 100 ms, channels interleaved."""
        codes = chunk[self._sample_bytes - 1 :: self._sample_bytes]  # the lower byte comes first
        count = len(codes) // self._channels
        if count:
            levels = codes.translate(self._magnitude)
            sums = [sum(levels[channel :: self._channels]) for channel in range(self._channels)]
            self._levels.append(max(sums) / count)

    @property
    def is_now(self) -> bool:
        """Whether the last chunks are about as quiet as this line gets; never before the window is full."""
        if len(self._levels) < _WINDOW_CHUNKS:
            return False
        low, high = min(self._levels), max(self._levels)
        limit = low + _FLOOR_PART * (high - low)
        return all(self._levels[-1 - place] <= limit for place in range(_QUIET_CHUNKS))
