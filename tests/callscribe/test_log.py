"""The rule of the log: numbered from 1, no hole, nothing twice, several writers at once."""

from __future__ import annotations

import asyncio

import pytest

from callscribe.entries import CallEnded, CallStarted, Dtmf, Entry
from callscribe.errors import MalformedMessage
from callscribe.log import Log, entry_of
from tests.log_table import Table

LOG = Log("Calls", "CA1")
STARTED = CallStarted(provider="twilio", direction="inbound", account="AC1", from_number="+1", to_number="+2")
WRITER = {"at": "2026-11-22T09:15:02.417Z", "tenant": "default"}


def digit(number: int) -> Dtmf:
    return Dtmf(leg="a", digit=str(number % 10), at_ms=number)


def test_entries_are_numbered_from_one():
    table = Table()

    first = table.run(LOG.append(STARTED, token="start", **WRITER))
    second = table.run(LOG.append(digit(5), token="d5", **WRITER))

    assert (first.seq, second.seq) == (1, 2)
    assert table.run(LOG.read()) == [
        Entry("CA1", 1, WRITER["at"], "default", STARTED),
        Entry("CA1", 2, WRITER["at"], "default", digit(5)),
    ]


def test_reading_after_a_number_begins_with_the_next():
    table = Table()
    for number in range(5):
        table.run(LOG.append(digit(number), token=str(number), **WRITER))

    assert [entry.seq for entry in table.run(LOG.read(after=2))] == [3, 4, 5]
    assert [entry.seq for entry in table.run(LOG.read(after=2, limit=2))] == [3, 4]
    assert table.run(LOG.read(after=5)) == []


def test_a_writer_behind_the_tail_goes_past_what_others_wrote():
    table = Table()
    for number in range(4):
        table.run(LOG.append(digit(number), token=str(number), **WRITER))

    assert table.run(LOG.append(digit(9), token="mine", tail=1, **WRITER)).seq == 5


@pytest.mark.parametrize("others", [0, 1, 3])
def test_appending_again_after_a_lost_answer_writes_nothing_twice(others):
    table = Table()
    table.run(LOG.append(STARTED, token="start", **WRITER))
    table.run(LOG.append(digit(1), token="mine", tail=1, **WRITER))
    for number in range(others):
        table.run(LOG.append(digit(number), token=f"other {number}", **WRITER))

    again = table.run(LOG.append(digit(1), token="mine", tail=1, **WRITER))

    assert again.seq == 2
    assert len(table.run(LOG.read())) == 2 + others


def test_opening_a_call_twice_returns_the_first_opening():
    table = Table()
    first = table.run(LOG.open(STARTED, token="CA1", **WRITER))
    table.run(LOG.append(digit(1), token="d", **WRITER))

    assert table.run(LOG.open(STARTED, token="CA1", at="later", tenant="default")) == first


async def test_eight_writers_at_once_leave_no_hole_and_lose_nothing():
    table = Table()

    async def write(writer: int) -> None:
        tail = 0
        for number in range(25):
            steps = LOG.append(digit(number), token=f"{writer}/{number}", tail=tail, **WRITER)
            tail = (await table.run_yielding(steps)).seq

    await asyncio.gather(*(write(writer) for writer in range(8)))

    entries = table.run(LOG.read(limit=1000))
    assert [entry.seq for entry in entries] == list(range(1, 201))
    tokens = [item["token"]["S"] for (_, sk), item in table.items.items() if sk != "HEAD"]
    assert len(set(tokens)) == 200


def test_a_call_that_ends_says_so_in_its_head():
    table = Table()
    table.run(LOG.open(STARTED, token="CA1", **WRITER))
    table.run(LOG.append(CallEnded(reason="completed", duration_ms=7000), token="end", **WRITER))

    head = table.items[("CALL#CA1", "HEAD")]
    assert head["ExpressionAttributeValues"][":status"] == {"S": "ended"}
    assert head["ExpressionAttributeNames"]["#duration_ms"] == "duration_ms"


def test_a_page_that_dynamodb_cuts_at_a_megabyte_is_read_to_its_end():
    table = Table()
    for number in range(3):
        table.run(LOG.append(digit(number), token=str(number), **WRITER))
    first, second, third = (item for (_, sk), item in sorted(table.items.items()) if sk != "HEAD")
    steps = LOG.read(limit=3)

    assert next(steps).arguments["Limit"] == 3
    again = steps.send({"Items": [first], "LastEvaluatedKey": {"pk": first["pk"], "sk": first["sk"]}})
    assert (again.arguments["ExclusiveStartKey"], again.arguments["Limit"]) == (
        {"pk": first["pk"], "sk": first["sk"]},
        2,
    )
    with pytest.raises(StopIteration) as done:
        steps.send({"Items": [second, third], "LastEvaluatedKey": {"pk": third["pk"], "sk": third["sk"]}})
    assert [entry.seq for entry in done.value.value] == [1, 2, 3]


@pytest.mark.parametrize("lacking", ["pk", "sk", "at", "tenant", "kind", "body"])
def test_an_item_that_is_no_entry_is_malformed(lacking):
    table = Table()
    table.run(LOG.append(digit(1), token="d", **WRITER))
    item = dict(table.items[("CALL#CA1", "LOG#0000000001")])
    del item[lacking]

    with pytest.raises(MalformedMessage):
        entry_of(item)


def test_a_head_is_no_entry():
    item = {"pk": {"S": "CALL#CA1"}, "sk": {"S": "HEAD"}, "kind": {"S": "dtmf"}}

    with pytest.raises(MalformedMessage):
        entry_of(item)
