"""The adapter that lets a media stream go on in another process: writes down how far it is, and hands it over."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from enum import Enum
from typing import Protocol

from bridge.arrival import Arrivals, posix_ms
from bridge.dialects.events import Started
from bridge.hearing import Effect
from bridge.media_stream import MediaStream
from bridge.recall import Answer, Recall
from bridge.takeover import Keeper, record_of
from bridge.tenure import Tenure
from callscribe.errors import MalformedMessage, Refused, Unavailable
from callscribe.lane_record import LaneRecord

logger = logging.getLogger(__name__)

# How old what is written down may be. Clocks drift by some ms in that time, and after a crash Gladia says the rest.
KEEP_S = 30.0
KEEP_AGAIN_S = 2.0
LOOK_S = 0.25
# What a carrier lost it is asked for again, but the call is over more often than not.
LOST_S = 10.0
WRITTEN_S = 3.0  # well within what the other process waits


class Moved(Enum):
    """What came of a move."""

    NOT = "not"  # nobody came
    CALL_OVER = "call over"
    HANDED_OVER = "handed over"


class Process(Protocol):
    """What the process does for a media stream."""

    def perform(self, effects: list[Effect]) -> None:
        """Begin to do what the media stream wants done."""

    async def disconnected(self) -> None:
        """Wait until no socket to Gladia is open any more."""

    async def written(self) -> None:
        """Wait until the log has all that it is to have, trying at once."""


class Succession:
    """One media stream's place in a line of processes."""

    def __init__(
        self,
        stream: MediaStream,
        started: Started,
        *,
        arrivals: Arrivals,
        keeper: Keeper,
        tenure: Tenure,
        recall: Recall | None,
        process: Process,
    ) -> None:
        """Without `recall` nobody comes to take over of whom this process would know."""
        self._stream = stream
        self._started = started
        self._arrivals = arrivals
        self._keeper = keeper
        self._tenure = tenure
        self._recall = recall
        self._process = process
        self._changed = asyncio.Event()
        self.has_ended = False  # no more audio comes on this media stream, though the call may go on
        self.handed_over = False

    def changed(self) -> None:
        """Another session hears a lane: that is to be written down at once."""
        self._changed.set()

    async def keep(self) -> None:
        """Write down how far the lanes are, again and again; give them up if another process has them."""
        await self._changed.wait()
        while not self.handed_over:
            self._changed.clear()
            pause_s = KEEP_S if self._stream.is_settled else LOOK_S
            try:
                if self._stream.is_settled and not await self._tenure.keep(self._records()):
                    self._lose()
            except (Unavailable, Refused):
                pause_s = KEEP_AGAIN_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._changed.wait()

    async def move_on(self, *, within_s: float) -> Moved:
        """Ask the carrier for another media stream, and hand over to whoever gets it.

        Until then this one is heard, unless it has ended.
        """
        if self._recall is None:
            return Moved.NOT
        clock = asyncio.get_running_loop().time
        deadline = clock() + within_s
        try:
            await self._forget_claims()
            while not self._stream.is_over and clock() < deadline:
                if await self._is_wanted():
                    await self._hand_over()
                    return Moved.HANDED_OVER
                if await self._has_gone(self._recall):
                    return Moved.CALL_OVER
                await asyncio.sleep(LOOK_S)
        except (Refused, MalformedMessage) as error:
            logger.warning("the call can't be moved", extra={"call_id": self._started.call_id, "reason": str(error)})
        return Moved.NOT

    async def let_go(self) -> None:
        """Leave the media stream to whoever comes, without waiting for anybody."""
        if self._stream.is_settled and not self._stream.is_over:
            self.has_ended = True
            await self._hand_over()

    async def _has_gone(self, recall: Recall) -> bool:
        """Ask the carrier, as often as it may be asked; return whether the call is over."""
        try:
            answer = await recall.ask(
                account=self._started.account,
                call_id=self._started.call_id,
                tenant=self._keeper.tenant,
                tracks=self._started.tracks,
            )
        except Unavailable:
            return False
        return answer is Answer.CALL_OVER

    async def _forget_claims(self) -> None:
        """Let only those count who want the media stream from now on."""
        with contextlib.suppress(Unavailable):
            await self._tenure.keep(self._records())

    async def _is_wanted(self) -> bool:
        if not self._stream.is_settled:
            return False
        try:
            return await self._tenure.accept_claim(self._stream.lanes[0].name)
        except (Unavailable, Refused):
            return False

    async def _hand_over(self) -> None:
        if self.handed_over:
            return
        self.handed_over = True
        loop = asyncio.get_running_loop()
        at_ms = self._at_ms()
        self._process.perform(self._stream.leave(now=loop.time(), has_ended=self.has_ended))
        await self._process.disconnected()  # or Gladia would still be taking what the next process is told is missing
        with contextlib.suppress(TimeoutError):  # the next process reads the log, so as to say nothing twice
            async with asyncio.timeout(WRITTEN_S):
                await self._process.written()
        for lane in self._stream.lanes:
            record = self._record(lane.name, at_ms=at_ms, now_held=False)
            audio = lane.current.session.unacknowledged()
            if not await self._tenure.release(record, audio=audio, tail=lane.tail):
                logger.error("a call could not be handed over", extra={"call_id": self._started.call_id})
        if self._recall is not None and not self.has_ended:
            await self._dismiss(self._recall)

    async def _dismiss(self, recall: Recall) -> None:
        try:
            await recall.dismiss(
                account=self._started.account,
                call_id=self._started.call_id,
                media_stream=self._started.media_stream,
            )
        except (Unavailable, Refused, MalformedMessage):
            logger.info("the carrier's media stream is closed from here", extra={"call_id": self._started.call_id})

    def _lose(self) -> None:
        if self.handed_over:
            return
        logger.warning("another task has the call", extra={"call_id": self._started.call_id})
        self.handed_over = True
        now = asyncio.get_running_loop().time()
        self._process.perform(self._stream.leave(now=now, has_ended=False))

    def _records(self) -> list[LaneRecord]:
        at_ms = self._at_ms()
        return [self._record(lane.name, at_ms=at_ms, now_held=True) for lane in self._stream.lanes]

    def _record(self, name: str, *, at_ms: int, now_held: bool) -> LaneRecord:
        lane = next(lane for lane in self._stream.lanes if lane.name == name)
        return record_of(
            lane,
            self._tenure.key(name),
            self._started,
            self._keeper,
            at_ms=at_ms,
            offset_ms=self._stream.offset_ms,
            now_held=now_held,
        )

    def _at_ms(self) -> int:
        """Return when the last audio that came was said, POSIX."""
        newest_at = self._arrivals.newest_at
        return time.time_ns() // 1_000_000 if newest_at is None else posix_ms(newest_at)
