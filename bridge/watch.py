"""The adapter that goes on with the calls of tasks that died: their media streams are asked for again."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import time
from operator import attrgetter

from bridge.aws import perform
from bridge.dynamodb import Dynamodb
from bridge.recall import Recall
from callscribe.entries import TWILIO
from callscribe.errors import MalformedMessage, Refused, Unavailable
from callscribe.lane_record import LaneRecord
from callscribe.sessions import Sessions, Task

logger = logging.getLogger(__name__)

EVERY_S = 1.0
ATTEMPT_S = 5.0
AT_ONCE = 10  # requests to the carrier; it allows many more


class Watch:
    """Looks after the other tasks while this one takes calls.

    Each task does so; whoever is first asks for a call's media stream, and whoever gets it has the call. What no task
    can settle, such as a call that ended meanwhile, is left to the sweep.
    """

    def __init__(
        self, client: Dynamodb, sessions: Sessions, recall: Recall, *, task: str, every_s: float = EVERY_S
    ) -> None:
        self._client = client
        self._sessions = sessions
        self._recall = recall
        self._task = task
        self._every_s = every_s
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            # Not all at the same moment, so that one task usually finds the work done by another.
            await asyncio.sleep(self._every_s * (0.5 + random.random()))  # noqa: S311
            try:
                async with asyncio.timeout(ATTEMPT_S):
                    await self.look()
            except (Unavailable, Refused, MalformedMessage, TimeoutError):
                continue  # DynamoDB is out of reach, and says so elsewhere

    async def look(self) -> int:
        """Look once; return how many media streams were asked for. Raises Unavailable, Refused, or MalformedMessage."""
        now_ms = time.time_ns() // 1_000_000
        tasks = await perform(self._client, self._sessions.tasks())
        asked = 0
        for task in tasks:
            if task.id != self._task and task.is_stale(now_ms=now_ms):
                asked += await self._look_after(task)
        return asked

    async def _look_after(self, task: Task) -> int:
        records = await perform(self._client, self._sessions.of_task(task.id))
        if not records:
            await perform(self._client, self._sessions.forget_task(task.id))
            return 0
        logger.warning("a task has died", extra={"task": task.id, "lanes": len(records)})
        # Nobody else can be asked for a media stream: who comes again takes its lanes, the sweep ends the rest.
        records = [record for record in records if record.provider == TWILIO]
        calls = [list(of_call) for _, of_call in itertools.groupby(records, key=attrgetter("call_id", "media_stream"))]
        return sum(await asyncio.gather(*(self._ask(lanes) for lanes in calls)))

    async def _ask(self, lanes: list[LaneRecord]) -> int:
        first = lanes[0]
        async with self._turns:
            try:
                await self._recall.ask(
                    account=first.account,
                    call_id=first.call_id,
                    tenant=first.tenant,
                    tracks=[leg.track for lane in lanes for leg in lane.legs],
                )
            except (Unavailable, Refused, MalformedMessage) as error:
                logger.warning("a call can't be asked for", extra={"call_id": first.call_id, "reason": str(error)})
                return 0
        return 1
