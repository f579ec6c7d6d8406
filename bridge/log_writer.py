"""Writes the entries of one media stream to its call's log, in the order in which they were decided."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from datetime import UTC, datetime

from bridge.aws import perform
from bridge.cadence import Cadence
from bridge.dynamodb import Dynamodb
from bridge.meter import Meter
from bridge.spill import CATCH_UP_INTERVAL_S, Spill
from bridge.telling import Append
from bridge.unwritten import Due, Unwritten
from callscribe.entries import CallFailed, timestamp
from callscribe.errors import Refused, Unavailable
from callscribe.log import Log

logger = logging.getLogger(__name__)

FIRST_RETRY_S = 0.1
LAST_RETRY_S = 5.0  # an outage that ends is noticed so soon
HURRY_S = 0.25  # while somebody waits for it
# After so many attempts in a row that failed it is an outage, and said.
OUTAGE_ATTEMPTS = 3
# A writer with more than these to write is behind, and takes its turn with the others that are. The beginning and the
# end of a call make about as many at once.
BEHIND_ENTRIES = 6
# How long entries wait after the media stream has ended. Throttling passes in minutes; a process that has to stop
# sooner cancels `run`, which says what is left.
FINISH_S = 900.0


class LogWriter:
    """One writer of a log that others write too."""

    def __init__(
        self,
        client: Dynamodb,
        log: Log,
        *,
        tenant: str,
        tail: int | None,
        spill: Spill | None = None,
        meter: Meter | None = None,
        deadline_s: float = FINISH_S,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`tail` is the last number known to be written; None if that could not be read.

        What can't be written now waits in memory, up to a bound, and beyond it in `spill`. `jitter` is from 0 to 1.
        """
        self._client = client
        self._log = log
        self._tenant = tenant
        self._tail = tail
        self._meter = meter or Meter()
        self._deadline_s = deadline_s
        self._jitter = jitter
        self._unwritten = Unwritten(spill.open() if spill is not None else None)
        self._cadence = Cadence(interval_s=CATCH_UP_INTERVAL_S) if spill is None else spill.cadence
        self._changed = asyncio.Event()
        self._idle = asyncio.Event()  # nothing waits
        self._in_a_hurry = asyncio.Event()
        self._finished = False
        self._over = False
        self._deadline: float | None = None
        self._limit: asyncio.Timeout | None = None
        self._behind = False
        self._failures = 0  # in a row
        self._token: str | None = None  # the first entry's
        self._told = False  # whether the log itself says what it lacks
        self.written = 0
        self.delays = 0
        self.refused = 0
        self.lost = 0

    @property
    def tail(self) -> int:
        """The last entry's number, as far as this writer knows."""
        return self._tail or 0

    @property
    def waiting(self) -> int:
        """How many entries are not yet written."""
        return len(self._unwritten)

    def append(self, append: Append) -> None:
        """Write this after all before it; never waits."""
        if self._over:
            self.lost += 1
            self._meter.count("entries_lost")
            return
        now = asyncio.get_running_loop().time()
        due = Due.of(append.body, token=append.token, at=timestamp(datetime.now(UTC)), since_s=now)
        self._token = self._token or due.token
        self._unwritten.append(due)
        self._idle.clear()
        self._changed.set()

    async def caught_up(self) -> None:
        """Wait until all is written that is to be; what failed before is tried at once, and often."""
        self._in_a_hurry.set()
        try:
            await self._idle.wait()
        finally:
            self._in_a_hurry.clear()

    def finish(self, *, deadline_s: float | None = None) -> None:
        """Nothing comes any more: end `run` once all is written, or in `deadline_s` (the writer's own without it).

        Asked again, the newer deadline counts.
        """
        self._finished = True
        self._deadline = asyncio.get_running_loop().time() + (self._deadline_s if deadline_s is None else deadline_s)
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(self._deadline)
        self._changed.set()

    async def run(self) -> None:
        """Write until `finish`. What is not written in the end, also when this is cancelled, is counted and said."""
        with self._meter.follow(self._totals):
            try:
                async with asyncio.timeout_at(self._deadline) as self._limit:
                    await self._write_all()
            except TimeoutError:
                if self._limit is None or not self._limit.expired():
                    raise
            finally:
                self._close()

    async def _write_all(self) -> None:
        while True:
            if (due := self._unwritten.first) is not None:
                await self._write(due)
                self._unwritten.settle()
            elif not self._finished:
                self._idle.set()
                self._changed.clear()
                await self._changed.wait()
            elif self._missing and not self._told:
                self._tell()
            else:
                return

    async def _write(self, due: Due) -> None:
        """Try until it is written, or will never be."""
        while True:
            await self._take_turn()
            try:
                if self._tail is None:
                    # By itself: were the write's own search for it repeated after a lost answer, it would find what was
                    # just written, and write that again behind it.
                    self._tail = await perform(self._client, self._log.tail())
                steps = self._log.append(due.entry(), at=due.at, tenant=self._tenant, token=due.token, tail=self._tail)
                self._tail = (await perform(self._client, steps)).seq
            except Unavailable as error:
                await self._pause(error)
            except Refused as error:
                self.refused += 1
                logger.error(  # noqa: TRY400 - the reason says it all
                    "an entry is left out", extra={"call_id": self._log.call_id, "kind": due.kind, "reason": str(error)}
                )
                return
            else:
                self._note_written(due)
                return

    async def _take_turn(self) -> None:
        """Wait for a turn among those that catch up, if this writer does; until nothing waits behind what is due."""
        self._behind = self.waiting > (1 if self._behind else BEHIND_ENTRIES)
        if self._behind:
            await asyncio.sleep(self._cadence.wait_s(now=asyncio.get_running_loop().time()))

    async def _pause(self, error: Unavailable) -> None:
        self.delays += 1
        self._failures += 1
        if self._failures == OUTAGE_ATTEMPTS:
            logger.warning(
                "the log has to wait",
                extra={"call_id": self._log.call_id, "reason": str(error), "waiting": self.waiting},
            )
        longest_s = min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** min(self._failures - 1, 16))
        pause_s = longest_s * (0.5 + self._jitter() / 2)
        if self._in_a_hurry.is_set():
            await asyncio.sleep(min(pause_s, HURRY_S))
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._in_a_hurry.wait()

    def _note_written(self, due: Due) -> None:
        self.written += 1
        self._meter.observe("log_write_s", asyncio.get_running_loop().time() - due.since_s)
        if self._failures >= OUTAGE_ATTEMPTS:
            logger.info("the log goes on", extra={"call_id": self._log.call_id, "waiting": self.waiting - 1})
        self._failures = 0

    @property
    def _missing(self) -> int:
        return self._unwritten.lost + self.refused

    def _tell(self) -> None:
        """Say in the log itself that it lacks something."""
        self._told = True
        reason = f"{self._missing} entries could not be written, nor kept until they could"
        self.append(Append(CallFailed(reason=reason, kept=f"{self.written} entries"), f"{self._token}/missing"))

    def _totals(self) -> dict[str, int]:
        return {
            "entries_waiting": self.waiting,
            "entries_written": self.written,
            "entries_spilled": self._unwritten.spilled,
            "entries_refused": self.refused,
            "entries_lost": self.lost + self._unwritten.lost,
            "log_delays": self.delays,
        }

    def _close(self) -> None:
        self._over = True
        left = self._unwritten.close()
        self.lost += left
        if left or self._missing:
            logger.error(
                "the log lacks entries",
                extra={
                    "call_id": self._log.call_id,
                    "written": self.written,
                    "no_time": left,
                    "no_place": self._unwritten.lost,
                    "refused": self.refused,
                },
            )
