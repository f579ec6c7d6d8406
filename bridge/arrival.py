"""When a media stream's audio was due, as the frames tell that were delayed least.

Two processes that hear one call, one after the other, agree by the wall clock alone on how much lies between them. What
a frame's arrival tells of that is late by whatever held it up: the network, or a busy process. The least late of some
seconds is late by hardly anything.
"""

from __future__ import annotations

import time

from bridge.dialects.events import Audio
from callscribe.audio_format import MULAW_8K, AudioFormat

# Long enough to hold frames that nothing held up, short enough for the carrier's clock to drift by less than a ms.
WINDOW_MS = 10_000
# A time so far from all others is a mistake, unless the next ones say the same: the clock was set anew.
LEAP_MS = 60_000
AGREEING = 3
SETTLED_MS = 2000  # of audio, until some of it has come as soon as it can


class Arrivals:
    """The arrivals of one media stream; times are seconds of any one steady clock."""

    def __init__(self, form: AudioFormat = MULAW_8K, *, begin_ms: int | None = None) -> None:
        """`begin_ms`, of the carrier's clock, is where the media stream begins, if not with its first audio."""
        self._bytes_a_ms = form.bytes_a_ms
        self._begin_ms = begin_ms
        self._first_ms: int | None = None  # of the carrier's clock: where the first audio begins
        self._newest_ms = -LEAP_MS  # where the newest begins
        self._newest_bytes = 0
        self._window_end_ms = 0
        self._least_s = 0.0  # what the clock shows less the carrier's, in this window
        self._before_s = 0.0  # and in the one before
        self._strange = 0

    def note(self, audio: Audio, *, now: float) -> None:
        """Take note that `audio`, all of it, was there at `now`."""
        media_ms = audio.media_ms
        if self._newest_ms - LEAP_MS < media_ms <= self._newest_ms:
            return  # another track's of the same time, or one that was overtaken: it tells nothing new
        if self._first_ms is None:
            self._first_ms = media_ms if self._begin_ms is None else self._begin_ms
            self._begin(audio, now)
            return
        delay_s = now - (media_ms + len(audio.audio) / self._bytes_a_ms) / 1000
        if abs(delay_s - self._least_s) * 1000 >= LEAP_MS:
            self._strange += 1
            if self._strange == AGREEING:
                self._begin(audio, now)
            return
        self._strange = 0
        self._newest_ms, self._newest_bytes = media_ms, len(audio.audio)
        if media_ms >= self._window_end_ms:
            self._before_s, self._least_s = self._least_s, delay_s
            self._window_end_ms = media_ms + WINDOW_MS
        elif delay_s < self._least_s:
            self._least_s = delay_s

    def due_at(self, media_ms: int) -> float | None:
        """Return when audio up to `media_ms` can be there at the earliest; None while that is not known well."""
        if self._first_ms is None or self._newest_ms - self._first_ms < SETTLED_MS:
            return None
        return media_ms / 1000 + min(self._least_s, self._before_s)

    @property
    def first_at(self) -> float | None:
        """When the media stream began; None before any audio has come."""
        return None if self._first_ms is None else self._first_ms / 1000 + min(self._least_s, self._before_s)

    @property
    def newest_at(self) -> float | None:
        """When the last of what has come was said; None before any has come."""
        if self._first_ms is None:
            return None
        return (self._newest_ms + self._newest_bytes / self._bytes_a_ms) / 1000 + min(self._least_s, self._before_s)

    def _begin(self, audio: Audio, now: float) -> None:
        self._strange = 0
        self._newest_ms, self._newest_bytes = audio.media_ms, len(audio.audio)
        self._window_end_ms = audio.media_ms + WINDOW_MS
        self._least_s = self._before_s = now - (audio.media_ms + len(audio.audio) / self._bytes_a_ms) / 1000


def posix_ms(monotonic_s: float) -> int:
    """Return what the wall clock showed when `time.monotonic` showed that, as it is set now."""
    return round((time.time() - time.monotonic() + monotonic_s) * 1000)
