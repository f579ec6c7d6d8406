"""How one process gets a lane that another one had: what it is told of it, and when it leaves it alone."""

from __future__ import annotations

import time

import msgspec
import pytest

from bridge.takeover import Keeper
from bridge.tenure import Tenure
from callscribe.dynamodb import perform
from callscribe.errors import Unavailable
from callscribe.lane_record import LaneRecord, LegRecord
from callscribe.sessions import STALE_MS, Sessions
from tests.aws_clients import tables_at

SESSIONS = Sessions("Sessions")
LANE = "inbound"


def record(**changed) -> LaneRecord:
    kept = LaneRecord(
        call_id="CA1", tenant="acme", lane=LANE, owner="task-a", media_stream="MZ1", account="AC1",
        legs=(LegRecord(name="MZ1/inbound", party="caller", track=LANE, channel=0, heard=8000, filled=0, dropped=0),),
        session_id="G1", url="wss://gladia.example.test", begin=0, acknowledged=7200, sent=8000, position_ms=1000,
        at_ms=now_ms(), offset_ms=0, sessions=1, reconnects=0, encoding="mulaw", rate_hz=8000,
    )  # fmt: skip
    return msgspec.structs.replace(kept, **changed)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def do(dynamodb):
    return lambda steps: perform(dynamodb, steps)


class Line:
    """A client on a bad line: the next requests are lost, or the answers of the next changes are."""

    def __init__(self, client) -> None:
        self._client = client
        self.lost_requests = 0
        self.lost_answers = 0

    async def ask(self, request):
        if self.lost_requests:
            self.lost_requests -= 1
            raise Unavailable("dynamodb: ConnectionRefusedError")
        answer = await self._client.ask(request)
        if self.lost_answers and request.method != "query":
            self.lost_answers -= 1
            raise Unavailable("dynamodb: ConnectionResetError")
        return answer


@pytest.fixture
async def line(dynamodb, moto):
    with tables_at(moto) as client:
        yield Line(client)


@pytest.fixture
def tenure(line, monkeypatch):
    monkeypatch.setattr("bridge.tenure.ASK_AGAIN_S", 0.0)
    return Tenure(line, SESSIONS, Keeper("task-b", "acme"), call_id="CA1", media_stream="MZ2")


def beat(do, task: str, *, ago_ms: int = 0) -> None:
    do(SESSIONS.beat(task, now_ms=now_ms() - ago_ms, leaving=False))


@pytest.mark.parametrize(("audio", "tail"), [(b"a" * 800, b"t" * 2400), (b"", b"t" * 2400)])
async def test_a_lane_that_was_let_go_of_is_taken_as_such_with_what_was_left(do, tenure, audio, tail):
    beat(do, "task-a")
    do(SESSIONS.keep(record()))
    do(SESSIONS.release(record(), audio=audio, tail=tail))

    taken = (await tenure.take_over([LANE]))[LANE]

    assert (taken.audio, taken.tail) == (audio, tail)
    assert taken.record.released
    assert taken.record.owner == "task-b"


async def test_a_lane_whose_task_died_is_taken_as_one_of_which_gladia_knows_more(do, tenure):
    beat(do, "task-a", ago_ms=STALE_MS + 1000)
    do(SESSIONS.keep(record()))

    taken = (await tenure.take_over([LANE]))[LANE]

    assert (taken.audio, taken.tail) == (b"", b"")
    assert not taken.record.released


async def test_a_lane_that_was_heard_by_nobody_before_is_not_taken(do, tenure):
    assert await tenure.take_over([LANE]) == {}


async def test_a_lane_of_a_task_that_means_to_keep_it_is_left_to_it_and_has_another_name_here(do, tenure, monkeypatch):
    monkeypatch.setattr("bridge.tenure.PARALLEL_S", 0.0)
    beat(do, "task-a")
    do(SESSIONS.keep(record()))

    assert await tenure.take_over([LANE]) == {}
    assert tenure.key(LANE) == "inbound/MZ2"
    assert do(SESSIONS.keep(record(at_ms=now_ms() + 1)))


async def test_who_had_the_call_is_asked_again_while_the_table_is_out_of_reach(do, tenure, line):
    do(SESSIONS.release(record(), audio=b"a" * 800, tail=b"t" * 2400))
    line.lost_requests = 3

    taken = (await tenure.take_over([LANE]))[LANE]

    assert (taken.audio, taken.tail) == (b"a" * 800, b"t" * 2400)


async def test_a_lane_that_was_taken_without_an_answer_is_found_to_be_taken(do, tenure, line):
    beat(do, "task-b")
    do(SESSIONS.release(record(), audio=b"a" * 800, tail=b"t" * 2400))
    line.lost_answers = 1

    taken = (await tenure.take_over([LANE]))[LANE]

    assert (taken.audio, taken.tail) == (b"a" * 800, b"t" * 2400)
    assert tenure.key(LANE) == LANE


async def test_without_knowing_who_had_it_a_lane_has_another_name_so_that_it_is_not_given_up(
    do, tenure, line, monkeypatch
):
    monkeypatch.setattr("bridge.tenure.REACH_S", 0.0)
    do(SESSIONS.keep(record()))
    line.lost_requests = 1

    assert await tenure.take_over([LANE]) == {}
    assert await tenure.keep([record(lane=tenure.key(LANE), owner="task-b", media_stream="MZ2")])
