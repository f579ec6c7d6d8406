"""A record of a DynamoDB stream, as Lambda hands it to a function.

GetRecords, through boto3, has datetimes, bytes and capitals where the event of a Lambda function has epoch seconds,
base64 and camel case. Source: AWS Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB", example event.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """One change of one item.

    `key` is the item's partition key as JSON, the unit of order; `created_at` is in epoch seconds; `event` is the
    element of `Records` that a function gets; `size_bytes` is its size as JSON.
    """

    key: str
    sequence_number: str
    created_at: float
    event: Mapping[str, Any]
    size_bytes: int


def stream_record(raw: Mapping[str, Any], *, partition_key: str, stream_arn: str) -> StreamRecord:
    """Return the record that boto3's GetRecords gave as `raw`; `partition_key` names the table's hash attribute."""
    change = _plain(raw["dynamodb"])
    event = {
        "eventID": raw["eventID"],
        "eventName": raw["eventName"],
        "eventVersion": raw["eventVersion"],
        "eventSource": raw["eventSource"],
        "awsRegion": raw["awsRegion"],
        "dynamodb": change,
        "eventSourceARN": stream_arn,
    }
    if who := raw.get("userIdentity"):
        # Deletes by time to live carry the service as their author.
        event["userIdentity"] = {"type": who.get("Type"), "principalId": who.get("PrincipalId")}
    return StreamRecord(
        key=json.dumps(change["Keys"][partition_key], sort_keys=True),
        sequence_number=change["SequenceNumber"],
        created_at=change["ApproximateCreationDateTime"],
        event=event,
        size_bytes=len(json.dumps(event)),
    )


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.timestamp()
        case bytes() | bytearray():
            return base64.b64encode(value).decode()
        case Mapping():
            return {name: _plain(each) for name, each in value.items()}
        case list() | set() | tuple():
            return [_plain(each) for each in value]
    return value
