"""Who goes next where only so many can go at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Hashable


class Turns:
    """At most `at_once` turns at a time, at most `each` of one party; the next one is of the party that has the fewest.

    So a party whose turns never end keeps no more than its share from the others.
    """

    def __init__(self, *, at_once: int, each: int) -> None:
        self._at_once = at_once
        self._each = each
        self._taken: Counter[Hashable] = Counter()
        # By party, longest without a turn first; a party's own in the order in which they came.
        self._waiting: dict[Hashable, dict[asyncio.Future[None], None]] = {}

    @property
    def taken(self) -> int:
        """How many turns are under way."""
        return self._taken.total()

    async def enter(self, party: Hashable) -> None:
        """Wait for a turn, which lasts until `leave`. A wait that is cancelled has taken none."""
        if self.taken < self._at_once and self._taken[party] < self._each:
            self._taken[party] += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(party, {})[turn] = None
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._forget(party, turn)
            else:
                self.leave(party)  # it was given at the same moment
            raise

    def leave(self, party: Hashable) -> None:
        """End a turn of `party`; whoever is next gets it."""
        self._taken[party] -= 1
        if not self._taken[party]:
            del self._taken[party]
        while self.taken < self._at_once and (following := self._next()) is not None:
            self._give(following)

    def _next(self) -> Hashable | None:
        able = [party for party in self._waiting if self._taken[party] < self._each]
        return min(able, key=self._taken.__getitem__, default=None)

    def _give(self, party: Hashable) -> None:
        turn = next(iter(self._waiting[party]))
        self._forget(party, turn)
        if party in self._waiting:
            self._waiting[party] = self._waiting.pop(party)  # behind the others
        if not turn.done():
            self._taken[party] += 1
            turn.set_result(None)

    def _forget(self, party: Hashable, turn: asyncio.Future[None]) -> None:
        turns = self._waiting.get(party, {})
        turns.pop(turn, None)
        if not turns:
            self._waiting.pop(party, None)
