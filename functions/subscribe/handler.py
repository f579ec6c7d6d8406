"""Lambda's side of `subscribe`: one event of the WebSocket API in; answers are posted to the connection."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.config import Config

from callscribe.dynamodb import perform
from callscribe.errors import Refused, SubscriberGone, Unavailable
from callscribe.log import Steps
from callscribe.messages import ErrorMessage, Message, frames
from callscribe.subscriptions import Subscriptions
from functions.connections import Connections
from functions.environment import required
from functions.scope import of_context
from functions.straight_posts import StraightPosts
from functions.subscribe.conversation import Client, Conversation
from functions.trace import Trace

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

T = TypeVar("T")

PATIENCE_S = 5.0  # for one frame
PAGE_MS = 8000  # a page is read and posted well within that

logger = Logger()
metrics = Metrics()
trace = Trace("subscribe")

_config = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3})
_session = boto3.Session()  # one for both: a session takes as long to make as its client
_dynamodb = trace.watched(_session.client("dynamodb", config=_config))
_connections = Connections(StraightPosts.of(_session, required("PUSH_ENDPOINT")).post)
_calls_table = required("CALLS_TABLE")
_subscriptions = Subscriptions(required("SUBSCRIPTIONS_TABLE"))


def _perform(steps: Steps[T], /) -> T:
    return perform(_dynamodb, steps)


# What clients say, what they are sent and what they were let in with is neither logged nor traced.
@logger.inject_lambda_context(log_event=False, clear_state=True)
@trace.capture
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Let the connection open, answer its message, or forget it, as the event says."""
    request = event["requestContext"]
    logger.append_keys(connection_id=request["connectionId"], route=request["routeKey"])
    match request["eventType"]:
        case "CONNECT":
            # Nothing can be posted before this has returned; clients speak first.
            metrics.add_metric("ConnectionsOpened", MetricUnit.Count, 1)
        case "DISCONNECT":
            metrics.add_metric("ConnectionsClosed", MetricUnit.Count, 1)
            _forget(request["connectionId"])
        case _:
            metrics.add_metric("MessagesReceived", MetricUnit.Count, 1)
            _answer(event, context)
    return {"statusCode": 200}


def _answer(event: dict[str, Any], context: LambdaContext) -> None:
    request = event["requestContext"]
    body = event.get("body") or ""
    conversation = Conversation(
        _calls_table, _subscriptions, _perform, lambda: context.get_remaining_time_in_millis() > PAGE_MS
    )
    try:
        client = Client(request["connectionId"], of_context(request.get("authorizer") or {}))
        text = base64.b64decode(body) if event.get("isBase64Encoded") else body
        for page in conversation.answer(text, client, now_s=time.time()):
            _send(client.connection_id, page)
    except SubscriberGone:
        _forget(request["connectionId"])
    except Unavailable as error:
        metrics.add_metric("AnswersGivenUp", MetricUnit.Count, 1)
        logger.warning("answer given up", extra={"reason": str(error)})


def _send(connection_id: str, page: list[Message]) -> None:
    for message in page:
        if isinstance(message, ErrorMessage):
            metrics.add_metric("ErrorsAnswered", MetricUnit.Count, 1)
            logger.info("error answered", extra={"code": message.code, "field": message.field})
    for frame in frames(page):
        try:
            _connections.post(connection_id, frame, patience_s=PATIENCE_S)
        except Refused as error:
            metrics.add_metric("FramesTooLong", MetricUnit.Count, 1)
            logger.error("frame passed over", extra={"reason": str(error)})  # noqa: TRY400 - the reason says it all


def _forget(connection_id: str) -> None:
    try:
        _perform(_subscriptions.forget(connection_id))
    except Unavailable:
        # The first post to it finds the connection gone, and at the latest its subscriptions expire.
        logger.warning("subscriptions left behind")
