"""What live sessions and slots need of DynamoDB, kept by the local one, under the bridge's role."""

import time

import pytest
from botocore.exceptions import ClientError

from callscribe.dynamodb import perform
from callscribe.lane_record import LaneRecord
from callscribe.sessions import PART_BYTES, Sessions
from callscribe.slots import Granted, Slots, Waiting

NOW_MS = time.time_ns() // 1_000_000
AUDIO = bytes(range(256)) * (PART_BYTES // 256 * 3)
LANE = LaneRecord(
    call_id="CA-sessions", tenant="acme", lane="inbound+outbound", owner="task-a", media_stream="MZ1", account="AC1",
    legs=(), session_id="G1", url="wss://", begin=0, acknowledged=0, sent=0, position_ms=0, at_ms=NOW_MS, offset_ms=0,
    sessions=1, reconnects=0, encoding="mulaw", rate_hz=8000,
)  # fmt: skip


@pytest.fixture
def do(stack):
    client = stack.bridge_access.client("dynamodb")
    return lambda steps: perform(client, steps)


@pytest.fixture
def table(stack):
    return stack.bridge["SESSIONS_TABLE"]


def test_a_lane_is_handed_over_to_the_byte(do, table):
    sessions = Sessions(table)

    assert do(sessions.keep(LANE))
    assert do(sessions.claim(LANE, "task-b"))
    assert not do(sessions.claim(LANE, "task-c"))
    assert do(sessions.claimant("CA-sessions", LANE.lane)) == "task-b"
    assert [lane.call_id for lane in do(sessions.of_task("task-a"))] == ["CA-sessions"]
    assert do(sessions.release(LANE, audio=AUDIO, tail=b"tail"))
    (released,) = do(sessions.find("CA-sessions"))
    assert released.released

    taken, audio, tail = do(sessions.take(released, task="task-b"))
    assert (taken.owner, audio, tail) == ("task-b", AUDIO, b"tail")
    assert do(sessions.take(released, task="task-c")) is None
    assert not do(sessions.keep(LANE))

    do(sessions.forget("CA-sessions", LANE.lane, owner="task-b"))
    assert do(sessions.find("CA-sessions")) == []
    assert do(sessions.of_task("task-a")) == do(sessions.of_task("task-b")) == []


def test_tasks_come_and_go(do, table):
    sessions = Sessions(table)

    do(sessions.beat("task-a", now_ms=NOW_MS, leaving=False))
    assert "task-a" in [task.id for task in do(sessions.tasks())]

    do(sessions.forget_task("task-a"))
    assert "task-a" not in [task.id for task in do(sessions.tasks())]


def test_the_carrier_is_asked_by_one_task_alone(do, table):
    sessions = Sessions(table)

    assert do(sessions.ask("CA-asked", by="task-a", now_ms=NOW_MS, again_after_ms=5000))
    assert not do(sessions.ask("CA-asked", by="task-b", now_ms=NOW_MS + 1, again_after_ms=5000))


def test_slots_are_leased_waited_for_and_given_back(do, table):
    slots = Slots(table, limit=1)
    asking = {"tenant": "acme", "task": "task-a"}

    assert do(slots.acquire("a", now_ms=NOW_MS, waiting_since_ms=None, **asking)) == Granted(0)
    assert do(slots.acquire("b", now_ms=NOW_MS, waiting_since_ms=None, **asking)) == Waiting(ahead=0, taken=1)
    do(slots.release(0, "a", task="task-a"))
    assert do(slots.acquire("b", now_ms=NOW_MS + 1000, waiting_since_ms=NOW_MS, **asking)) == Granted(0)
    do(slots.give_up("b", NOW_MS, task="task-a"))
    assert do(slots.acquire("c", now_ms=NOW_MS + 2000, waiting_since_ms=None, **asking)) == Granted(0)


def test_the_bridge_cannot_read_all_sessions_at_once(stack, table):
    with pytest.raises(ClientError, match="AccessDenied"):
        stack.bridge_access.client("dynamodb").scan(TableName=table)
