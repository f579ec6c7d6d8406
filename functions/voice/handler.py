"""Lambda's side of `voice`: Twilio's webhooks come in through the HTTP API, TwiML goes out."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.parameters import SecretsProvider, SSMProvider
from botocore.config import Config

from callscribe.dynamodb import perform
from callscribe.errors import MalformedMessage, Refused, Unavailable
from callscribe.log import Steps
from functions.environment import required
from functions.http_api import HttpAnswer, route_of
from functions.kept import Kept, Store
from functions.secrets import auth_tokens
from functions.trace import Trace
from functions.voice.reception import Reception
from functions.voice.webhook import CallForm, RecordingForm, StatusForm, StreamForm, Webhook, receive

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from functions.voice.once import Once

T = TypeVar("T")

logger = Logger()
metrics = Metrics()
trace = Trace("voice")

# Twilio gives a webhook 15 s in all, so a service that hangs is given up after 4 s at most: two attempts and the
# pause between them. With the Parameter Store and DynamoDB both hanging there is still an answer in time.
_config = Config(connect_timeout=1, read_timeout=1.5, retries={"mode": "standard", "total_max_attempts": 2})
_dynamodb = trace.watched(boto3.client("dynamodb", config=_config))
_secrets = Store(SecretsProvider(boto3_client=trace.watched(boto3.client("secretsmanager", config=_config))))
_parameters = Store(SSMProvider(boto3_client=trace.watched(boto3.client("ssm", config=_config))))
_twilio = Kept(_secrets, required("TWILIO_SECRET"))
_public_url = required("PUBLIC_URL").rstrip("/")


def _perform(steps: Steps[T], /) -> T:
    return perform(_dynamodb, steps)


_reception = Reception(
    calls_table=required("CALLS_TABLE"),
    public_url=_public_url,
    perform=_perform,
    settings=Kept(_parameters, required("SETTINGS_PARAMETER")).read,
    media_url=Kept(_parameters, required("MEDIA_URL_PARAMETER")).read,
    signing_secret=Kept(_secrets, required("SIGNING_SECRET")).read,
)
_idempotency_table = required("IDEMPOTENCY_TABLE")


class Forbidden(Exception):
    """This request is not Twilio's; the message says how that is known."""


# The opening is not under this: the log opens once by itself, a stored answer would hold a ticket, and a
# repetition that finds the first one still at work would be an error on the phone line.
@functools.cache
def _once() -> Once:
    from functions.voice.once import Once  # noqa: PLC0415 - no call that begins waits for what only callbacks need

    return Once(_idempotency_table, _dynamodb, unreached=lambda: logger.warning("idempotency table not reached"))


def _voice(event: Mapping[str, Any], _context: LambdaContext) -> HttpAnswer:
    """Open the call and answer what it does."""
    webhook = _receive(event, "/twilio/voice")
    try:
        _check(webhook)
    except Unavailable as error:
        # Nobody can say now whether Twilio asks, and a caller may be waiting: what the call does is told, nothing else.
        logger.error("signature not checked", extra={"reason": str(error)})  # noqa: TRY400 - the reason says it all
        _count("SignaturesNotChecked")
        _count("CallsNotTranscribed")
        return _twiml(_reception.pass_on(webhook.read(CallForm)))
    form = webhook.read(CallForm)
    _of_call(form.call_id)
    opened = _reception.open(form, webhook.metadata, now=datetime.now(UTC))
    logger.info("call opened", extra={"direction": form.direction, "losses": len(opened.losses)})
    _count("CallsOpened")
    for loss in opened.losses:
        logger.error("call opened with a loss", extra={"what": loss.what, "why": loss.why})
        _count({"settings": "SettingsFaults", "log": "LogsNotOpened"}.get(loss.what, "CallsNotTranscribed"))
    return _twiml(opened.twiml)


def _status(event: Mapping[str, Any], context: LambdaContext) -> HttpAnswer:
    """Close the call when its status says that it is over."""
    webhook = _receive(event, "/twilio/status")
    _check(webhook)
    form = webhook.read(StatusForm)
    _of_call(form.call_id)

    def act() -> None:
        if _reception.close(form, webhook.metadata, now=datetime.now(UTC)):
            logger.info("call closed", extra={"reason": form.status})
            _count("CallsClosed")

    _once().act(f"status/{form.call_id}/{form.sequence}/{form.status}/{webhook.retry}", act, context)
    return _empty(HTTPStatus.NO_CONTENT)


