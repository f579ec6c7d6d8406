"""AWS in the test's own process, the functions in it as Lambda starts them, and clients to post to."""

from __future__ import annotations

import base64
import functools
import importlib
import io
import json
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlencode

import boto3
import pytest
from aws_lambda_powertools import Logger
from moto import mock_aws

from callscribe.dynamodb import perform
from callscribe.log import Log
from callscribe.messages import as_json, decode_frame
from callscribe.subscriptions import Subscription, Subscriptions
from callscribe.twilio_signature import sign
from tests.tables import TABLES

DATA = Path(__file__).parents[1] / "data"
PUBLIC_URL = "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com"
AUTH_TOKEN = "example-token-not-a-secret"
SIGNING_KEY = "example-key-not-a-secret"

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_LAMBDA_FUNCTION_NAME": "under-test",
    "POWERTOOLS_SERVICE_NAME": "under-test",
    "POWERTOOLS_METRICS_NAMESPACE": "callscribe",
    "CALLS_TABLE": "Calls",
    "SUBSCRIPTIONS_TABLE": "Subscriptions",
    "SESSIONS_TABLE": "Sessions",
    "IDEMPOTENCY_TABLE": "Idempotency",
    "KEYS_TABLE": "Keys",
    "TICKETS_TABLE": "Tickets",
    "SETTINGS_PARAMETER": "/callscribe/dev/settings",
    "MEDIA_URL_PARAMETER": "/callscribe/dev/media-url",
    "PUBLIC_URL": PUBLIC_URL,
    "TWILIO_SECRET": "twilio",
    "GLADIA_SECRET": "gladia",
    "SIGNING_SECRET": "signing",
    "TWILIO_URL": "https://api.twilio.com",
    "GLADIA_URL": "https://api.gladia.io",
    "PUSH_URL": "wss://f6g7h8i9j0.execute-api.eu-west-1.amazonaws.com/live",
    "TENANT_CLAIM": "tenant",
    "ARCHIVE_BUCKET": "archive",
    "SEARCH_WORKGROUP": "callscribe-dev",
    "SEARCH_DATABASE": "callscribe_dev",
    "BATCH_QUEUE": "https://sqs.eu-west-1.amazonaws.com/123456789012/batch",
    "DELIVER_QUEUE": "https://sqs.eu-west-1.amazonaws.com/123456789012/deliver",
    "WEBHOOKS_TABLE": "Webhooks",
    "WEBHOOK_TARGETS": "public",
}


@dataclass
class Context:
    """What Lambda tells an invocation of itself."""

    function_name: str = "under-test"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:under-test"
    aws_request_id: str = "52fdfc07-2182-454f-963f-5f0f9a621d72"
    remaining_ms: int = 30000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


@dataclass
class Sockets:
    """The connections of the WebSocket API: what was posted to each, and how each answers."""

    endpoint: str = ""
    posted: dict[str, list[bytes]] = field(default_factory=dict)
    answers: dict[str, list[int]] = field(default_factory=dict)  # the statuses to give first, then 200 for ever
    gone: set[str] = field(default_factory=set)

    def messages(self, connection_id: str) -> list[dict]:
        return [as_json(each) for frame in self.posted.get(connection_id, []) for each in decode_frame(frame)]

    def post(self, connection_id: str, frame: bytes) -> int:
        if connection_id in self.gone:
            return 410
        status = self.answers.get(connection_id, [])[:1]
        if status:
            del self.answers[connection_id][0]
            return status[0]
        self.posted.setdefault(connection_id, []).append(frame)
        return 200


ERRORS = {
    403: "ForbiddenException",
    410: "GoneException",
    413: "PayloadTooLargeException",
    429: "LimitExceededException",
    500: "InternalServerError",
}


@pytest.fixture(scope="session")
def _sockets():
    known = Sockets()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            frame = self.rfile.read(int(self.headers["Content-Length"]))
            status = known.post(unquote(self.path.removeprefix("/live/@connections/")), frame)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            if status in ERRORS:
                self.send_header("x-amzn-ErrorType", ERRORS[status])
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    known.endpoint = f"http://127.0.0.1:{server.server_address[1]}/live"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield known
    server.shutdown()
    server.server_close()


@pytest.fixture
def sockets(_sockets, environment) -> Sockets:
    """Connections behind an HTTP server that answers as @connections does."""
    _sockets.posted.clear()
    _sockets.answers.clear()
    _sockets.gone.clear()
    environment.setenv("PUSH_ENDPOINT", _sockets.endpoint)
    return _sockets


