"""Five hundred subscribers on one call of the locally deployed stack, one of whom never reads."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from websockets.asyncio.client import ClientConnection, connect

from bench.following.service import OVER, began, leg, said
from callscribe.client.connection import Leave, happenings
from callscribe.client.link import Link
from callscribe.dynamodb import perform
from callscribe.entries import Body, Entry, timestamp
from callscribe.log import Log
from callscribe.tickets import push_ticket, sign
from local.aws import LocalStack
from local.laptop import Addresses

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONNECTING = 20  # at once
EVERY_S = 3.0


@dataclass(slots=True)
class FanOut:
    """What came of it."""

    subscribers: int
    behind_s: list[list[float]] = field(default_factory=list)  # by final: of each subscriber
    incomplete: int = 0  # subscribers who don't have exactly the log

    @property
    def medians_s(self) -> list[float]:
        """How late half of the subscribers had each final."""
        return [sorted(each)[len(each) // 2] for each in self.behind_s]

    @property
    def slowest_s(self) -> list[float]:
        """How late the last one had each final."""
        return [max(each) for each in self.behind_s]


class Crowd:
    """Those who follow one call, and whoever appends to its log."""

    def __init__(self, addresses: Addresses, stack: LocalStack, call_id: str) -> None:
        self._addresses = addresses
        self._dynamodb: DynamoDBClient = stack.root.client("dynamodb")
        self._log = Log(stack.calls_table, call_id)
        self._gate = asyncio.Semaphore(CONNECTING)
        self.ready = asyncio.Semaphore(0)  # a subscriber has what was there before
        self.appended_at: dict[int, float] = {}

    async def append(self, body: Body) -> None:
        """Append to the log, and note when that was done."""
        at = timestamp(datetime.now(UTC))
        steps = self._log.append(body, at=at, tenant="default", token=at)
        entry = await asyncio.to_thread(perform, self._dynamodb, steps)
        self.appended_at[entry.seq] = time.monotonic()

    async def leave(self) -> Leave:
        """Return leave to connect."""
        ticket = push_ticket("default", (self._log.call_id,), expires_at=int(time.time()) + 3600)
        return Leave(f"{self._addresses.push_url}?ticket={sign(ticket, self._addresses.signing_key)}", 3600)

    async def follow(self, *, from_the_beginning: int) -> dict[int, float]:
        """Follow to the end; return when each entry came. There are so many `from_the_beginning`."""
        seen: dict[int, float] = {}
        link = Link(jitter=random.random)
        link.follow(self._log.call_id)
        await self._gate.acquire()
        async with aclosing(happenings(link, self.leave)) as following:
            async for each in following:
                if isinstance(each, Entry):
                    seen[each.seq] = time.monotonic()
                    if each.seq == from_the_beginning:
                        self._gate.release()
                        self.ready.release()
                    if each.kind == "call.ended":
                        break
        return seen

    async def be_deaf(self) -> ClientConnection:
        """Follow, and never read."""
        deaf = await connect((await self.leave()).url, compression=None, proxy=None)
        await deaf.send(f'{{"action":"subscribe","call_id":"{self._log.call_id}"}}')
        deaf.transport.pause_reading()
        return deaf


async def fan_out(
    addresses: Addresses,
    stack: LocalStack,
    *,
    subscribers: int,
    finals: int,
    never_reads: bool,
    said_so: Callable[[str], None],
) -> FanOut:
    """Let so many follow one call while finals are appended to its log, one every three seconds."""
    crowd = Crowd(addresses, stack, f"CAfanout{subscribers}{never_reads}")
    first: list[Body] = [began(), leg("agent")]
    for body in first:
        await crowd.append(body)
    deaf = await crowd.be_deaf() if never_reads else None
    following = [asyncio.create_task(crowd.follow(from_the_beginning=len(first))) for _ in range(subscribers)]
    for number in range(subscribers):
        await crowd.ready.acquire()
        if number % 50 == 0:
            said_so(f"{number} of {subscribers} subscribers")
    for number in range(finals):
        said_so(f"final {number + 1} of {finals}")
        await crowd.append(
            said("agent", f"this is final number {number} of the call", number=number, start_ms=1000 * number)
        )
        await asyncio.sleep(EVERY_S)
    await crowd.append(OVER)
    seen = await asyncio.gather(*following)
    if deaf is not None:
        deaf.transport.abort()
    result = FanOut(subscribers)
    for seq in range(len(first) + 1, len(first) + 1 + finals):
        result.behind_s.append([each[seq] - crowd.appended_at[seq] for each in seen if seq in each])
    result.incomplete = sum(sorted(each) != list(range(1, len(first) + finals + 2)) for each in seen)
    return result
