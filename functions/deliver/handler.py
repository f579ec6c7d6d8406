"""Lambda's side of `deliver`: entries and deliveries come in from a queue, and each minute what is due."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.config import Config

from callscribe.bus import Detail
from callscribe.deliveries import Deliveries, Delivery
from callscribe.dynamodb import perform
from callscribe.errors import Unavailable
from callscribe.log import Steps
from callscribe.webhooks import Webhooks
from functions.deliver.messages import Due, due, read
from functions.deliver.outbox import Outbox, Outcome
from functions.environment import required
from functions.own_queue import OwnQueue
from functions.post import TARGETS, post
from functions.trace import Trace

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.typing import LambdaContext

T = TypeVar("T")

METRICS = {
    Outcome.DELIVERED: "WebhooksDelivered",
    Outcome.FAILED: "WebhooksFailed",
    Outcome.DEAD: "WebhooksGivenUp",
    Outcome.GONE: "WebhooksGivenUp",
}

logger = Logger()
metrics = Metrics()
trace = Trace("deliver")

_config = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
_dynamodb = trace.watched(boto3.client("dynamodb", config=_config))
_queue = OwnQueue(trace.watched(boto3.client("sqs", config=_config)), required("DELIVER_QUEUE"))
_connect = TARGETS[required("WEBHOOK_TARGETS")]


def _perform(steps: Steps[T], /) -> T:
    return perform(_dynamodb, steps)


def _post(url: str, headers: dict[str, str], body: bytes) -> int:
    return post(url, headers, body, connect=_connect)


def _send(delivery: Delivery, /, *, delay_s: int) -> None:
    # One endpoint's messages are a group: SQS hands out others' first while they take more than their share.
    _queue.put(due(delivery), group=delivery.endpoint, delay_s=delay_s)


_outbox = Outbox(
    calls_table=required("CALLS_TABLE"),
    webhooks=Webhooks(required("WEBHOOKS_TABLE")),
    deliveries=Deliveries(required("WEBHOOKS_TABLE")),
    perform=_perform,
    post=_post,
    send=_send,
)


# Neither events nor messages are logged or traced: they hold what was said.
@logger.inject_lambda_context(log_event=False, clear_state=True)
@trace.capture
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> PartialItemFailureResponse | None:
    """Do what messages ask for and return those that have to come again; without any, take up what is due."""
    if "Records" not in event:
        metrics.add_metric("WebhooksDue", MetricUnit.Count, _outbox.take_up(now=datetime.now(UTC)))
        return None
    received, malformed = read(event["Records"])
    metrics.add_metric("MalformedMessages", MetricUnit.Count, malformed)
    again = []
    for each in received:
        trace.of_call(each.asks.call_id)
        logger.append_keys(call_id=each.asks.call_id, seq=each.asks.seq)
        try:
            _do(each.asks)
        except Unavailable as error:
            logger.warning("not done", extra={"why": str(error)})
            again.append(each.message_id)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in again]}


def _do(asks: Detail | Due) -> None:
    now = datetime.now(UTC)
    if isinstance(asks, Detail):
        planned = _outbox.plan(asks, now=now)
        logger.info("webhooks planned", extra={"webhooks": planned})
        return
    outcome, told = _outbox.attempt(asks.delivery, now=now)
    extra = {"endpoint": asks.endpoint, "outcome": str(outcome), "told": told, "attempt": asks.attempts + 1}
    if outcome is Outcome.GONE:
        logger.warning("endpoint disabled", extra=extra)
    else:
        logger.info("webhook", extra=extra)
    if outcome in METRICS:
        metrics.add_metric(METRICS[outcome], MetricUnit.Count, 1)
