"""How a task of the bridge gets slots, and gives them back, whatever DynamoDB does."""

from __future__ import annotations

import asyncio
import time

import pytest

from bridge.governor import ATTEMPTS, Governor, Lease
from callscribe.dynamodb import perform
from callscribe.errors import Unavailable
from callscribe.slots import Slots, Waiting
from tests.aws_clients import tables_at

SLOTS = Slots("Sessions", limit=1)


class Link:
    """A client that may be cut off from DynamoDB, and tells of each request."""

    def __init__(self, client) -> None:
        self._client = client
        self.is_cut = False
        self.asked = asyncio.Condition()
        self.requests = 0

    async def ask(self, request):
        async with self.asked:
            self.requests += 1
            self.asked.notify_all()
        if self.is_cut:
            raise Unavailable("dynamodb: ConnectionRefusedError")
        return await self._client.ask(request)

    async def more_requests(self, count: int) -> None:
        """Wait until so many more have been made."""
        async with self.asked:
            until = self.requests + count
            await self.asked.wait_for(lambda: self.requests >= until)


@pytest.fixture
async def link(moto, dynamodb):
    with tables_at(moto) as client:
        yield Link(client)


@pytest.fixture
async def governor(link):
    governor = Governor(link, SLOTS, "task-a", poll_s=0.001, retry_s=(0.001,))
    yield governor
    await governor.close(timeout_s=5)


def holders(dynamodb) -> list[str]:
    items = dynamodb.scan(TableName="Sessions")["Items"]
    return [item["holder"]["S"] for item in items if item["sk"]["S"].startswith("SLOT#")]


def in_line(dynamodb) -> list[str]:
    items = dynamodb.scan(TableName="Sessions")["Items"]
    return [item["holder"]["S"] for item in items if item["sk"]["S"].startswith("WAIT#")]


def unheard(waiting: Waiting) -> None:
    raise AssertionError(waiting)


async def given_back(governor: Governor) -> None:
    await governor.close(timeout_s=5)
    assert governor.due == 0


async def test_a_free_slot_is_had_at_once(governor, dynamodb):
    lease = await governor.acquire("CA1/inbound", "acme", wait_s=0, waits=unheard)

    assert lease is not None
    assert lease.slot == 0
    assert holders(dynamodb) == ["CA1/inbound"]


async def test_a_slot_that_is_given_back_is_free(governor, dynamodb):
    lease = await governor.acquire("CA1", "acme", wait_s=0, waits=unheard)

    governor.release(lease)
    await given_back(governor)

    assert holders(dynamodb) == []


async def test_who_waits_is_told_once_and_has_the_slot_when_it_becomes_free(governor, link, dynamodb):
    lease = await governor.acquire("CA1", "acme", wait_s=0, waits=unheard)
    told: list[Waiting] = []
    waiting = asyncio.create_task(governor.acquire("CA2", "acme", wait_s=60, waits=told.append))
    await link.more_requests(12)  # several polls

    governor.release(lease)

    assert (await waiting).slot == 0
    assert told == [Waiting(ahead=0, taken=1)]
    assert holders(dynamodb) == ["CA2"]
    assert in_line(dynamodb) == []


async def test_who_waited_in_vain_leaves_the_line(governor, dynamodb):
    await governor.acquire("CA1", "acme", wait_s=0, waits=unheard)
    told: list[Waiting] = []

    assert await governor.acquire("CA2", "acme", wait_s=0.01, waits=told.append) is None

    await given_back(governor)
    assert told == [Waiting(ahead=0, taken=1)]
    assert governor.missed == 1
    assert in_line(dynamodb) == []
    assert holders(dynamodb) == ["CA1"]


async def test_a_call_that_ends_while_it_waits_leaves_the_line(governor, link, dynamodb):
    await governor.acquire("CA1", "acme", wait_s=0, waits=unheard)
    told = asyncio.Event()
    waiting = asyncio.create_task(governor.acquire("CA2", "acme", wait_s=60, waits=lambda _: told.set()))
    await told.wait()

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    await given_back(governor)
    assert in_line(dynamodb) == []
    assert governor.missed == 0


async def test_another_task_that_goes_on_with_a_session_has_its_slot(governor, link, dynamodb):
    await governor.acquire("CA1", "acme", wait_s=0, waits=unheard)
    other = Governor(link, SLOTS, "task-b")

    lease = await other.acquire("CA1", "acme", wait_s=0, waits=unheard)

    assert lease.slot == 0
    assert holders(dynamodb) == ["CA1"]


async def test_with_dynamodb_out_of_reach_a_call_goes_on_without_a_slot(governor, link):
    link.is_cut = True

    lease = await governor.acquire("CA1", "acme", wait_s=60, waits=unheard)

    assert lease.slot is None
    assert governor.unleased == 1
    assert link.requests == ATTEMPTS


async def test_a_fault_that_passes_costs_no_slot(governor, link):
    link.is_cut = True
    waiting = asyncio.create_task(governor.acquire("CA1", "acme", wait_s=60, waits=unheard))
    await link.more_requests(1)
    link.is_cut = False

    assert (await waiting).slot == 0
    assert governor.unleased == 0


async def test_a_dynamodb_that_hangs_is_out_of_reach_as_well():
    class Hanging:
        async def ask(self, _request):
            await asyncio.Event().wait()

    governor = Governor(Hanging(), SLOTS, "task-a", attempt_s=0.01, retry_s=(0.001,))

    lease = await governor.acquire("CA1", "acme", wait_s=60, waits=unheard)

    assert lease.slot is None


async def test_slots_are_given_back_when_dynamodb_is_in_reach_again(governor, link, dynamodb):
    lease = await governor.acquire("CA1", "acme", wait_s=0, waits=unheard)
    link.is_cut = True
    governor.release(lease)
    governor.release(Lease("CA2", None, since_ms=0))  # one that went on without
    await link.more_requests(3)
    assert governor.due == 2

    link.is_cut = False
    await given_back(governor)

    assert holders(dynamodb) == []


async def test_a_slot_whose_answer_was_lost_is_given_back_when_the_session_ends(governor, link, dynamodb):
    steps = SLOTS.acquire("CA1", tenant="acme", task="task-a", now_ms=_now_ms(), waiting_since_ms=None)
    perform(dynamodb, steps)  # by this task, which never heard of it
    link.is_cut = True
    lease = await governor.acquire("CA1", "acme", wait_s=60, waits=unheard)
    link.is_cut = False
    assert holders(dynamodb) == ["CA1"]

    governor.release(lease)
    await given_back(governor)

    assert holders(dynamodb) == []


async def test_a_holder_that_asks_again_keeps_what_was_still_to_be_given_back(governor, link, dynamodb):
    lease = await governor.acquire("CA1", "acme", wait_s=0, waits=unheard)
    link.is_cut = True
    governor.release(lease)
    await link.more_requests(2)
    link.is_cut = False

    again = await governor.acquire("CA1", "acme", wait_s=0, waits=unheard)

    await given_back(governor)
    assert again.slot == lease.slot
    assert holders(dynamodb) == ["CA1"]


async def test_closing_waits_no_longer_than_it_is_told(governor, link):
    lease = await governor.acquire("CA1", "acme", wait_s=0, waits=unheard)
    link.is_cut = True
    governor.release(lease)

    await governor.close(timeout_s=0.01)

    assert governor.due == 1


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