@dataclass
class Aws:
    """The services that the functions use."""

    dynamodb: object
    secrets: object
    parameters: object

    def log(self, call_id: str):
        return perform(self.dynamodb, Log("Calls", call_id).read())

    def subscribers(self, call_id: str) -> list[str]:
        return [each.connection_id for each in self.subscriptions(call_id)]

    def subscriptions(self, call_id: str) -> list[Subscription]:
        return perform(self.dynamodb, Subscriptions("Subscriptions").of_call(call_id, now_s=0))

    def subscribe(
        self, call_id: str, connection_id: str, *, tenant: str = "acme", expires_at: int = 4102444800
    ) -> None:
        subscription = Subscription(call_id, connection_id, tenant, expires_at)
        perform(self.dynamodb, Subscriptions("Subscriptions").put(subscription))

    def append(self, call_id: str, *bodies, tenant: str = "acme") -> None:
        tail = perform(self.dynamodb, Log("Calls", call_id).tail())
        for seq, body in enumerate(bodies, start=tail + 1):
            steps = Log("Calls", call_id).append(
                body, at="2026-11-22T09:15:02.417Z", tenant=tenant, token=str(seq), tail=seq - 1
            )
            perform(self.dynamodb, steps)

    def table(self, steps):
        """Do an operation on a table."""
        return perform(self.dynamodb, steps)

    def set_settings(self, text: str) -> None:
        self.parameters.put_parameter(Name="/callscribe/dev/settings", Value=text, Type="String", Overwrite=True)


@pytest.fixture
def environment(monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@functools.cache
def client(service: str):
    return boto3.client(service)


@pytest.fixture
def aws(environment):
    """The tables, secrets and parameters of a deployment."""
    with mock_aws():
        dynamodb = client("dynamodb")
        for table in TABLES.values():
            dynamodb.create_table(**table)
        secrets = client("secretsmanager")
        secrets.create_secret(Name="twilio", SecretString=json.dumps({"auth_token": AUTH_TOKEN}))
        secrets.create_secret(Name="gladia", SecretString=json.dumps({"api_key": "example-key-of-gladia"}))
        secrets.create_secret(Name="signing", SecretString=json.dumps({"current": SIGNING_KEY}))
        parameters = client("ssm")
        parameters.put_parameter(
            Name="/callscribe/dev/media-url", Value="wss://d111111abcdef8.cloudfront.net", Type="String"
        )
        yield Aws(dynamodb, secrets, parameters)


@pytest.fixture(scope="session")
def _started() -> dict:
    return {}


@pytest.fixture
def start(environment, _started):
    """Start a function as Lambda does; a warm one has served before, and may know secrets and settings from then."""

    def begin(name: str, *, warm: bool = False):
        if not (warm and name in _started):
            sys.modules.pop(f"functions.{name}.handler", None)
            handler = importlib.import_module(f"functions.{name}.handler").handler
            if not warm:
                return handler
            _started[name] = handler
        return _started[name]

    return begin


@pytest.fixture
def logged(environment):
    """What the function logs, as it would stand in CloudWatch."""
    (handler,) = Logger(service="under-test").handlers
    stream = io.StringIO()
    before = handler.setStream(stream)
    yield stream.getvalue
    handler.setStream(before)


def event(name: str) -> dict:
    return json.loads((DATA / name).read_text())


def webhook(
    path: str, form: dict[str, str] | list[tuple[str, str]], *, token: str = AUTH_TOKEN, query: str = "", **headers: str
) -> dict:
    """A form that Twilio posts, as the HTTP API hands it over."""
    pairs = list(form.items()) if isinstance(form, dict) else form
    request = event("http_api_webhook.json")
    url = f"{PUBLIC_URL}{path}" + (f"?{query}" if query else "")
    request["routeKey"] = request["requestContext"]["routeKey"] = f"POST {path}"
    request["rawPath"] = request["requestContext"]["http"]["path"] = path
    request["rawQueryString"] = query
    request["body"] = base64.b64encode(urlencode(pairs).encode()).decode()
    request["headers"]["x-twilio-signature"] = sign(url, pairs, token)
    request["headers"] |= {name.replace("_", "-"): value for name, value in headers.items()}
    return request


@pytest.fixture(name="event")
def _event():
    return event


@pytest.fixture(name="webhook")
def _webhook():
    return webhook


@pytest.fixture
def context() -> Context:
    return Context()
