"""Clients by the descriptions that a bundle brings ask what, and where, they would ask without them."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.loaders import Loader

from infra.packages import ROOT
from infra.service_models import OPERATIONS, write

# Of each partition that one can deploy to, and regions that came late.
REGIONS = ("us-east-1", "eu-west-1", "eu-central-2", "ap-southeast-5", "mx-central-1", "us-gov-west-1", "cn-north-1")
# What each service is asked here, and what it answers.
QUESTIONS: dict[str, tuple[str, dict[str, Any], bytes]] = {
    "athena": ("start_query_execution", {"QueryString": "SELECT 1", "ClientRequestToken": 32 * "t"}, b"{}"),
    "dynamodb": (
        "get_item",
        {"TableName": "Calls", "Key": {"pk": {"S": "CALL#CA1"}}},
        b'{"Item": {"a": {"B": "aGk="}}}',
    ),
    "events": ("put_events", {"Entries": [{"Source": "callscribe"}]}, b'{"FailedEntryCount": 1, "Entries": []}'),
    "lambda": ("invoke", {"FunctionName": "f", "Payload": b"{}"}, b"{}"),
    "s3": ("list_objects_v2", {"Bucket": "callscribe-archive", "Prefix": "entries/"}, b"<a><KeyCount>7</KeyCount></a>"),
    "secretsmanager": ("get_secret_value", {"SecretId": "s"}, b'{"SecretString": "{}"}'),
    "sqs": ("send_message", {"QueueUrl": "https://sqs.example/1/q", "MessageBody": "m"}, b'{"MessageId": "1"}'),
    "ssm": ("get_parameter", {"Name": "/p"}, b'{"Parameter": {"Value": "v", "Version": 3}}'),
}


@pytest.fixture(scope="module")
def cut(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("bundle") / "models"
    write(folder)
    return str(folder)


def session(path: str | None) -> boto3.Session:
    core = botocore.session.Session()
    core.set_config_variable("data_path", path)
    return boto3.Session("AKIDEXAMPLE", "secret", "token", botocore_session=core)


def asked(session: boto3.Session, service: str, region: str) -> tuple[Any, ...]:
    """Return what a client sends, to where and signed for what, and what it makes of the answer."""
    client = session.client(service, region_name=region)
    sent: list[Any] = []

    def send(request, **_):
        sent.append(request)
        return AWSResponse(request.url, 200, {"content-type": "application/json"}, Answer(body))

    client.meta.events.register(f"before-send.{service}.*", send)
    method, arguments, body = QUESTIONS[service]
    answer = getattr(client, method)(**arguments)
    answer.pop("ResponseMetadata")
    (request,) = sent
    headers = {name.lower(): value for name, value in request.headers.items()}
    scope = re.sub(r"Signature=.*", "", headers["authorization"].decode())
    told = {name: headers.get(name) for name in ("content-type", "x-amz-target", "x-amz-content-sha256")}
    payload = answer.pop("Payload", None)
    return request.method, request.url, request.body, re.sub(r"/\d{8}/", "/", scope), told, answer, type(payload)


class Answer:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_):
        yield self._body


def test_every_service_that_has_a_short_description_is_asked_here():
    assert QUESTIONS.keys() == OPERATIONS.keys()


@pytest.mark.parametrize("service", sorted(OPERATIONS))
def test_what_is_asked_goes_where_it_would_have_gone(cut, service):
    short, whole = session(cut), session(None)

    assert [asked(short, service, region) for region in REGIONS] == [
        asked(whole, service, region) for region in REGIONS
    ]


def test_a_client_knows_what_it_is_asked_and_nothing_else(cut):
    client = session(cut).client("dynamodb", region_name="eu-west-1")

    assert {*client.meta.method_to_api_mapping.values()} == {*OPERATIONS["dynamodb"]}


# Of the same name as an operation, and none: socket.create_connection.
OTHERS = {"create_connection"}


@pytest.mark.parametrize("service", sorted(OPERATIONS))
def test_whatever_functions_do_with_a_service_is_in_its_description(service):
    operations = Loader().load_service_model(service, "service-2")["operations"]
    named = set().union(*map(names, code_with(service))) - OTHERS

    assert named & {xform_name(name) for name in operations} <= {xform_name(name) for name in OPERATIONS[service]}


def test_a_name_is_found_wherever_it_is_called_or_kept_to_be_called_later(tmp_path):
    code = tmp_path / "code.py"
    code.write_text("client.query()\nask('put_item')\nRequest(method='get_item')\n")

    assert {"query", "put_item", "get_item"} <= names(code)


def code_with(service: str) -> list[Path]:
    """Return the files of functions that have a client of `service`, and all that they share."""
    shared = [*(ROOT / "functions").glob("*.py"), *(ROOT / "callscribe").glob("*.py")]
    handlers = [path for path in (ROOT / "functions").glob("*/handler.py") if f'"{service}"' in path.read_text()]
    return [*shared, *(path for handler in handlers for path in handler.parent.glob("*.py"))]


def names(path: Path) -> set[str]:
    """Return all names of attributes, and all texts, in a file of Python."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return texts | {node.attr for node in nodes if isinstance(node, ast.Attribute)}
