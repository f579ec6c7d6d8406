"""A steady rate that several share: nobody is ever let through in a burst."""

from __future__ import annotations


class Cadence:
    """Moments at least `interval_s` apart, given out in the order in which they are asked for."""

    def __init__(self, *, interval_s: float) -> None:
        self._interval_s = interval_s
        self._next_at = float("-inf")

    def wait_s(self, *, now: float) -> float:
        """Return how many seconds after `now` the next moment is, which is the asker's from then on."""
        moment = max(now, self._next_at)
        self._next_at = moment + self._interval_s
        return moment - now
