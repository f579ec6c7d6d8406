"""Records of the stream of Calls become entries; what is none of ours never stops the stream."""

from __future__ import annotations

import copy

import pytest

from functions.push.records import read


def test_the_entries_of_a_call_come_in_the_order_of_the_stream(event):
    batch = read(event("stream_of_calls.json")["Records"])

    assert batch.malformed == 0
    assert [(each.position, each.sequence_number[-2:], each.entry.seq) for each in batch.calls["CA1"]] == [
        (0, "01", 1),
        (1, "02", 2),
    ]


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
