"""A stream mapping at work: polls the shards, has batches delivered side by side, reports what was given up.

What to do is decided in `local.aws.stream_mapping`, how in `local.aws.stream_services`; here is the waiting.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from local.aws.failure_document import failure_document
from local.aws.stream_mapping import Answer, Effect, Failed, GiveUp, Invoke, ShardMapping
from local.aws.stream_services import Away, Place, Shard, StreamServices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local.aws.event_source_mapping import EventSourceMapping
    from local.aws.local_stack import LocalStack
    from local.aws.stream_record import StreamRecord

logger = logging.getLogger(__name__)

POLL_S: Final = 0.25  # Lambda reads each shard four times a second
SHARDS_S: Final = 10.0  # how often new shards are looked for
READ_LIMIT: Final = 1000  # the most that GetRecords gives
# Of the lanes' batches that may be with the function, so many are. A copy of it takes a second of a core to start, and
# on a laptop's few cores more copies are no faster: ten would make callers wait for `voice` meanwhile.
AT_ONCE: Final = 3

T = TypeVar("T")


class Services(Protocol):
    """What a poller needs of AWS, as StreamServices has it. The calls block and are made in threads."""

    def shards(self) -> list[Shard]:
        """Return all shards."""

    def read(self, shard: Shard, place: Place, *, limit: int) -> tuple[list[StreamRecord], Place | None]:
        """Return the next records and where to go on."""

    def invoke(self, records: Sequence[StreamRecord]) -> Answer:
        """Invoke the function."""

    def report(self, document: Mapping[str, object]) -> None:
        """Tell the failure queue."""


@dataclass(slots=True)
class Totals:
    """What a poller has done so far."""

    records: int = 0
    invocations: int = 0
    failures: int = 0
    given_up: int = 0


class StreamPoller:
    """One mapping at work."""

    def __init__(self, mapping: EventSourceMapping, services: Services) -> None:
        self.mapping = mapping
        self.services = services
        self.totals = Totals()
        self.started = asyncio.Event()
        self._room = asyncio.Semaphore(AT_ONCE)
        # A thread for each invocation and some for reading; the loop's own threads are for others.
        self._threads = ThreadPoolExecutor(AT_ONCE + 2, thread_name_prefix="stream-mapping")

    async def run(self) -> None:
        """Work until cancelled; `started` is set once the shards that exist have been read, so that LATEST is set."""
        finished: dict[str, asyncio.Event] = {}
        try:
            async with asyncio.TaskGroup() as followers:
                while True:
                    shards = await self.attempt(self.services.shards) or []
                    fresh = [shard for shard in shards if shard.id not in finished]
                    finished |= {shard.id: asyncio.Event() for shard in fresh}
                    reading = []
                    for shard in fresh:
                        follower = Follower(self, shard, self._place())
                        after = finished.get(shard.parent)
                        followers.create_task(follower.follow(after=after, then=finished[shard.id]))
                        reading += [follower.reading.wait()] if after is None else []
                    await asyncio.gather(*reading)
                    if shards:
                        self.started.set()
                    await asyncio.sleep(SHARDS_S if shards else POLL_S)
        finally:
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def call(self, blocking: Callable[[], T]) -> T:
        """Return what `blocking` returns, called in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, blocking)

    async def invoke(self, records: Sequence[StreamRecord]) -> Answer:
        """Return how the function's invocation with `records` went, once there is room for it."""
        async with self._room:
            answer = await self.call(partial(self.services.invoke, records))
        self.totals.invocations += 1
        self.totals.failures += isinstance(answer, Failed)
        return answer

    async def attempt(self, blocking: Callable[[], T]) -> T | None:
        """Return what `blocking` returns, or None, with a warning, if a service is away."""
        try:
            return await self.call(blocking)
        except Away as away:
            logger.warning("%s", away)
            return None

    def _place(self) -> Place:
        # LATEST skips what was written before the first look; a shard that is found later is read whole.
        position = "TRIM_HORIZON" if self.started.is_set() else self.mapping.starting_position
        return Place({"ShardIteratorType": position})


