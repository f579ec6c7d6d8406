"""The adapter that asks for slots of Gladia's plan, waits in line for them and gives them back."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bridge.aws import perform
from bridge.dynamodb import Dynamodb
from callscribe.errors import Refused, Unavailable
from callscribe.log import Steps
from callscribe.slots import Granted, Slots, Waiting

logger = logging.getLogger(__name__)

T = TypeVar("T")

POLL_S = 1.0  # on average; a second of a call's audio is kept easily, and a slot is free for minutes at a time
CROWD = 10  # who has so many ahead asks half as often, and so on, down to a third: reading a long line costs the core
ATTEMPT_S = 2.0  # DynamoDB answers in milliseconds
ATTEMPTS = 2  # in a row; beyond, DynamoDB is out of reach, and the call goes on
RETRY_S = (0.1, 0.5, 1.0, 2.0, 5.0)  # then the last one again
DUE_LIMIT = 10_000  # slots to give back: hours of an outage


@dataclass(frozen=True, slots=True)
class Lease:
    """Leave to open a Gladia session; `slot` is None if nobody could be asked for one."""

    holder: str
    slot: int | None
    since_ms: int  # POSIX, when it was first asked for


class Governor:
    """The plan's slots, as one task of the bridge gets them.

    A holder is what one Gladia session at a time hears, such as a lane of a call; another task that goes on with it
    asks under the same name and finds its slot.
    """

    def __init__(
        self,
        client: Dynamodb,
        slots: Slots,
        task: str,
        *,
        poll_s: float = POLL_S,
        attempt_s: float = ATTEMPT_S,
        retry_s: tuple[float, ...] = RETRY_S,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._slots = slots
        self._task = task
        self._poll_s = poll_s
        self._attempt_s = attempt_s
        self._retry_s = retry_s
        self._jitter = jitter
        self._due: dict[str, Lease] = {}  # to be given back, by holder
        self._giving_back: asyncio.Task[None] | None = None
        self.unleased = 0  # sessions that went on without a slot, since DynamoDB was out of reach
        self.missed = 0  # sessions that waited in vain
        self.forgotten = 0  # slots that could not be given back; they are free when this task ends

    @property
    def due(self) -> int:
        """How many slots are still to be given back."""
        return len(self._due)

    async def acquire(
        self, holder: str, tenant: str, *, wait_s: float, waits: Callable[[Waiting], None]
    ) -> Lease | None:
        """Return a lease for `holder` as soon as it is its turn; None if it waited `wait_s` seconds in vain.

        `waits` is told once if no slot is had at once. With DynamoDB out of reach the lease is one without a slot:
        Gladia itself will say 429 if there are too many. Every lease is to be released, but for one that another task
        goes on with. To stop waiting, cancel this.
        """
        since_ms = _now_ms()
        self._due.pop(holder, None)  # what is still to be given back for this holder is its own again
        lease: Lease | None = None
        try:
            lease = await self._wait_for(holder, tenant, since_ms, wait_s, waits)
        finally:
            if lease is None:
                self._give_back_later(Lease(holder, None, since_ms))
        return lease

    def release(self, lease: Lease) -> None:
        """Give back a slot; never waits. Tried until it is done, one at a time, while this task lives."""
        self._give_back_later(lease)

    async def close(self, *, timeout_s: float) -> None:
        """Wait until all is given back, but no longer than that; what is left is free once this task is stale."""
        if self._giving_back is None:
            return
        await asyncio.wait({self._giving_back}, timeout=timeout_s)
        if self._giving_back.cancel():
            await asyncio.wait({self._giving_back})

    async def _wait_for(
        self, holder: str, tenant: str, since_ms: int, wait_s: float, waits: Callable[[Waiting], None]
    ) -> Lease | None:
        clock = asyncio.get_running_loop().time
        deadline: float | None = None  # from the first time on that it has to wait
        failures = 0
        while True:
            steps = self._slots.acquire(
                holder, tenant=tenant, task=self._task, now_ms=_now_ms(), waiting_since_ms=since_ms
            )
            try:
                answer = await self._attempt(steps)
            except (Unavailable, Refused):
                failures += 1
                if failures == ATTEMPTS:
                    self.unleased += 1
                    logger.warning("no slot can be asked for", extra={"unleased": self.unleased})
                    return Lease(holder, None, since_ms)
                await asyncio.sleep(self._retry_s[0])
                continue
            failures = 0
            if isinstance(answer, Granted):
                return Lease(holder, answer.number, since_ms)
            now = clock()
            if deadline is None:
                deadline = now + wait_s
                waits(answer)
            if now >= deadline:
                self.missed += 1
                return None
            await asyncio.sleep(min(deadline - now, self._pause_s(answer)))

    def _pause_s(self, waiting: Waiting) -> float:
        return self._poll_s * min(3.0, 1 + waiting.ahead / CROWD) * (0.75 + self._jitter() / 2)

    def _give_back_later(self, lease: Lease) -> None:
        self._due[lease.holder] = lease
        if len(self._due) > DUE_LIMIT:
            del self._due[next(iter(self._due))]
            self.forgotten += 1
        if self._giving_back is None or self._giving_back.done():
            self._giving_back = asyncio.create_task(self._give_back(), name="slots")

    async def _give_back(self) -> None:
        failures = 0
        while self._due:
            lease = next(iter(self._due.values()))
            try:
                await self._attempt(self._steps_back(lease))
            except Unavailable:
                await asyncio.sleep(self._retry_s[min(failures, len(self._retry_s) - 1)])
                failures += 1
                continue
            except Refused:
                self.forgotten += 1
            failures = 0
            if self._due.get(lease.holder) is lease:
                del self._due[lease.holder]

    def _steps_back(self, lease: Lease) -> Steps[None]:
        if lease.slot is None:
            return self._slots.give_up(lease.holder, lease.since_ms, task=self._task)
        return self._slots.release(lease.slot, lease.holder, task=self._task)

    async def _attempt(self, steps: Steps[T]) -> T:
        try:
            async with asyncio.timeout(self._attempt_s):
                return await perform(self._client, steps)
        except TimeoutError as error:
            raise Unavailable("dynamodb: no answer in time") from error


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
