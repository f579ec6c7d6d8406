"""What DynamoDB can't take now is written later, in order; what never can be is said."""

from __future__ import annotations

import asyncio
import logging
from collections import deque

import pytest

from bridge.cadence import Cadence
from bridge.log_writer import LogWriter
from bridge.meter import Meter
from bridge.spill import Spill
from bridge.telling import Append
from callscribe.entries import CallFailed, Dtmf
from callscribe.errors import Unavailable
from callscribe.log import Log, entry_of
from tests.aws_clients import Answered, ByMethod

LOG = Log("Calls", "CA1")


THROTTLED = Answered("ProvisionedThroughputExceededException")
UNREACHABLE = Unavailable("dynamodb: ConnectionRefusedError")


class Table(ByMethod):
    """DynamoDB as a log uses it. `faults` strike the next puts, in order; a put may also wait, or lose its answer."""

    def __init__(self) -> None:
        self.items: dict[str, dict] = {}
        self.faults: deque[Exception | None] = deque()
        self.refuses: set[str] = set()  # tokens
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()  # a put has come
        self.down: Exception | None = None
        self.loses_answers = 0

    async def put_item(self, *, Item, **_arguments):  # noqa: N803 - as DynamoDB spells it
        self.asked.set()
        await self.open.wait()
        if self.down is not None:
            raise self.down
        if self.faults and (fault := self.faults.popleft()) is not None:
            raise fault
        if Item["token"]["S"] in self.refuses:
            raise Answered("ValidationException")
        if Item["sk"]["S"] in self.items:
            raise Answered("ConditionalCheckFailedException", item=self.items[Item["sk"]["S"]])
        self.items[Item["sk"]["S"]] = Item
        if self.loses_answers:
            self.loses_answers -= 1
            raise UNREACHABLE
        return {}

    async def update_item(self, **_arguments):
        return {}

    async def query(self, *, ExpressionAttributeValues, ScanIndexForward=True, **_arguments):  # noqa: N803
        first = ExpressionAttributeValues[":first"]["S"]
        found = [item for sort, item in sorted(self.items.items()) if sort >= first]
        return {"Items": found if ScanIndexForward else found[:-2:-1]}

    @property
    def entries(self):
        return [entry_of(item) for _, item in sorted(self.items.items())]

    @property
    def digits(self) -> list[int]:
        return [entry.body.at_ms for entry in self.entries if isinstance(entry.body, Dtmf)]


def digit(number: int, text: str = "1") -> Append:
    return Append(Dtmf(leg="MZ1/inbound", digit=text, at_ms=number), f"digit/{number}")


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr("bridge.log_writer.FIRST_RETRY_S", 0.0)
    monkeypatch.setattr("bridge.log_writer.LAST_RETRY_S", 0.0)
    monkeypatch.setattr("bridge.log_writer.CATCH_UP_INTERVAL_S", 0.0)
    monkeypatch.setattr("bridge.spill.CATCH_UP_INTERVAL_S", 0.0)


@pytest.fixture
def table():
    return Table()


@pytest.fixture
def writer(table, tmp_path):
    return LogWriter(table, LOG, tenant="acme", tail=0, spill=Spill(tmp_path))


async def test_entries_are_written_in_the_order_in_which_they_were_decided(table, writer):
    for number in range(20):
        writer.append(digit(number))
    writer.finish()
    await writer.run()

    assert table.digits == list(range(20))
    assert [entry.seq for entry in table.entries] == list(range(1, 21))
    assert (writer.tail, writer.waiting, writer.lost) == (20, 0, 0)


@pytest.mark.parametrize(
    "fault",
    [
        THROTTLED,
        Answered("ThrottlingException"),
        Answered("RequestLimitExceeded"),
        Answered("InternalServerError", 500),
        Answered("ServiceUnavailable", 503),
        Answered("502", 502),  # a gateway's page
        Answered("AccessDeniedException"),
        Answered("ResourceNotFoundException"),
        Answered("ExpiredTokenException"),
        UNREACHABLE,
    ],
    ids=str,
)
async def test_whatever_may_pass_is_waited_for(table, writer, fault):
    table.faults.extend([fault] * 5 + [None] + [fault] * 5)
    for number in range(3):
        writer.append(digit(number))
    writer.finish()
    await writer.run()

    assert table.digits == [0, 1, 2]
    assert writer.delays == 10


async def test_deciding_never_waits_and_memory_is_bounded_while_dynamodb_is_away(table, tmp_path):
    spill = Spill(tmp_path)
    writer = LogWriter(table, LOG, tenant="acme", tail=0, spill=spill)
    table.open.clear()
    running = asyncio.create_task(writer.run())
    for number in range(2000):
        writer.append(digit(number))
    await table.asked.wait()

    in_memory = sum(len(line) for line in writer._unwritten._lines)
    assert in_memory <= 64 * 1024
    assert spill.used_bytes > 100_000
    table.open.set()
    writer.finish()
    await running
    assert table.digits == list(range(2000))
    assert spill.used_bytes == 0


async def test_a_write_whose_answer_was_lost_is_not_written_twice(table, writer):
    table.loses_answers = 3
    for number in range(5):
        writer.append(digit(number))
    writer.finish()
    await writer.run()

    assert table.digits == [0, 1, 2, 3, 4]


async def test_nor_if_the_log_could_not_be_read_before(table):
    writer = LogWriter(table, LOG, tenant="acme", tail=None)
    table.loses_answers = 3
    for number in range(5):
        writer.append(digit(number))
    writer.finish()
    await writer.run()

    assert table.digits == [0, 1, 2, 3, 4]


