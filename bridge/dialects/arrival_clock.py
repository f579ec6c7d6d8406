"""The time of audio that comes without any: by what came before, and by when it comes where its sender fell silent.

A sender that has nothing to say sends nothing, and the network may hold up what it sends, which then comes all at once.
Of a message that is late only the next one tells which it was, or the next few where it is late by so little that a
busy machine may be why: so much is waited for, and no longer.
"""

from __future__ import annotations

from collections.abc import Iterator

# Messages are late by so much without meaning anything: 99 of 100 come within 10 ms of their time on a quiet network.
SLACK_MS = 60.0
# The carrier's clock and ours differ by some parts in ten thousand; what a message is late by moves the expectation by
# so much of it.
CREEP = 0.001
# People pause for longer than this. What is late by less is as likely held up, and let go not quite all at once:
# that it is a pause is certain when so much has come without catching up.
SHORT_MS = 250.0
SURE_MS = 100.0
# A message that comes sooner than so much of its length after the one before is catching up.
AT_ONCE = 0.8


class ArrivalClock:
    """One track's audio, as it comes; times are ms of any one steady clock."""

    def __init__(self, bytes_a_ms: int, *, begin_ms: float = 0.0) -> None:
        """`begin_ms` is where the track begins on the media stream's clock."""
        self._bytes_a_ms = bytes_a_ms
        self._media_ms = float(round(begin_ms))  # where what comes next begins
        self._odd = b""  # less than a millisecond that came last: it goes with what comes next
        self._base_ms: float | None = None  # the clock's time of media time 0, by what came soonest
        self._held: list[bytes] = []
        self._held_ms = 0.0
        self._last_ms = 0.0

    def place(self, audio: bytes, now_ms: float) -> Iterator[tuple[int, bytes]]:
        """Take audio that is all there at `now_ms`; yield what is certain, each with where it begins."""
        audio = self._odd + audio
        whole = len(audio) - len(audio) % self._bytes_a_ms
        audio, self._odd = audio[:whole], audio[whole:]
        if not audio:
            return
        length_ms = len(audio) / self._bytes_a_ms
        came_at_once = bool(self._held) and now_ms - self._last_ms < AT_ONCE * length_ms
        self._last_ms = now_ms
        self._held.append(audio)
        self._held_ms += length_ms
        end_ms = self._media_ms + self._held_ms
        if self._base_ms is None:
            self._base_ms = now_ms - end_ms
        late_ms = now_ms - self._base_ms - end_ms
        if late_ms <= SLACK_MS:  # or it was, and what was held up has come all at once
            self._base_ms += late_ms if late_ms < 0 else CREEP * late_ms
            yield from self.rest()
        elif len(self._held) > 1 and not came_at_once and (late_ms > SHORT_MS or self._held_ms >= SURE_MS):
            self._media_ms += round(late_ms)
            yield from self.rest()

    def end(self) -> Iterator[tuple[int, bytes]]:
        """Yield all that has not been, as nothing comes any more."""
        yield from self.rest()
        if self._odd:
            yield round(self._media_ms), self._odd

    def rest(self) -> Iterator[tuple[int, bytes]]:
        """Yield what was waited for."""
        for audio in self._held:
            yield round(self._media_ms), audio
            self._media_ms += len(audio) / self._bytes_a_ms
        self._held.clear()
        self._held_ms = 0.0
