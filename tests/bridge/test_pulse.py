"""How others learn that a task is alive, is leaving, has left or has died."""

from __future__ import annotations

import asyncio

import pytest

from bridge.pulse import Pulse
from callscribe.dynamodb import perform
from callscribe.errors import Unavailable
from callscribe.lane_record import LaneRecord
from callscribe.sessions import Sessions, Task
from tests.aws_clients import tables_at

SESSIONS = Sessions("Sessions")
LANE = LaneRecord(
    call_id="CA1", tenant="acme", lane="inbound", owner="task-a", media_stream="MZ1", account="AC1", legs=(),
    session_id="G1", url="wss://", begin=0, acknowledged=0, sent=0, position_ms=0, at_ms=1_795_000_000_000, offset_ms=0,
    sessions=1, reconnects=0, encoding="mulaw", rate_hz=8000,
)  # fmt: skip


class Heart:
    """A client that counts the beats that arrive, and may be cut off."""

    def __init__(self, client) -> None:
        self._client = client
        self._changed = asyncio.Condition()
        self.is_cut = False
        self.beats = 0
        self.failures = 0

    async def ask(self, request):
        beats = request.method == "put_item"
        try:
            if self.is_cut and request.method != "delete_item":
                self.failures += beats
                raise Unavailable("dynamodb: ConnectionRefusedError")
            answer = await self._client.ask(request)
            self.beats += beats
            return answer
        finally:
            async with self._changed:
                self._changed.notify_all()

    async def until(self, claim) -> None:
        async with self._changed:
            await self._changed.wait_for(claim)


@pytest.fixture
async def heart(moto, dynamodb):
    with tables_at(moto) as client:
        yield Heart(client)


def pulse(heart: Heart, *, interval_s: float = 0.001) -> Pulse:
    return Pulse(heart, SESSIONS, "task-a", interval_s=interval_s)


def tasks(dynamodb) -> list[Task]:
    return perform(dynamodb, SESSIONS.tasks())


async def test_a_task_is_known_before_it_does_anything(heart, dynamodb):
    async with pulse(heart, interval_s=3600):
        assert [task.id for task in tasks(dynamodb)] == ["task-a"]
        assert heart.beats == 1


async def test_a_task_beats_while_it_lives(heart, dynamodb):
    async with pulse(heart):
        (first,) = tasks(dynamodb)
        await heart.until(lambda: heart.beats >= 20)

        (last,) = tasks(dynamodb)
        assert last.heartbeat_ms > first.heartbeat_ms
        assert not last.leaving


async def test_a_task_that_leaves_says_so_at_once(heart, dynamodb):
    async with pulse(heart, interval_s=3600) as beating:
        beating.leave()
        await heart.until(lambda: heart.beats >= 2)

        assert [task.leaving for task in tasks(dynamodb)] == [True]


async def test_a_task_that_left_in_order_is_forgotten(heart, dynamodb):
    async with pulse(heart):
        pass

    assert tasks(dynamodb) == []


async def test_a_task_that_left_a_lane_behind_is_remembered_so_that_the_lane_is_found(heart, dynamodb):
    perform(dynamodb, SESSIONS.release(LANE, audio=b"", tail=b""))

    async with pulse(heart):
        pass

    assert [task.id for task in tasks(dynamodb)] == ["task-a"]


async def test_a_task_that_fails_is_remembered(heart, dynamodb):
    with pytest.raises(ZeroDivisionError):
        async with pulse(heart):
            raise ZeroDivisionError

    assert [task.id for task in tasks(dynamodb)] == ["task-a"]


async def test_the_heart_beats_again_after_an_outage(heart, dynamodb):
    heart.is_cut = True
    async with pulse(heart) as beating:
        await heart.until(lambda: heart.failures >= 5)
        assert tasks(dynamodb) == []
        heart.is_cut = False
        await heart.until(lambda: heart.beats >= 1)

        assert len(tasks(dynamodb)) == 1
        assert beating.missed == heart.failures


async def test_a_task_that_cannot_reach_the_table_leaves_all_the_same(heart, dynamodb):
    async with pulse(heart):
        heart.is_cut = True

    assert [task.id for task in tasks(dynamodb)] == ["task-a"]
