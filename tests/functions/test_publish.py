"""The publish function, before a bus that takes, refuses and hangs as it is told."""

from __future__ import annotations

import json
import sys

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callscribe.entries import Dtmf, Entry
from callscribe.errors import Unavailable
from functions.publish.publish import PAUSES_S, publish
from functions.stream_records import Batch, Written


def batch(*entries: tuple[str, int]) -> Batch:
    calls: dict[str, list[Written]] = {}
    for position, (call_id, seq) in enumerate(entries):
        entry = Entry(call_id, seq, "", "acme", Dtmf(leg="a", digit="1", at_ms=seq))
        calls.setdefault(call_id, []).append(Written(position, f"record {position}", entry))
    return Batch(calls, 0)


class Bus:
    """Takes events, but for those that it is told to refuse first, by place, a request after the other."""

    def __init__(self, *refusals: set[int] | None) -> None:
        self.refusals = list(refusals)  # None: the service is away
        self.taken: list[tuple[str, int]] = []
        self.pauses: list[float] = []

    def put(self, entries):
        refused = self.refusals.pop(0) if self.refusals else set()
        if refused is None:
            raise Unavailable("away")
        answer = []
        for place, each in enumerate(entries):
            if place in refused:
                answer.append({"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"})
            else:
                detail = json.loads(each["Detail"])
                self.taken.append((detail["call_id"], detail["seq"]))
                answer.append({"EventId": str(place)})
        return answer

    def publish(self, given: Batch):
        return publish(given, self.put, bus="bus", sleep=self.pauses.append)


def test_entries_come_to_the_bus_in_the_order_of_the_stream():
    bus = Bus()
    entries = [("CA1", 1), ("CA2", 1), ("CA1", 2), *(("CA3", seq) for seq in range(1, 30))]

    done = bus.publish(batch(*entries))

    assert bus.taken == entries
    assert (done.events, done.again, done.failed, bus.pauses) == (32, 0, None, [])


def test_what_the_bus_refuses_is_put_again_before_anything_that_follows():
    bus = Bus({1}, {0})
    entries = [("CA1", seq) for seq in range(1, 21)]

    done = bus.publish(batch(*entries))

    assert bus.taken == [("CA1", 1), *(("CA1", seq) for seq in range(3, 11)), ("CA1", 2), *entries[10:]]
    assert (done.events, done.again, done.failed) == (20, 2, None)
    assert bus.pauses == list(PAUSES_S[:2])


@pytest.mark.parametrize("refusal", [None, {0, 1}])
def test_where_patience_ends_lambda_resumes_at_the_first_that_was_not_taken(refusal):
    bus = Bus(set(), *[refusal] * 4)
    entries = [("CA1", seq) for seq in range(1, 16)]

    done = bus.publish(batch(*entries))

    assert done.failed is not None
    assert done.failed.sequence_number == "record 10"
    assert bus.taken[:10] == entries[:10]
    assert bus.pauses == list(PAUSES_S)


@given(st.lists(st.sampled_from(["CA1", "CA2"]), max_size=35), st.lists(st.sets(st.integers(0, 9)), max_size=6))
def test_a_batch_that_is_resumed_leaves_nothing_out(calls, refusals):
    entries = [(call_id, 1 + calls[:n].count(call_id)) for n, call_id in enumerate(calls)]
    bus, left = Bus(*refusals), entries

    for _ in range(len(refusals) + 1):
        failed = bus.publish(batch(*left)).failed
        if failed is None:
            break
        left = left[failed.position :]

    assert set(bus.taken) == set(entries)


@pytest.fixture
def handler(aws, environment, start, context):
    boto3.client("events").create_event_bus(Name="callscribe-dev")
    environment.setenv("EVENT_BUS", "callscribe-dev")
    begun = start("publish", warm=True)
    return lambda event: begun(event, context)


def test_what_was_written_is_put_on_the_bus(handler, event, capsys):
    assert handler(event("stream_of_calls.json")) == {"batchItemFailures": []}

    metrics = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (metrics["Published"], metrics["PutAgain"], metrics["BatchesToResume"]) == ([2.0], [0.0], [0.0])


def test_what_the_bus_does_not_take_is_brought_back_and_logged_without_what_was_said(
    handler, event, logged, monkeypatch
):
    module = sys.modules["functions.publish.handler"]
    monkeypatch.setattr(module, "_put", lambda entries: [{"ErrorCode": "InternalFailure"}] * len(entries))
    monkeypatch.setattr(module.time, "sleep", lambda _s: None)
    records = event("stream_of_calls.json")

    assert handler(records) == {
        "batchItemFailures": [{"itemIdentifier": records["Records"][0]["dynamodb"]["SequenceNumber"]}]
    }
    line = json.loads(logged())
    assert (line["call_id"], line["seq"]) == ("CA1", 1)
    assert "+1202" not in logged()
