"""What Lambda tells a failure destination about records it gave up: where they are, never what they say.

Source: AWS Lambda Developer Guide, "Retain discarded records for a DynamoDB event source in Lambda", example record.
The condition `RecordAgeExceeded` is not in that guide; it is what has been seen from Lambda.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from local.aws.event_source_mapping import EventSourceMapping
from local.aws.stream_mapping import GiveUp


def failure_document(
    given_up: GiveUp, *, mapping: EventSourceMapping, shard_id: str, request_id: str, now: float
) -> dict[str, Any]:
    """Return the JSON document for the mapping's failure queue; `now` is in epoch seconds."""
    document: dict[str, Any] = {
        "requestContext": {
            "requestId": request_id,
            "functionArn": mapping.function,
            "condition": given_up.condition,
            "approximateInvokeCount": given_up.invocations,
        },
    }
    if given_up.invocations:
        # Without an invocation there was no response; without an exception there was no error in it.
        document["responseContext"] = {"statusCode": 200, "executedVersion": "$LATEST"}
        if given_up.function_error:
            document["responseContext"]["functionError"] = "Unhandled"
    first, last = given_up.records[0], given_up.records[-1]
    document["version"] = "1.0"
    document["timestamp"] = _iso(now, "milliseconds")
    document["DDBStreamBatchInfo"] = {
        "shardId": shard_id,
        "startSequenceNumber": first.sequence_number,
        "endSequenceNumber": last.sequence_number,
        "approximateArrivalOfFirstRecord": _iso(first.created_at, "seconds"),
        "approximateArrivalOfLastRecord": _iso(last.created_at, "seconds"),
        "batchSize": len(given_up.records),
        "streamArn": mapping.stream_arn,
    }
    return document


def _iso(epoch_s: float, precision: str) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec=precision).replace("+00:00", "Z")
