"""Which partials are shown: the first at once, then the newest of each leg at a steady pace."""

from __future__ import annotations

from bridge.telling import Partial

# Four a second is as fast as people read, and a quarter of what each subscriber costs unpaced.
INTERVAL_S = 0.25


class Pacing:
    """The partials of one call."""

    def __init__(self, *, interval_s: float = INTERVAL_S) -> None:
        self._interval_s = interval_s
        self._waiting: dict[str, Partial] = {}
        self._next_at = 0.0

    @property
    def due(self) -> float | None:
        """When to call `take`; None while nothing waits."""
        return self._next_at if self._waiting else None

    def offer(self, partial: Partial) -> None:
        """Take `partial`, instead of an older one of the same leg that still waits."""
        self._waiting[partial.leg] = partial

    def settle(self, utterance_id: str) -> None:
        """Forget what waits of an utterance that is final now."""
        self._waiting = {leg: waiting for leg, waiting in self._waiting.items() if waiting.id != utterance_id}

    def take(self, *, now: float) -> list[Partial]:
        """Return what may be shown at `now`; nothing if that is too early."""
        if not self._waiting or now < self._next_at:
            return []
        shown = list(self._waiting.values())
        self._waiting.clear()
        self._next_at = now + self._interval_s
        return shown
