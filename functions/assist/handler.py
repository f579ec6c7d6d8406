"""Lambda's side of `assist`: the bridge invokes it with what was said, and does not wait."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.config import Config

from callscribe.dynamodb import perform
from callscribe.errors import MalformedMessage
from callscribe.hooks import DEADLINES_MS, Hooks, decode_said
from callscribe.log import Steps
from functions.assist.assist import Assist, Outcome
from functions.assist.invoke import invoke
from functions.environment import required
from functions.post import TARGETS, ask
from functions.trace import Trace

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

T = TypeVar("T")

METRICS = {
    Outcome.CARD: "Cards",
    Outcome.LATE: "HooksLate",
    Outcome.FAILED: "HooksFailed",
    Outcome.MALFORMED: "HooksMalformed",
    Outcome.UNKNOWN: "HooksUnknown",
}
# Of what went wrong with a customer's own code a person wants to know why.
WRONG = (Outcome.LATE, Outcome.FAILED, Outcome.MALFORMED, Outcome.UNKNOWN)

logger = Logger()
metrics = Metrics()
trace = Trace("assist")

_config = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
_patient = Config(connect_timeout=1, read_timeout=DEADLINES_MS[1] / 1000, retries={"total_max_attempts": 1})
_dynamodb = trace.watched(boto3.client("dynamodb", config=_config))
_functions = trace.watched(boto3.client("lambda", config=_patient))
_connect = TARGETS[required("WEBHOOK_TARGETS")]


def _perform(steps: Steps[T], /) -> T:
    return perform(_dynamodb, steps)


def _post(url: str, headers: dict[str, str], body: bytes, limit_s: float) -> tuple[int, bytes]:
    return ask(url, headers, body, connect=_connect, limit_s=limit_s)


def _invoke(name: str, event: bytes, limit_s: float) -> bytes:
    return invoke(_functions, name, event, limit_s)


_assist = Assist(
    calls_table=required("CALLS_TABLE"),
    hooks=Hooks(required("WEBHOOKS_TABLE")),
    perform=_perform,
    post=_post,
    invoke=_invoke,
)


# Events are neither logged nor traced: they hold what was said.
@logger.inject_lambda_context(log_event=False, clear_state=True)
@trace.capture
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> None:
    """Ask one hook about one thing that was said."""
    try:
        said = decode_said(json.dumps(event).encode())
    except MalformedMessage:
        metrics.add_metric("MalformedMessages", MetricUnit.Count, 1)
        return
    trace.of_call(said.call_id)
    logger.append_keys(call_id=said.call_id, hook=said.hook)
    outcome, told = _assist.ask(said, now=lambda: datetime.now(UTC))
    if outcome in WRONG:
        logger.warning("hook", extra={"outcome": str(outcome), "told": told})
    if outcome in METRICS:
        metrics.add_metric(METRICS[outcome], MetricUnit.Count, 1)
