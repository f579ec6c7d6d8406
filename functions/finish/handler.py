"""Lambda's side of `finish`: what the bus tells of calls comes in from a queue, and what has to come again goes out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from botocore.config import Config

from callscribe.dynamodb import perform
from callscribe.errors import Unavailable
from callscribe.log import Steps
from functions import exchange
from functions.bus_events import read
from functions.environment import required
from functions.finish.finish import Finish, Outcome
from functions.kept import Kept, Store
from functions.object_store import ObjectStore
from functions.secrets import gladia_key
from functions.trace import Trace
from functions.whole_log import WholeLog

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.typing import LambdaContext

T = TypeVar("T")

METRICS = {
    Outcome.DONE: "CallsFinished",
    Outcome.WAITS: "CallsWaitingForResult",
    Outcome.UNKNOWN: "CallsUnknown",
}

logger = Logger()
metrics = Metrics()
trace = Trace("finish")

_config = Config(connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})
_dynamodb = trace.watched(boto3.client("dynamodb", config=_config))
_secrets = Store(SecretsProvider(boto3_client=trace.watched(boto3.client("secretsmanager", config=_config))))
_gladia_secret = Kept(_secrets, required("GLADIA_SECRET"))
_gladia_url = required("GLADIA_URL").rstrip("/")
_archive = ObjectStore(trace.watched(boto3.client("s3", config=_config)), required("ARCHIVE_BUCKET"))


def _perform(steps: Steps[T], /) -> T:
    return perform(_dynamodb, steps)


_finish = Finish(
    log=WholeLog(required("CALLS_TABLE"), _perform),
    ask=exchange.perform,
    gladia=lambda: (_gladia_url, gladia_key(_gladia_secret.read())),
    keep=_archive.put,
)


# Neither events nor answers are logged or traced: they hold what was said.
@logger.inject_lambda_context(log_event=False)
@trace.capture
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> PartialItemFailureResponse:
    """Finish the calls that events tell of, and return those that have to come again."""
    batch = read(event["Records"])
    metrics.add_metric("MalformedMessages", MetricUnit.Count, batch.malformed)
    again = []
    for received in batch.events:
        call_id = received.detail.call_id
        trace.of_call(call_id)
        try:
            outcome = _finish.finish(call_id, now=datetime.now(UTC))
        except Unavailable as error:
            logger.warning("not finished", extra={"call_id": call_id, "why": str(error)})
            again.append(received)
            continue
        logger.info("finish", extra={"call_id": call_id, "outcome": str(outcome), "times": received.times})
        if outcome in METRICS:
            metrics.add_metric(METRICS[outcome], MetricUnit.Count, 1)
        if outcome is Outcome.WAITS:
            again.append(received)
    return {"batchItemFailures": [{"itemIdentifier": each.message_id} for each in again]}
