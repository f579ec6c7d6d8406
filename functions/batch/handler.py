"""Lambda's side of `batch`: entries of calls come in from a queue, Gladia's callbacks through the HTTP API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
import msgspec
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from botocore.config import Config

from callscribe.bus import Detail
from callscribe.dynamodb import perform
from callscribe.entries import timestamp
from callscribe.errors import Refused, Unavailable
from callscribe.exchange import HttpRequest
from callscribe.gladia_batch import Uploaded, upload
from callscribe.log import Steps
from callscribe.twilio_recordings import Recordings
from callscribe.twilio_rest import TwilioRest
from functions import exchange
from functions.batch.batch import Batch, Outcome
from functions.batch.callback import KIND, ROUTE, address, call_of
from functions.batch.transfer import anywhere, carry, public_only
from functions.bus_events import Received, read
from functions.environment import required
from functions.http_api import HttpAnswer, route_of
from functions.kept import Kept, Store
from functions.object_store import ObjectStore
from functions.own_queue import OwnQueue
from functions.secrets import auth_tokens, gladia_key, signing_keys
from functions.trace import Trace
from functions.whole_log import WholeLog

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.typing import LambdaContext

T = TypeVar("T")

# What waits comes again after so long, and longer each time: a recording takes seconds, an hour of audio a minute.
AGAIN_S = 15
AGAIN_MOST_S = 300

METRICS = {
    Outcome.RECORDED: "CallsRecorded",
    Outcome.STARTED: "SecondPassesStarted",
    Outcome.DONE: "SecondPasses",
    Outcome.FAILED: "SecondPassesFailed",
}

logger = Logger()
metrics = Metrics()
trace = Trace("batch")

_config = Config(connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})
_dynamodb = trace.watched(boto3.client("dynamodb", config=_config))
_queue = OwnQueue(trace.watched(boto3.client("sqs", config=_config)), required("BATCH_QUEUE"))
_archive = ObjectStore(trace.watched(boto3.client("s3", config=_config)), required("ARCHIVE_BUCKET"))
_secrets = Store(SecretsProvider(boto3_client=trace.watched(boto3.client("secretsmanager", config=_config))))
_gladia_secret = Kept(_secrets, required("GLADIA_SECRET"))
_twilio_secret = Kept(_secrets, required("TWILIO_SECRET"))
_signing_secret = Kept(_secrets, required("SIGNING_SECRET"))
_gladia_url = required("GLADIA_URL").rstrip("/")
_twilio_url = required("TWILIO_URL").rstrip("/")
_public_url = required("PUBLIC_URL").rstrip("/")


def _perform(steps: Steps[T], /) -> T:
    return perform(_dynamodb, steps)


def _secret(kept: Kept, of: Callable[[str], T]) -> T:
    """Return what a secret says. Raises Unavailable: one that is wrong is mended, and no fault of a recording's."""
    try:
        return of(kept.read())
    except Refused as error:
        raise Unavailable(str(error)) from error


def _gladia() -> tuple[str, str]:
    return _gladia_url, _secret(_gladia_secret, gladia_key)


def _recordings() -> Recordings:
    return Recordings(TwilioRest(_twilio_url, _secret(_twilio_secret, auth_tokens)[0]))


def _callback(tenant: str, call_id: str, now: datetime) -> str:
    key = _secret(_signing_secret, signing_keys)[0]
    return address(_public_url, tenant=tenant, call_id=call_id, key=key, now=now)


def _transfer(source: HttpRequest, *, filename: str, is_public: bool) -> Uploaded:
    url, key = _gladia()
    return carry(
        source,
        lambda form, size_bytes: upload(url, key, form, size_bytes=size_bytes),
        filename=filename,
        connect=public_only if is_public else anywhere,
    )


_batch = Batch(
    log=WholeLog(required("CALLS_TABLE"), _perform),
    ask=exchange.perform,
    gladia=_gladia,
    recordings=_recordings,
    status_callback=f"{_public_url}/twilio/recording",
    callback=_callback,
    transfer=_transfer,
    keep=_archive.put,
)


# Neither events nor answers are logged or traced: they hold what was said, and tickets.
@logger.inject_lambda_context(log_event=False, clear_state=True)
@trace.capture
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> PartialItemFailureResponse | dict[str, Any]:
    """Take the calls that entries tell of a step further, and return those that have to come again.

    A request is Gladia's, which tells that a job is over.
    """
    if "Records" not in event:
        return _called(event).as_json()
    batch = read(event["Records"])
    metrics.add_metric("MalformedMessages", MetricUnit.Count, batch.malformed)
    waiting = [received for received in batch.events if not _take(received)]
    return {"batchItemFailures": [{"itemIdentifier": received.message_id} for received in waiting]}


def _take(received: Received) -> bool:
    """Do what an entry asks for; return whether nothing of it is left to do."""
    call_id = received.detail.call_id
    trace.of_call(call_id)
    logger.append_keys(call_id=call_id)
    seq = None if received.detail.kind == KIND else received.detail.seq
    try:
        outcome = _batch.step(call_id, seq, now=datetime.now(UTC))
    except Unavailable as error:
        logger.warning("not done", extra={"why": str(error)})
        _again(received)
        return False
    logger.info("batch", extra={"outcome": str(outcome), "times": received.times})
    if outcome in METRICS:
        metrics.add_metric(METRICS[outcome], MetricUnit.Count, 1)
    # What was started has to be collected, should Gladia's callback be lost.
    if outcome in (Outcome.WAITS, Outcome.STARTED):
        _again(received)
        return False
    return True


def _again(received: Received) -> None:
    """Have a message come again soon. Raises Unavailable: then it comes when the queue lets it, and the alarm tells."""
    _queue.postpone(received.receipt, seconds=min(AGAIN_S * received.times, AGAIN_MOST_S))


def _called(event: dict[str, Any]) -> HttpAnswer:
    """Have the call looked at that a callback's ticket is for."""
    metrics.add_metric("Requests", MetricUnit.Count, 1)
    if route_of(event) != ROUTE:
        return HttpAnswer(HTTPStatus.NOT_FOUND)
    ticket = (event.get("pathParameters") or {}).get("ticket", "")
    now = datetime.now(UTC)
    try:
        found = call_of(ticket, _secret(_signing_secret, signing_keys), now=now)
        if found is None:
            metrics.add_metric("RequestsForbidden", MetricUnit.Count, 1)
            return HttpAnswer(HTTPStatus.FORBIDDEN)
        tenant, call_id = found
        _queue.send(Detail(call_id, 0, KIND, timestamp(now), tenant, msgspec.Raw(b"null")))
    except Unavailable as error:
        logger.warning("callback not taken", extra={"why": str(error)})
        return HttpAnswer(HTTPStatus.SERVICE_UNAVAILABLE)
    metrics.add_metric("Callbacks", MetricUnit.Count, 1)
    return HttpAnswer(HTTPStatus.OK)