class Follower:
    """One shard: reads it, and does what its mapping asks for."""

    def __init__(self, poller: StreamPoller, shard: Shard, place: Place) -> None:
        self._poller = poller
        self._shard = shard
        self._place: Place | None = place
        self._mapping = ShardMapping(poller.mapping)
        self._answers: asyncio.Queue[tuple[int, Answer]] = asyncio.Queue()
        self.reading = asyncio.Event()

    async def follow(self, *, after: asyncio.Event | None, then: asyncio.Event) -> None:
        """Bring all records to the function, once the parent shard's have been; `then` lets the children go on."""
        if after is not None:
            await after.wait()
        async with asyncio.TaskGroup() as invocations:
            next_read = time.monotonic()
            while self._place is not None or not self._mapping.settled:
                if time.monotonic() >= next_read:
                    next_read = time.monotonic() + POLL_S
                    records = await self._read()
                    await self._do(self._mapping.read(records, now=time.time()), invocations)
                await self._do(await self._answer(until=next_read), invocations)
        then.set()

    async def _answer(self, *, until: float) -> list[Effect]:
        pause_s = until - time.monotonic()
        if (wakes_at := self._mapping.wakes_at) is not None:
            pause_s = min(pause_s, wakes_at - time.time())
        try:
            async with asyncio.timeout(max(0.0, pause_s)):
                invocation, answer = await self._answers.get()
        except TimeoutError:
            return self._mapping.proceed(now=time.time())
        return self._mapping.answered(invocation, answer, now=time.time())

    async def _read(self) -> list[StreamRecord]:
        limit = min(READ_LIMIT, self._mapping.room)
        if self._place is None or limit == 0:
            return []
        read = await self._poller.attempt(partial(self._poller.services.read, self._shard, self._place, limit=limit))
        if read is None:
            return []
        records, self._place = read
        self.reading.set()
        self._poller.totals.records += len(records)
        return records

    async def _do(self, effects: Iterable[Effect], invocations: asyncio.TaskGroup) -> None:
        for effect in effects:
            match effect:
                case Invoke():
                    invocations.create_task(self._invoke(effect))
                case GiveUp():
                    await self._give_up(effect)

    async def _invoke(self, invoke: Invoke) -> None:
        self._answers.put_nowait((invoke.invocation, await self._poller.invoke(invoke.records)))

    async def _give_up(self, lost: GiveUp) -> None:
        self._poller.totals.given_up += len(lost.records)
        logger.warning("%d records given up: %s", len(lost.records), lost.condition)
        document = failure_document(
            lost,
            mapping=self._poller.mapping,
            shard_id=self._shard.id,
            request_id=str(uuid.uuid4()),
            now=time.time(),
        )
        await self._poller.attempt(partial(self._poller.services.report, document))


@asynccontextmanager
async def polling(stack: LocalStack) -> AsyncIterator[None]:
    """Bring the stream of Calls to its readers while inside; what is with them when leaving is not waited for."""
    async with AsyncExitStack() as readers:
        for mapped in stack.mappings.values():
            connect = partial(StreamServices, mapped.mapping, role=mapped.access, service=stack.root)
            poller = StreamPoller(mapped.mapping, await asyncio.to_thread(connect))
            await readers.enter_async_context(_running(poller))
        yield


@asynccontextmanager
async def _running(poller: StreamPoller) -> AsyncIterator[None]:
    running = asyncio.create_task(poller.run())
    starting = asyncio.create_task(poller.started.wait())
    try:
        await asyncio.wait({running, starting}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            yield
    finally:
        starting.cancel()
        running.cancel()
        await asyncio.wait({running, starting})
        if not running.cancelled():
            running.result()  # it never ends by itself but by a bug, which must not stay hidden
