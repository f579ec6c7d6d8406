"""The heartbeat of this task in the table Sessions, by which others know that its calls are in good hands."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from types import TracebackType
from typing import Self

from bridge.aws import perform
from bridge.dynamodb import Dynamodb
from callscribe.errors import MalformedMessage, Refused, Unavailable
from callscribe.log import Steps
from callscribe.sessions import Sessions

logger = logging.getLogger(__name__)

BEAT_S = 2.0  # three in a row may be missed before others take this task for dead


class Pulse:
    """Beats while inside: the first beat is tried before anything else is done, and DynamoDB may come and go.

    A task that leaves in order is forgotten, unless a lane is still its own: then others are to find that it is gone,
    and whose calls to go on with, as they do for a task that died.
    """

    def __init__(self, client: Dynamodb, sessions: Sessions, task: str, *, interval_s: float = BEAT_S) -> None:
        self._client = client
        self._sessions = sessions
        self._task = task
        self._interval_s = interval_s
        self._at_once = asyncio.Event()
        self._beating: asyncio.Task[None] | None = None
        self._missed_in_a_row = 0
        self.leaving = False
        self.missed = 0

    async def __aenter__(self) -> Self:
        await self._beat()
        self._beating = asyncio.create_task(self._run(), name="pulse")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.wait({self._beating})
        if kind is None:
            # Unable to look, or to read what it finds, it leaves that to others.
            with contextlib.suppress(Unavailable, Refused, MalformedMessage):
                await perform(self._client, self._forget())

    def leave(self) -> None:
        """Tell, at once and from now on, that this task takes no more calls."""
        self.leaving = True
        self._at_once.set()

    async def _run(self) -> None:
        clock = asyncio.get_running_loop().time
        due = clock()
        while True:
            due = max(due + self._interval_s, clock())  # counted from beat to beat, however long one takes
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._at_once.wait()
            self._at_once.clear()
            await self._beat()

    async def _beat(self) -> None:
        now_ms = time.time_ns() // 1_000_000
        try:
            await perform(self._client, self._sessions.beat(self._task, now_ms=now_ms, leaving=self.leaving))
        except (Unavailable, Refused):
            self.missed += 1
            self._missed_in_a_row += 1
            if self._missed_in_a_row == 1:
                logger.warning("a heartbeat was missed", extra={"missed": self.missed})
            return
        if self._missed_in_a_row:
            logger.info("the heart beats again", extra={"missed": self.missed})
        self._missed_in_a_row = 0

    def _forget(self) -> Steps[None]:
        if not (yield from self._sessions.of_task(self._task)):
            yield from self._sessions.forget_task(self._task)
