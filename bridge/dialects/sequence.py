"""Sequence numbers of messages that may overtake one another, and come twice.

A number that was overtaken is of use for some tenths of a second, which are fewer messages than the window holds even
if each is a millisecond. Source of the method: RFC 4303, section 3.4.3.
"""

from __future__ import annotations

_WINDOW = 1024
_ALL_SEEN = (1 << _WINDOW) - 1


class Sequence:
    """The numbers of one media stream."""

    def __init__(self) -> None:
        self._newest = 0
        self._seen = _ALL_SEEN  # bit n: the number `_newest - n` was seen
        self._leap: int | None = None  # a number from afar, which is believed when another follows it

    def begin(self, number: int) -> None:
        """Take `number` for the newest, whatever came before it."""
        self._newest = number

    def is_new(self, number: int) -> bool:
        """Take note of `number` and tell whether this was its first time; later ones may have come before it."""
        ahead = number - self._newest
        if not -_WINDOW < ahead <= _WINDOW:
            # One wrong number must not make all that follow look old.
            before, self._leap = self._leap, number
            if before is None or not 0 < number - before <= _WINDOW:
                return False
            self._newest, self._seen = number, _ALL_SEEN
            return True
        if ahead > 0:
            self._seen = ((self._seen << ahead) | 1) & _ALL_SEEN
            self._newest = number
            return True
        bit = 1 << -ahead
        is_new = not self._seen & bit
        self._seen |= bit
        return is_new