def _stream(event: Mapping[str, Any], context: LambdaContext) -> HttpAnswer:
    """Write down that a media stream was lost; count those that begin and end."""
    webhook = _receive(event, "/twilio/stream")
    _check(webhook)
    form = webhook.read(StreamForm)
    _of_call(form.call_id)

    def act() -> None:
        match form.event:
            case "stream-started":
                _count("StreamsStarted")
            case "stream-stopped":
                _count("StreamsStopped")
            case "stream-error":
                _count("StreamsFailed")
                known = _reception.fail(form, now=datetime.now(UTC))
                logger.warning("media stream failed", extra={"call_known": known})

    _once().act(f"stream/{form.call_id}/{form.media_stream}/{form.event}/{form.at}/{webhook.retry}", act, context)
    return _empty(HTTPStatus.NO_CONTENT)


def _recording(event: Mapping[str, Any], context: LambdaContext) -> HttpAnswer:
    """Write down what became of a recording."""
    webhook = _receive(event, "/twilio/recording")
    _check(webhook)
    form = webhook.read(RecordingForm)
    _of_call(form.call_id)

    def act() -> None:
        if _reception.recorded(form, now=datetime.now(UTC)):
            logger.info("recording over", extra={"status": form.status})
            _count("RecordingsEnded")

    _once().act(f"recording/{form.call_id}/{form.recording}/{form.status}/{webhook.retry}", act, context)
    return _empty(HTTPStatus.NO_CONTENT)


_NOT_SERVED = (Forbidden, MalformedMessage, Unavailable, Refused)
_ROUTES: Mapping[str, Callable[[Mapping[str, Any], LambdaContext], HttpAnswer]] = {
    "POST /twilio/voice": _voice,
    "POST /twilio/status": _status,
    "POST /twilio/stream": _stream,
    "POST /twilio/recording": _recording,
}


def _not_served(error: Exception) -> HttpAnswer:
    """Answer with the status that says what to do next, and nothing else."""
    match error:
        case Forbidden():
            logger.warning("request refused", extra={"reason": str(error)})
            _count("RequestsForbidden")
            return _empty(HTTPStatus.FORBIDDEN)
        case MalformedMessage(kind=kind):
            # Not the message, which may quote the form.
            logger.warning("request malformed", extra={"kind": kind})
            _count("RequestsMalformed")
            return _empty(HTTPStatus.UNSUPPORTED_MEDIA_TYPE if kind == "content type" else HTTPStatus.BAD_REQUEST)
        case _:
            logger.error("request not served", extra={"reason": str(error)})
            _count("RequestsNotServed")
            # 503 is what Twilio repeats where its connection overrides say so, and else takes to the fallback URL.
            refused = isinstance(error, Refused)
            return _empty(HTTPStatus.INTERNAL_SERVER_ERROR if refused else HTTPStatus.SERVICE_UNAVAILABLE)


# Events hold phone numbers and answers hold tickets, so neither is logged or traced.
@logger.inject_lambda_context(log_event=False, clear_state=True)
@trace.capture
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer the webhook in `event`, an HTTP API's request in payload format 2.0."""
    _count("Requests")
    serve = _ROUTES.get(route_of(event))
    if serve is None:
        return _empty(HTTPStatus.NOT_FOUND).as_json()
    try:
        return serve(event, context).as_json()
    except _NOT_SERVED as error:
        return _not_served(error).as_json()


def _of_call(call_id: str) -> None:
    """Let what is logged and traced from now on be found by the call."""
    logger.append_keys(call_id=call_id)
    trace.of_call(call_id)


def _receive(event: Mapping[str, Any], path: str) -> Webhook:
    return receive(event, public_url=_public_url, path=path)


def _check(webhook: Webhook) -> None:
    """Raise Forbidden unless Twilio has signed this; Unavailable or Refused if that can't be judged."""
    if not webhook.signature:
        raise Forbidden("signature missing")
    if not webhook.is_signed(auth_tokens(_twilio.read())):
        raise Forbidden("signature wrong")


def _count(name: str) -> None:
    metrics.add_metric(name, MetricUnit.Count, 1)


def _twiml(document: str) -> HttpAnswer:
    return HttpAnswer(HTTPStatus.OK, "text/xml", document)


def _empty(status: HTTPStatus) -> HttpAnswer:
    return HttpAnswer(status)
