"""Records of the stream of Calls become entries; what is none of ours never stops the stream."""

from __future__ import annotations

import copy

import pytest

from functions.stream_records import read


def test_the_entries_of_a_call_come_in_the_order_of_the_stream(event):
    batch = read(event("stream_of_calls.json")["Records"])

    assert batch.malformed == 0
    assert [(each.position, each.sequence_number[-2:], each.entry.seq) for each in batch.calls["CA1"]] == [
        (0, "01", 1),
        (1, "02", 2),
    ]


def test_a_batch_is_as_old_as_its_oldest_entry_says(event):
    first, second = event("stream_of_calls.json")["Records"]
    first["dynamodb"]["NewImage"]["at"] = {"S": "2026-11-22T09:15:02.400Z"}
    second["dynamodb"]["NewImage"]["at"] = {"S": "2026-11-22T09:15:03.000Z"}
    at_s = 1795338902.4

    assert read([second, first]).age_s(at_s + 1.5) == pytest.approx(1.5)
    assert read([first]).age_s(at_s - 9) == 0.0  # by another clock
    first["dynamodb"]["NewImage"]["at"] = {"S": "then"}
    assert read([first]).age_s(at_s) is None
    assert read([]).age_s(at_s) is None


def test_heads_changes_and_removals_are_passed_over(event):
    entry, other = event("stream_of_calls.json")["Records"]
    head = copy.deepcopy(entry)
    head["dynamodb"]["NewImage"] = {"pk": {"S": "CALL#CA1"}, "sk": {"S": "HEAD"}}
    changed = copy.deepcopy(entry) | {"eventName": "MODIFY"}
    removed = copy.deepcopy(entry) | {"eventName": "REMOVE"}
    del removed["dynamodb"]["NewImage"]

    batch = read([head, changed, removed, other])

    assert (batch.malformed, [each.position for each in batch.calls["CA1"]]) == (0, [3])


def broken(entry, change):
    record = copy.deepcopy(entry)
    change(record["dynamodb"]["NewImage"], record)
    return record


@pytest.mark.parametrize(
    "change",
    [
        lambda image, record: image.update(body={"S": "no JSON"}),
        lambda image, record: image.update(body={"S": "[]"}),
        lambda image, record: image.update(body={"N": "1"}),
        lambda image, record: image.update(sk={"S": "LOG#"}),
        lambda image, record: image.pop("tenant"),
        lambda image, record: image.update(pk=None),
        lambda image, record: record["dynamodb"].pop("SequenceNumber"),
        lambda image, record: record.pop("eventName"),
        lambda image, record: record.update(dynamodb=None),
    ],
)
def test_a_malformed_record_is_counted_and_passed_over(event, change):
    entry, other = event("stream_of_calls.json")["Records"]

    batch = read([broken(entry, change), other])

    assert (batch.malformed, [each.entry.seq for each in batch.calls["CA1"]]) == (1, [2])
