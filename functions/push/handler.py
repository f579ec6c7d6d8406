"""Lambda's side of `push`: a batch of the stream of Calls in, the record to resume at out."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.config import Config

from callscribe.dynamodb import perform
from callscribe.errors import Unavailable
from callscribe.subscriptions import Behind, Subscription, Subscriptions
from functions.connections import Connections
from functions.environment import required
from functions.push.deliver import deliver
from functions.straight_posts import StraightPosts
from functions.stream_records import read
from functions.trace import Trace

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.typing import LambdaContext

WORKERS = 32  # posts at once; each takes 10 to 50 ms, so some 500 subscribers are served within a second
MARGIN_MS = 6000  # less time than that is not enough for a post that is slow to fail

logger = Logger()
metrics = Metrics()
trace = Trace("push")

_quick = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=WORKERS,
)
_session = boto3.Session()  # one for both: a session takes as long to make as its client
_dynamodb = trace.watched(_session.client("dynamodb", config=_quick))
_connections = Connections(StraightPosts.of(_session, required("PUSH_ENDPOINT")).post)
_subscriptions = Subscriptions(required("SUBSCRIPTIONS_TABLE"))
_workers = ThreadPoolExecutor(WORKERS)


class _Services:
    """DynamoDB and the WebSocket API, for as long as one invocation may take."""

    def __init__(self, context: LambdaContext) -> None:
        self._context = context

    def followers(self, call_id: str) -> list[Subscription]:
        return perform(_dynamodb, _subscriptions.of_call(call_id, now_s=time.time()))

    def watchers(self, tenant: str) -> list[Subscription]:
        return perform(_dynamodb, _subscriptions.of_tenant(tenant, now_s=time.time()))

    def post(self, connection_id: str, frame: bytes, *, patience_s: float) -> None:
        if self._context.get_remaining_time_in_millis() < MARGIN_MS:
            raise Unavailable("the invocation's time is up")
        _connections.post(connection_id, frame, patience_s=patience_s)

    def forget(self, subscription: Subscription) -> None:
        perform(_dynamodb, _subscriptions.remove(subscription))

    def fall_behind(self, subscription: Subscription, behind: Behind) -> None:
        perform(_dynamodb, _subscriptions.fall_behind(subscription, behind))


# Neither event nor answer is logged or traced: the event holds what was said.
@logger.inject_lambda_context(log_event=False)
@trace.capture
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Post the entries in `event` and return the record that Lambda has to resume at, if any."""
    metrics.add_metric("Batches", MetricUnit.Count, 1)
    batch = read(event["Records"])
    if (age_s := batch.age_s(time.time())) is not None:
        metrics.add_metric("EntryAge", MetricUnit.Milliseconds, round(1000 * age_s))
    for call_id in batch.calls:
        trace.of_call(call_id)
    done = deliver(batch, _Services(context), workers=_workers, now_s=time.time())
    entries = sum(len(written) for written in batch.calls.values())
    for name, count in (
        ("Entries", entries),
        ("Posts", done.posts),
        ("MalformedRecords", batch.malformed),
        ("ConnectionsGone", done.gone),
        ("SubscribersBehind", done.behind),
        ("FramesTooLong", done.refused),
        ("BatchesToResume", 0 if done.failed is None else 1),
    ):
        metrics.add_metric(name, MetricUnit.Count, count)
    if done.failed is None:
        return {"batchItemFailures": []}
    logger.warning("delivery to be resumed", extra={"call_id": done.failed.entry.call_id, "seq": done.failed.entry.seq})
    return {"batchItemFailures": [{"itemIdentifier": done.failed.sequence_number}]}
