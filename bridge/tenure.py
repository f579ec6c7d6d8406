"""The adapter through which one media stream has its lanes: written down, taken over, let go of."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from bridge.aws import perform
from bridge.dynamodb import Dynamodb
from bridge.takeover import Keeper, Taken
from callscribe.errors import MalformedMessage, Refused, Unavailable
from callscribe.lane_record import LaneRecord
from callscribe.log import Steps
from callscribe.sessions import STALE_MS, Sessions

logger = logging.getLogger(__name__)

T = TypeVar("T")

ASK_AGAIN_S = 0.25  # how often one process looks what the other one has done
# A task that leaves answers a claim within a second. One that does not may have a media stream of the same call and
# mean to keep it, as Twilio can be told to open two.
PARALLEL_S = 2.0
LEAVING_S = 8.0
ATTEMPT_S = 2.0  # DynamoDB answers in milliseconds
RELEASE_S = 10.0
REACH_S = 10.0  # the call's audio is kept meanwhile; without knowing who had it, it can only begin anew


class Tenure:
    """The lanes of one media stream, as the table Sessions has them.

    Whether the table can be reached or not, the call goes on: without it nobody could take over.
    """

    def __init__(
        self, client: Dynamodb, sessions: Sessions, keeper: Keeper, *, call_id: str, media_stream: str
    ) -> None:
        self._client = client
        self._sessions = sessions
        self._keeper = keeper
        self._call_id = call_id
        self._media_stream = media_stream
        self._keys: dict[str, str] = {}
        self._taking: str | None = None  # a lane that was asked for, whatever the answer
        self._has_written = False

    def key(self, lane: str) -> str:
        """Return the name of `lane` in the table: its tracks, and more if another media stream has these too."""
        return self._keys.get(lane, lane)

    async def take_over(self, lanes: Iterable[str]) -> dict[str, Taken]:
        """Return those of `lanes` that another media stream of this call had, and has no more."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + REACH_S
        taken: dict[str, Taken] = {}
        for lane in lanes:
            try:
                found = await self._take(lane, deadline=deadline)
            except (Unavailable, Refused, MalformedMessage):
                logger.warning("it can't be told who had the call", extra={"call_id": self._call_id})
                self._beside(lane)
                continue
            if found is not None:
                taken[lane] = found
        return taken

    async def keep(self, records: Iterable[LaneRecord]) -> bool:
        """Write down how far the lanes are; return whether they still are this task's. Raises Unavailable."""
        self._has_written = True
        return all([await self._attempt(self._sessions.keep(record)) for record in records])

    async def accept_claim(self, lane: str) -> bool:
        """Promise `lane` to another media stream; return whether one wants it. Raises Unavailable."""
        if await self._attempt(self._sessions.claimant(self._call_id, self.key(lane))) is None:
            return False
        return await self._attempt(self._sessions.accept(self._call_id, self.key(lane), owner=self._keeper.task))

    async def release(self, record: LaneRecord, *, audio: bytes, tail: bytes) -> bool:
        """Let go of a lane; return False if nobody could be told in time."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + RELEASE_S
        while clock() < deadline:
            try:
                return await self._attempt(self._sessions.release(record, audio=audio, tail=tail))
            except Unavailable:
                await asyncio.sleep(ASK_AGAIN_S)
            except Refused:
                return False
        return False

    async def forget(self) -> None:
        """The lanes have ended. What can't be removed now, the sweep finds and removes."""
        if not self._has_written:
            return
        for key in self._keys.values():
            try:
                await self._attempt(self._sessions.forget(self._call_id, key, owner=self._keeper.task))
            except (Unavailable, Refused):
                logger.warning("a session can't be forgotten", extra={"call_id": self._call_id})

    async def _take(self, lane: str, *, deadline: float) -> Taken | None:
        """Return the lane if it is had, as often as that has to be tried while the table is out of reach."""
        clock = asyncio.get_running_loop().time
        while True:
            try:
                return await self._take_in_reach(lane)
            except Unavailable:
                if clock() >= deadline:
                    raise
                await asyncio.sleep(ASK_AGAIN_S)

    async def _take_in_reach(self, lane: str) -> Taken | None:
        clock = asyncio.get_running_loop().time
        begun = clock()
        self._keys.setdefault(lane, lane)
        while True:
            record = next((each for each in await self._find() if _is_of(each, lane)), None)
            if record is None or record.media_stream == self._media_stream:
                return None
            leaving = await self._is_gone(record)
            if leaving is None or record.released or (record.lane, record.owner) == (self._taking, self._keeper.task):
                self._taking = record.lane
                took = await self._attempt(self._sessions.take(record, task=self._keeper.task))
                if took is not None:
                    self._keys[lane], self._has_written = record.lane, True
                    return _taken(*took)
            elif clock() - begun > LEAVING_S:
                self._beside(lane)
                return None
            elif clock() - begun > PARALLEL_S and not leaving:
                if await self._attempt(self._sessions.withdraw(record, self._keeper.task)):
                    self._beside(lane)
                    return None
                # Its owner has just accepted, and lets go in a moment.
            else:
                await self._attempt(self._sessions.claim(record, self._keeper.task))
            await asyncio.sleep(ASK_AGAIN_S)

    def _beside(self, lane: str) -> None:
        """Have `lane` beside the other media stream that has its tracks."""
        self._keys[lane] = f"{lane}/{self._media_stream}"

    async def _find(self) -> list[LaneRecord]:
        return await self._attempt(self._sessions.find(self._call_id))

    async def _is_gone(self, record: LaneRecord) -> bool | None:
        """Return None if the record's task is gone, else whether it means to leave."""
        now_ms = time.time_ns() // 1_000_000
        for task in await self._attempt(self._sessions.tasks()):
            if task.id == record.owner:
                return None if task.is_stale(now_ms=now_ms) else task.leaving
        # Its heartbeat is as old as a record is kept without one, or could never be written.
        return None if now_ms - record.at_ms > STALE_MS else False

    async def _attempt(self, steps: Steps[T]) -> T:
        try:
            async with asyncio.timeout(ATTEMPT_S):
                return await perform(self._client, steps)
        except TimeoutError as error:
            raise Unavailable("dynamodb: no answer in time") from error


def _taken(record: LaneRecord, audio: bytes, tail: bytes) -> Taken:
    # The record is ours by now, and no longer says whether it was let go of. If nothing lies beside it, only Gladia
    # knows how far the lane was heard.
    return Taken(msgspec.structs.replace(record, released=bool(audio or tail)), audio, tail)


def _is_of(record: LaneRecord, lane: str) -> bool:
    return "+".join(leg.track for leg in record.legs) == lane
