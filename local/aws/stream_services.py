"""What a stream mapping asks of AWS: shards and records of the stream, the function, the failure queue. Blocks.

It acts as Lambda does: reports with the function's role, which may send to the queue and not look it up, invokes as
the service. It reads as the service too, where
Lambda reads with the role: ministack asks whether a role may read *any* stream. What the role may do is checked at
deployment instead (`local.aws.settle`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from local.aws.stream_mapping import Answer, Answered, Failed, Unreached
from local.aws.stream_record import StreamRecord, stream_record

if TYPE_CHECKING:
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

    from local.aws.access import Access
    from local.aws.event_source_mapping import EventSourceMapping

logger = logging.getLogger(__name__)


class Away(RuntimeError):
    """A service did not answer, or refused: try again later."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where reading a shard goes on: an iterator, or what to ask for one by."""

    by: Mapping[str, str]
    iterator: str | None = None


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard of the stream; `parent` is empty for none."""

    id: str
    parent: str
    partition_key: str


class StreamServices:
    """The calls of one mapping."""

    def __init__(self, mapping: EventSourceMapping, *, role: Access, service: Access) -> None:
        """Connect. Raises ClientError if the failure queue does not exist."""
        self._mapping = mapping
        self._streams: DynamoDBStreamsClient = service.client("dynamodbstreams")
        self._functions: LambdaClient = service.client("lambda")
        self._queues: SQSClient = role.client("sqs")
        self._queue_url: str | None = None
        if arn := mapping.failure_queue_arn:
            self._queue_url = service.client("sqs").get_queue_url(QueueName=arn.rsplit(":", 1)[1])["QueueUrl"]

    def shards(self) -> list[Shard]:
        """Return all shards that the stream has now. Raises Away."""
        found: list[Shard] = []
        page: dict[str, str] = {}
        while True:
            try:
                answer = self._streams.describe_stream(StreamArn=self._mapping.stream_arn, **page)  # type: ignore[arg-type]
            except (BotoCoreError, ClientError) as error:
                raise Away(f"the stream's shards: {error}") from error
            stream = answer["StreamDescription"]
            (key,) = (each["AttributeName"] for each in stream["KeySchema"] if each["KeyType"] == "HASH")
            found += [Shard(each["ShardId"], each.get("ParentShardId", ""), key) for each in stream["Shards"]]
            if "LastEvaluatedShardId" not in stream:
                return found
            page = {"ExclusiveStartShardId": stream["LastEvaluatedShardId"]}

    def read(self, shard: Shard, place: Place, *, limit: int) -> tuple[list[StreamRecord], Place | None]:
        """Return the next records, `limit` at most (1 to 1000), and where to go on; None at the shard's end.

        Raises Away.
        """
        try:
            iterator = place.iterator or self._iterator(shard, place)
            answer = self._streams.get_records(ShardIterator=iterator, Limit=limit)
        except self._streams.exceptions.ExpiredIteratorException:
            return [], Place(place.by)
        except self._streams.exceptions.TrimmedDataAccessException:
            return [], Place({"ShardIteratorType": "TRIM_HORIZON"})
        except (BotoCoreError, ClientError) as error:
            raise Away(f"the stream's records: {error}") from error
        records = [
            stream_record(raw, partition_key=shard.partition_key, stream_arn=self._mapping.stream_arn)
            for raw in answer["Records"]
        ]
        if (following := answer.get("NextShardIterator")) is None:
            return records, None
        by = place.by
        if records:
            by = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": records[-1].sequence_number}
        return records, Place(by, following)

    def invoke(self, records: Sequence[StreamRecord]) -> Answer:
        """Invoke the function with `records` and return how it went."""
        event = json.dumps({"Records": [record.event for record in records]}).encode()
        try:
            response = self._functions.invoke(FunctionName=self._mapping.function, Payload=event)
            payload = json.loads(response["Payload"].read() or b"null")
        except (BotoCoreError, ClientError) as error:
            logger.warning("the function was not reached: %s", error)
            return Unreached()
        if "FunctionError" in response:
            # The message may quote what was said; the type doesn't.
            logger.warning("the function failed: %s", payload.get("errorType") if isinstance(payload, dict) else None)
            return Failed()
        return Answered(payload)

    def report(self, document: Mapping[str, Any]) -> None:
        """Tell the failure queue of records given up, if there is one. Raises Away."""
        if self._queue_url is None:
            return
        try:
            self._queues.send_message(QueueUrl=self._queue_url, MessageBody=json.dumps(document))
        except (BotoCoreError, ClientError) as error:
            raise Away(f"the failure queue: {error}") from error

    def _iterator(self, shard: Shard, place: Place) -> str:
        answer = self._streams.get_shard_iterator(
            StreamArn=self._mapping.stream_arn,
            ShardId=shard.id,
            **place.by,  # type: ignore[arg-type]
        )
        return answer["ShardIterator"]
