"""GetRecords in, the event of a Lambda function out."""

import json
from datetime import UTC, datetime

from local.aws.stream_record import stream_record

ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/Calls/stream/2026-11-22T13:00:00.000"

RAW = {
    "eventID": "f07f8ca4b0b26cb9c4e5e77e69f274ee",
    "eventName": "INSERT",
    "eventVersion": "1.1",
    "eventSource": "aws:dynamodb",
    "awsRegion": "us-east-1",
    "dynamodb": {
        "ApproximateCreationDateTime": datetime(2026, 11, 22, 13, 0, tzinfo=UTC),
        "Keys": {"pk": {"S": "CALL#CA1"}, "sk": {"S": "LOG#0000000001"}},
        "NewImage": {"pk": {"S": "CALL#CA1"}, "audio": {"B": b"\xff\x00"}, "parts": {"BS": [b"a"]}},
        "SequenceNumber": "111",
        "SizeBytes": 26,
        "StreamViewType": "NEW_IMAGE",
    },
}


def test_a_record_becomes_what_lambda_delivers():
    record = stream_record(RAW, partition_key="pk", stream_arn=ARN)

    assert json.loads(json.dumps(record.event)) == {
        "eventID": "f07f8ca4b0b26cb9c4e5e77e69f274ee",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1795352400.0,
            "Keys": {"pk": {"S": "CALL#CA1"}, "sk": {"S": "LOG#0000000001"}},
            "NewImage": {"pk": {"S": "CALL#CA1"}, "audio": {"B": "/wA="}, "parts": {"BS": ["YQ=="]}},
            "SequenceNumber": "111",
            "SizeBytes": 26,
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": ARN,
    }
    assert record.sequence_number == "111"


def test_records_of_one_partition_share_their_key_whatever_the_sort_key():
    later = {**RAW, "dynamodb": {**RAW["dynamodb"], "Keys": {"pk": {"S": "CALL#CA1"}, "sk": {"S": "HEAD"}}}}
    other = {**RAW, "dynamodb": {**RAW["dynamodb"], "Keys": {"pk": {"S": "CALL#CA2"}, "sk": {"S": "HEAD"}}}}

    keys = [stream_record(raw, partition_key="pk", stream_arn=ARN).key for raw in (RAW, later, other)]

    assert keys[0] == keys[1] != keys[2]


def test_a_delete_by_time_to_live_names_the_service():
    raw = {**RAW, "eventName": "REMOVE", "userIdentity": {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}}

    event = stream_record(raw, partition_key="pk", stream_arn=ARN).event

    assert event["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
