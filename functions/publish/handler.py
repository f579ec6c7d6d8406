"""Lambda's side of `publish`: a batch of the stream of Calls in, the record to resume at out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from callscribe.errors import Unavailable
from functions.environment import required
from functions.publish.publish import publish
from functions.stream_records import read
from functions.trace import Trace

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()
trace = Trace("publish")

_config = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1})
_events = trace.watched(boto3.client("events", config=_config))
_bus = required("EVENT_BUS")


def _put(entries: Sequence[dict[str, str]]) -> Sequence[dict[str, Any]]:
    try:
        return cast("Sequence[dict[str, Any]]", _events.put_events(Entries=list(entries))["Entries"])
    except ClientError as error:
        code = error.response["Error"]["Code"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status >= 500 or status == 429 or code in ("ThrottlingException", "LimitExceededException"):
            raise Unavailable(f"events: {code}") from error
        raise  # no permission, or no bus: somebody has to hear of it
    except BotoCoreError as error:
        raise Unavailable(f"events: {type(error).__name__}") from error


# Neither event nor answer is logged or traced: the event holds what was said.
@logger.inject_lambda_context(log_event=False)
@trace.capture
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> PartialItemFailureResponse:
    """Put the entries in `event` on the bus and return the record that Lambda has to resume at, if any."""
    batch = read(event["Records"])
    for call_id in batch.calls:
        trace.of_call(call_id)
    done = publish(batch, _put, bus=_bus, sleep=time.sleep)
    for name, count in (
        ("Published", done.events),
        ("PutAgain", done.again),
        ("MalformedRecords", batch.malformed),
        ("BatchesToResume", 0 if done.failed is None else 1),
    ):
        metrics.add_metric(name, MetricUnit.Count, count)
    if done.failed is None:
        return {"batchItemFailures": []}
    logger.warning("to be resumed", extra={"call_id": done.failed.entry.call_id, "seq": done.failed.entry.seq})
    return {"batchItemFailures": [{"itemIdentifier": done.failed.sequence_number}]}