async def test_an_entry_that_dynamodb_will_never_take_holds_nothing_up_and_the_log_says_so(table, writer, caplog):
    table.refuses.add("digit/1")
    for number in range(4):
        writer.append(digit(number))
    writer.finish()
    await writer.run()

    assert table.digits == [0, 2, 3]
    assert [entry.seq for entry in table.entries] == [1, 2, 3, 4]
    assert table.entries[-1].body == CallFailed(
        reason="1 entries could not be written, nor kept until they could", kept="3 entries"
    )
    (record,) = [record for record in caplog.records if record.getMessage() == "the log lacks entries"]
    assert (record.levelno, record.refused, record.written) == (logging.ERROR, 1, 4)


async def test_what_finds_no_place_is_said_once_and_the_rest_is_in_order(table, tmp_path, caplog):
    meter = Meter()
    writer = LogWriter(table, LOG, tenant="acme", tail=0, spill=Spill(tmp_path, limit_bytes=50_000), meter=meter)
    table.down = THROTTLED
    for number in range(2000):
        writer.append(digit(number))
    running = asyncio.create_task(writer.run())
    await table.asked.wait()
    table.down = None
    writer.finish()
    await running

    kept = len(table.digits)
    assert 0 < kept < 1500
    assert table.digits == list(range(kept))
    assert [entry.seq for entry in table.entries] == list(range(1, kept + 2))
    assert table.entries[-1].body.reason.startswith(f"{2000 - kept} entries")
    (record,) = [record for record in caplog.records if record.getMessage() == "the log lacks entries"]
    assert record.no_place == 2000 - kept
    assert meter.line(0)["entries_lost"] == 2000 - kept


async def test_after_its_deadline_it_ends_and_says_what_is_left(table, writer, caplog):
    table.open.clear()
    for number in range(3):
        writer.append(digit(number))
    running = asyncio.create_task(writer.run())
    await table.asked.wait()

    writer.finish()
    writer.finish(deadline_s=0)
    await running

    (record,) = [record for record in caplog.records if record.getMessage() == "the log lacks entries"]
    assert (record.no_time, writer.lost) == (3, 3)


async def test_a_process_that_stops_says_what_is_left(table, writer, caplog):
    table.open.clear()
    writer.append(digit(1))
    running = asyncio.create_task(writer.run())
    await table.asked.wait()

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert "the log lacks entries" in caplog.text
    writer.append(digit(2))
    assert writer.lost == 2


async def test_an_outage_is_said_once_and_its_end_too(table, writer, caplog):
    caplog.set_level("INFO", "bridge")
    table.faults.extend([THROTTLED] * 7)
    writer.append(digit(1))
    writer.finish()
    await writer.run()

    assert [record.getMessage() for record in caplog.records] == ["the log has to wait", "the log goes on"]
    assert "ProvisionedThroughputExceededException" in caplog.records[0].reason


@pytest.mark.parametrize(("waiting", "turns"), [(6, 0), (7, 12), (20, 38)])
async def test_writers_that_are_behind_take_turns_to_the_end_and_others_do_not_wait(tmp_path, waiting, turns):
    class Counting(Cadence):
        asked = 0

        def wait_s(self, *, now: float) -> float:
            self.asked += 1
            return super().wait_s(now=now)

    spill = Spill(tmp_path)
    spill.cadence = Counting(interval_s=0.0)
    writers = [LogWriter(Table(), Log("Calls", name), tenant="acme", tail=0, spill=spill) for name in ("CA1", "CA2")]
    for writer in writers:
        for number in range(waiting):
            writer.append(digit(number))
        writer.finish()
        await writer.run()

    assert spill.cadence.asked == turns


async def test_no_log_line_holds_what_was_said(table, writer, caplog):
    caplog.set_level("DEBUG", "bridge")
    table.faults.extend([THROTTLED] * 5)
    table.refuses.add("digit/1")
    writer.append(digit(1, "42"))
    writer.finish()
    await writer.run()

    assert all("42" not in str(vars(record)["msg"]) + str(record.__dict__.get("reason")) for record in caplog.records)


async def test_entries_that_wait_and_how_long_they_took_are_metered(table):
    meter = Meter()
    writer = LogWriter(table, LOG, tenant="acme", tail=0, meter=meter)
    table.open.clear()
    writer.append(digit(1))
    running = asyncio.create_task(writer.run())
    await table.asked.wait()
    line = meter.line(0)
    table.open.set()
    writer.finish()
    await running

    assert line["entries_waiting"] == 1
    assert (line := meter.line(0))["entries_written"] == 1
    assert line["log_write_max_s"] >= 0
    assert line["entries_waiting"] == 0


async def test_whoever_waits_for_the_log_has_it_tried_at_once(table, monkeypatch):
    monkeypatch.setattr("bridge.log_writer.FIRST_RETRY_S", 3600.0)
    monkeypatch.setattr("bridge.log_writer.LAST_RETRY_S", 3600.0)
    monkeypatch.setattr("bridge.log_writer.HURRY_S", 0.0)
    writer = LogWriter(table, LOG, tenant="acme", tail=0)
    running = asyncio.create_task(writer.run())
    table.faults.extend([THROTTLED] * 3)
    writer.append(digit(1))
    writer.append(digit(2))

    await writer.caught_up()

    assert table.digits == [1, 2]
    writer.finish()
    await running


async def test_whoever_waits_for_a_log_that_has_everything_does_not_wait(table):
    writer = LogWriter(table, LOG, tenant="acme", tail=0)
    running = asyncio.create_task(writer.run())
    writer.append(digit(1))
    await writer.caught_up()

    await writer.caught_up()

    writer.finish()
    await running
