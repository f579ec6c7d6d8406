"""Events of the bus in a queue's messages."""

import json

import msgspec

from callscribe.bus import event
from callscribe.entries import CallEnded, Entry
from functions.bus_events import Received, read

ENTRY = Entry("CA1", 7, "2026-11-22T09:15:02.417Z", "acme", CallEnded(reason="completed", duration_ms=61_000))


def message(body, number=1, **changed):
    """Return a message as Lambda hands it over."""
    return {
        "messageId": f"m{number}",
        "receiptHandle": f"r{number}",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "2", "SentTimestamp": "1523232000000"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:queue",
        "awsRegion": "us-east-1",
    } | changed


def on_the_bus(entry):
    """Return what EventBridge makes of `entry`."""
    given = event(entry, "callscribe-dev")
    detail = json.loads(given["Detail"])
    return json.dumps(
        {"version": "0", "id": "1", "source": given["Source"], "detail-type": given["DetailType"], "detail": detail}
    )


def test_a_message_tells_of_an_entry():
    batch = read([message(on_the_bus(ENTRY))])

    (received,) = batch.events
    assert batch.malformed == 0
    assert received == Received("m1", "r1", 2, received.detail)
    assert (received.detail.call_id, received.detail.seq, received.detail.kind) == ("CA1", 7, "call.ended")
    assert msgspec.json.decode(received.detail.body, type=CallEnded) == ENTRY.body


def test_what_holds_no_event_of_ours_is_counted_and_the_rest_is_read():
    strange = ["", "{", "[]", '{"detail": {}}', '{"detail": {"call_id": 1}}', "\ud800", "[" * 100_000]
    lacking = message(on_the_bus(ENTRY), attributes={})
    batch = read([*(message(body) for body in strange), lacking, {}, None, message(on_the_bus(ENTRY), number=2)])

    assert batch.malformed == len(strange) + 3
    assert [each.message_id for each in batch.events] == ["m2"]
