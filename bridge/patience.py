"""How long a session waits: before it tries again, for an answer, and altogether."""

from __future__ import annotations

from collections.abc import Callable

FIRST_RETRY_S = 0.25
LAST_RETRY_S = 8.0


def first_of(*times: float | None) -> float | None:
    """Return the first of them; None if there is none."""
    first: float | None = None
    for time in times:
        if time is not None and (first is None or time < first):
            first = time
    return first


class Patience:
    """The deadlines of one session. Times are seconds on any clock that only goes forward."""

    def __init__(self, jitter: Callable[[], float]) -> None:
        """`jitter` returns a number from 0 to 1, so that calls don't all retry at once."""
        self._jitter = jitter
        self._retries = 0
        self.retry_at: float | None = None
        self.answer_by: float | None = None  # what is open has to show that it is alive
        self.give_up_at: float | None = None

    @property
    def deadline(self) -> float | None:
        """The first of them; None while there is nothing to wait for."""
        return first_of(self.retry_at, self.answer_by, self.give_up_at)

    def try_later(self, now: float) -> None:
        """Try again after a while, longer each time until `restore`."""
        delay_s = min(LAST_RETRY_S, FIRST_RETRY_S * 2**self._retries)
        self._retries = min(self._retries + 1, 10)
        self.answer_by = None
        self.retry_at = now + delay_s * (0.5 + 0.5 * self._jitter())

    def restore(self) -> None:
        """It went well: the next trouble is tried again soon."""
        self._retries = 0

    def end(self) -> None:
        """Nothing is waited for any more."""
        self.retry_at = self.answer_by = self.give_up_at = None
