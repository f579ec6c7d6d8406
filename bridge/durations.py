"""Durations in a few counters: what the slowest hundredth took, without keeping any of them."""

from __future__ import annotations

import math

FIRST_S = 0.001
PER_DOUBLING = 4  # so that a bound is at most 19 % above what was measured
_BUCKETS = 23 * PER_DOUBLING  # up to two hours and more; all above is in the last one


class Durations:
    """A histogram with bounds that grow by a fixed factor, from a millisecond on."""

    def __init__(self) -> None:
        self._counts = [0] * (_BUCKETS + 1)
        self._total = 0
        self.longest = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration."""
        place = math.ceil(math.log2(seconds / FIRST_S) * PER_DOUBLING) if seconds > FIRST_S else 0
        self._counts[min(place, _BUCKETS)] += 1
        self._total += 1
        self.longest = max(self.longest, seconds)

    def within(self, part: float) -> float:
        """Return a bound that `part` of the durations stayed within, from 0 to 1; 0 if there are none."""
        wanted = math.ceil(self._total * part)
        seen = 0
        for place, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                return min(self.longest, FIRST_S * 2 ** (place / PER_DOUBLING))
        return 0.0

    def clear(self) -> None:
        """Begin again."""
        self._counts = [0] * (_BUCKETS + 1)
        self._total = 0
        self.longest = 0.0
