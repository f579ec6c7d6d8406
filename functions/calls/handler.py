"""Lambda's side of `calls`: a request of the HTTP API in, an answer or a problem document out."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
import msgspec
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.parameters import SecretsProvider, SSMProvider
from botocore.config import Config

from callscribe.api_keys import ApiKey, ApiKeys
from callscribe.dynamodb import perform
from callscribe.errors import MalformedMessage, Refused, Unavailable
from callscribe.joined import STATE_KEY, Joined, days_of, decode_state, stale_prefix
from callscribe.log import Steps
from callscribe.twilio_rest import TwilioRest
from functions import exchange
from functions.calls.athena import Athena
from functions.calls.identity import identify
from functions.calls.openapi import PATH, openapi
from functions.calls.operations import OPERATIONS
from functions.calls.problems import MEDIA_TYPE, Problem, unavailable
from functions.calls.questions import of_body, of_query
from functions.calls.service import JSON, Asked, Service
from functions.environment import required
from functions.http_api import HttpAnswer, body_of, route_of
from functions.kept import Kept, Store
from functions.object_store import ObjectStore
from functions.secrets import auth_tokens
from functions.trace import Trace

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_athena import AthenaClient

T = TypeVar("T")

logger = Logger()
metrics = Metrics()
trace = Trace("calls")

_config = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3})
_dynamodb = trace.watched(boto3.client("dynamodb", config=_config))
# Whoever reads needs neither, and a client takes 25 ms of a cold start.
_secrets = Store(lambda: SecretsProvider(boto3_client=trace.watched(boto3.client("secretsmanager", config=_config))))
_parameters = Store(lambda: SSMProvider(boto3_client=trace.watched(boto3.client("ssm", config=_config))))
_twilio_secret = Kept(_secrets, required("TWILIO_SECRET"))
_twilio_url = required("TWILIO_URL").rstrip("/")
_tenant_claim = required("TENANT_CLAIM")
_keys = ApiKeys(required("KEYS_TABLE"))


@functools.cache
def _document() -> str:
    """Return the API's own description, which few ask for."""
    return msgspec.json.encode(openapi()).decode()


def _perform(steps: Steps[T], /) -> T:
    return perform(_dynamodb, steps)


def _find(text: str) -> ApiKey | None:
    return _perform(_keys.find(text))


@functools.cache
def _athena() -> AthenaClient:
    return trace.watched(boto3.client("athena", config=_config))


@functools.cache
def _archive() -> ObjectStore:
    return ObjectStore(trace.watched(boto3.client("s3", config=_config)), required("ARCHIVE_BUCKET"))


def _joined(tenant: str) -> Joined:
    """Return which days a tenant's searches read joined. The days that are stale are asked for last.

    A day that has become so since is told, whatever else has happened in between.
    """
    through = decode_state(_archive().get(STATE_KEY))
    if through is None:
        return Joined()
    return Joined(through, days_of(_archive().keys(stale_prefix(tenant))))


def _file(key: str) -> bytes | None:
    return _archive().get(key)


_service = Service(
    calls_table=required("CALLS_TABLE"),
    perform=_perform,
    ask=exchange.perform,
    twilio=lambda: TwilioRest(_twilio_url, auth_tokens(_twilio_secret.read())[0]),
    settings=Kept(_parameters, required("SETTINGS_PARAMETER")).read,
    media_url=Kept(_parameters, required("MEDIA_URL_PARAMETER")).read,
    signing_secret=Kept(_secrets, required("SIGNING_SECRET")).read,
    joined=_joined,
    file=_file,
    queries=Athena(_athena, workgroup=required("SEARCH_WORKGROUP"), database=required("SEARCH_DATABASE")),
    push_url=required("PUSH_URL"),
    stream_status_url=f"{required('PUBLIC_URL').rstrip('/')}/twilio/stream",
)


_OPERATIONS = {f"{operation.method} {operation.path}": operation for operation in OPERATIONS}


def _serve(event: dict[str, Any]) -> HttpAnswer:
    """Do what is asked. Raises Problem, Unavailable, Refused, MalformedMessage."""
    if route_of(event) == f"GET {PATH}":  # the API's own description, to whoever asks
        return HttpAnswer(HTTPStatus.OK, JSON, _document())
    operation = _OPERATIONS.get(route_of(event))
    if operation is None:
        raise Problem(HTTPStatus.NOT_FOUND, "no-such-operation", f"there is nothing here; see {PATH}")
    identity = identify(event, find=_find, tenant_claim=_tenant_claim)
    logger.append_keys(by=identity.name)
    question = None
    if operation.query is not None:
        question = of_query(event.get("queryStringParameters") or {}, operation.query)
    elif operation.body is not None:
        question = of_body(body_of(event), operation.body)
    path = event.get("pathParameters") or {}
    reply = operation.act(_service, Asked(tenant=identity.tenant, now=datetime.now(UTC), path=path, question=question))
    return HttpAnswer(reply.status, reply.media_type, reply.body, reply.headers)


def _failed(error: Exception) -> HttpAnswer:
    # What others say may quote what was said on a call.
    reason = f"malformed: {error.kind}" if isinstance(error, MalformedMessage) else str(error)
    logger.error("request failed", extra={"reason": reason})
    metrics.add_metric("RequestsFailed", MetricUnit.Count, 1)
    if isinstance(error, Unavailable):
        return _told(unavailable())
    return _told(Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "refused", "this deployment has to be set right first"))


def _told(problem: Problem) -> HttpAnswer:
    # Not the detail, which may quote what was sent.
    logger.info("request not done", extra={"code": problem.code, "field": problem.field})
    metrics.add_metric("RequestsNotDone", MetricUnit.Count, 1)
    headers: dict[str, str] = {}
    if problem.retry_after_s is not None:
        headers["retry-after"] = str(problem.retry_after_s)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    document = msgspec.json.encode(problem.document()).decode()
    return HttpAnswer(problem.status, MEDIA_TYPE, document, headers)


# Answers hold what was said and tickets, and events hold keys: neither is logged or traced.
@logger.inject_lambda_context(log_event=False, clear_state=True)
@trace.capture
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Answer the request in `event`, an HTTP API's in payload format 2.0."""
    metrics.add_metric("Requests", MetricUnit.Count, 1)
    try:
        return _serve(event).as_json()
    except Problem as problem:
        return _told(problem).as_json()
    except (Unavailable, Refused, MalformedMessage) as error:
        return _failed(error).as_json()
