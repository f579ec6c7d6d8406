"""Sequence numbers of messages that may overtake one another, and come twice.

A number that was overtaken is of use for some tenths of a second, which are fewer messages than the window holds even
if each is a millisecond. Source of the rules, not of the set: RFC 4303, section 3.4.3.
"""

from __future__ import annotations

_WINDOW = 1024


class Sequence:
    """The numbers of one media stream."""

    def __init__(self) -> None:
        self.newest = 0  # may be moved on by whoever has seen that all numbers up to there have come
        self._overtaken: set[int] = set()  # numbers before it that have not come
        self._leap: int | None = None  # a number from afar, which is believed when another follows it

    def begin(self, number: int) -> None:
        """Take `number` for the newest, whatever came before it."""
        self.newest = number

    def is_new(self, number: int) -> bool:
        """Take note of `number` and tell whether this was its first time; later ones may have come before it."""
        ahead = number - self.newest
        if ahead == 1:
            self.newest = number
            return True
        if not -_WINDOW < ahead <= _WINDOW:
            # One wrong number must not make all that follow look old.
            before, self._leap = self._leap, number
            if before is None or not 0 < number - before <= _WINDOW:
                return False
            self.newest = number
            self._overtaken.clear()
            return True
        if ahead > 0:
            self._overtaken.update(range(self.newest + 1, number))
            if len(self._overtaken) > _WINDOW:
                self._overtaken = {each for each in self._overtaken if number - each < _WINDOW}
            self.newest = number
            return True
        is_new = number in self._overtaken
        self._overtaken.discard(number)
        return is_new
