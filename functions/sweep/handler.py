"""Lambda's side of `sweep`: EventBridge invokes it each minute."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.parameters import SecretsProvider, SSMProvider
from botocore.config import Config

from callscribe.dynamodb import perform
from callscribe.lane_record import LaneRecord
from callscribe.log import Steps
from callscribe.media_address import media_stream_url
from callscribe.sessions import Sessions
from callscribe.twilio_rest import TwilioRest
from functions import exchange
from functions.environment import required
from functions.kept import Kept, Store
from functions.secrets import auth_tokens, gladia_key, signing_keys
from functions.sweep.care import Care, Outcome
from functions.sweep.run import FAILED, POSTPONED, run
from functions.trace import Trace

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

T = TypeVar("T")

WORKERS = 8  # calls at once; each mostly waits for Twilio, Gladia or DynamoDB
METRICS = {
    Outcome.ASKED: "StreamsAskedFor",
    Outcome.WAITS: "CallsWaitingForGladia",
    Outcome.CLOSED: "CallsClosed",
    Outcome.GIVEN_UP: "CallsGivenUp",
    FAILED: "CallsNotLookedAfter",
    POSTPONED: "CallsPostponed",
}

logger = Logger()
metrics = Metrics()
trace = Trace("sweep")

_config = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=WORKERS,
)
_dynamodb = trace.watched(boto3.client("dynamodb", config=_config))
_secrets = Store(SecretsProvider(boto3_client=trace.watched(boto3.client("secretsmanager", config=_config))))
_parameters = Store(SSMProvider(boto3_client=trace.watched(boto3.client("ssm", config=_config))))
_twilio_secret = Kept(_secrets, required("TWILIO_SECRET"))
_gladia_secret = Kept(_secrets, required("GLADIA_SECRET"))
_signing_secret = Kept(_secrets, required("SIGNING_SECRET"))
_media_url = Kept(_parameters, required("MEDIA_URL_PARAMETER"))
_twilio_url = required("TWILIO_URL").rstrip("/")
_gladia_url = required("GLADIA_URL").rstrip("/")
_workers = ThreadPoolExecutor(WORKERS)


def _perform(steps: Steps[T], /) -> T:
    return perform(_dynamodb, steps)


def _media_stream_url(record: LaneRecord, now: datetime) -> str:
    key = signing_keys(_signing_secret.read())[0]
    return media_stream_url(
        _media_url.read(), tenant=record.tenant, call_id=record.call_id, key=key, now_s=now.timestamp()
    )


_care = Care(
    calls_table=required("CALLS_TABLE"),
    sessions=Sessions(required("SESSIONS_TABLE")),
    perform=_perform,
    ask=exchange.perform,
    twilio=lambda: TwilioRest(_twilio_url, auth_tokens(_twilio_secret.read())[0]),
    gladia=lambda: (_gladia_url, gladia_key(_gladia_secret.read())),
    media_stream_url=_media_stream_url,
)


@logger.inject_lambda_context(log_event=False)
@trace.capture
@metrics.log_metrics
def handler(_event: dict[str, Any], context: LambdaContext) -> None:
    """Look after the calls that no bridge attends to."""
    report = run(
        _care,
        now=datetime.now(UTC),
        workers=_workers,
        time_left_s=lambda: context.get_remaining_time_in_millis() / 1000,
    )
    for outcome, name in METRICS.items():
        metrics.add_metric(name, MetricUnit.Count, report.calls[outcome])
    for trouble in report.troubles:
        logger.warning("call not looked after", extra={"call_id": trouble.call_id, "why": trouble.why})
    logger.info("swept", extra={"calls": dict(report.calls), "tasks_forgotten": report.tasks_forgotten})
    if report.bugs:
        raise report.bugs[0]
