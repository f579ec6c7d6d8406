"""The bridge's requests to AWS as they are on the wire, and where their address, keys and trust come from."""

from __future__ import annotations

import contextlib
import json
import ssl
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import boto3
import pytest
from aiobotocore.session import AioSession, get_session
from botocore import auth
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import CredentialRetrievalError

from bridge import signed_service
from bridge.connections import Connections
from bridge.dynamodb import Dynamodb
from callscribe.errors import Refused, SubscriberGone, Unavailable
from callscribe.requests import Request
from tests.aws_clients import connections_at, tables_at
from tests.certificate import self_signed
from tests.raw_server import OK, RawServer

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
KEYS = ReadOnlyCredentials("AKIDEXAMPLE", "example-key-not-a-secret", "example-token")
GET = Request("get_item", {"TableName": "Calls", "Key": {"pk": {"S": "CALL#CA1"}}})


class Renewed:
    """Credentials of which the next ones, or the next failure, are there each time."""

    def __init__(self, *found: ReadOnlyCredentials | Exception) -> None:
        self._found = list(found)

    async def get_frozen_credentials(self) -> ReadOnlyCredentials:
        keys = self._found.pop(0) if len(self._found) > 1 else self._found[0]
        if isinstance(keys, Exception):
            raise keys
        return keys


@pytest.fixture
async def server():
    async with RawServer() as server:
        yield server


def headers(request: bytes) -> dict[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


@contextlib.contextmanager
def at_noon():
    """Let botocore sign everything at one moment."""
    with pytest.MonkeyPatch.context() as clock:
        clock.setattr(auth, "get_current_datetime", lambda *_args, **_more: NOON)
        yield


async def posted_by_botocore(server: RawServer, connection_id: str, frame: bytes) -> bytes:
    session = AioSession()
    session.set_credentials(*KEYS[:3])
    async with session.create_client(
        "apigatewaymanagementapi", endpoint_url=f"{server.origin}/live", region_name="eu-west-1"
    ) as client:
        with at_noon():
            await client.post_to_connection(ConnectionId=connection_id, Data=frame)
    return server.requests.pop()


@pytest.mark.parametrize("stage", ["/live", ""])
@pytest.mark.parametrize("connection_id", ["L0SM9cOFvHcCIhw=", "a/b+c==", "é"])
async def test_a_post_is_signed_for_the_path_that_it_is_sent_to(server, connection_id, stage):
    with connections_at(f"{server.origin}{stage}/", credentials=Renewed(KEYS), now=lambda: NOON) as connections:
        await connections.post(connection_id, b"what is said")

    (ours,) = server.requests
    path = f"{stage}/@connections/{quote(connection_id, safe='')}"
    assert ours.startswith(f"POST {path} HTTP/1.1\r\n".encode())
    assert ours.endswith(b"\r\ncontent-length: 12\r\n\r\nwhat is said")
    if stage:
        theirs = headers(await posted_by_botocore(server, connection_id, b"what is said"))
        assert headers(ours) == {name: theirs[name] for name in headers(ours)}
    assert headers(ours).keys() == {"host", "x-amz-date", "x-amz-security-token", "authorization", "content-length"}


async def test_a_connection_that_is_over_is_gone(server):
    server.answers.append(b"HTTP/1.1 410 Gone\r\nx-amzn-ErrorType: GoneException\r\ncontent-length: 0\r\n\r\n")

    with connections_at(server.origin) as connections, pytest.raises(SubscriberGone):
        await connections.post("connection", b"")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 429 x\r\nx-amzn-ErrorType: LimitExceededException:http://a/\r\n", "LimitExceededException"),
        (b"HTTP/1.1 403 x\r\nx-amzn-ErrorType: ForbiddenException\r\n", "ForbiddenException"),
        (b"HTTP/1.1 500 x\r\n", "500"),
        (b"HTTP/1.1 302 x\r\nlocation: /\r\n", "302"),
    ],
)
async def test_all_else_may_pass(server, answer, told):
    server.answers.append(answer + b"content-length: 0\r\n\r\n")

    with connections_at(server.origin) as connections:
        with pytest.raises(Unavailable, match=f"^post: {told}$"):
            await connections.post("connection", b"")
        await connections.post("connection", b"")


@pytest.mark.parametrize("answer", [None, b"SSH-2.0-OpenSSH\r\n", OK[:-1] + RawServer.CUT])
async def test_where_no_answer_comes_it_may_pass(server, answer):
    server.answers += [answer, answer]

    with connections_at(server.origin) as connections, pytest.raises(Unavailable, match=r"^execute-api: Connection"):
        await connections.post("connection", b"")
    with tables_at(server.origin) as dynamodb, pytest.raises(Unavailable, match=r"^dynamodb: Connection"):
        await dynamodb.ask(GET)


async def test_a_request_is_signed_with_the_keys_of_its_moment(server):
    keys = Renewed(KEYS, KEYS._replace(access_key="AKIDRENEWED", token="renewed"))
    with tables_at(server.origin, credentials=keys) as dynamodb:
        for _ in range(2):
            assert await dynamodb.ask(GET) == {}

    assert [headers(request)["x-amz-security-token"] for request in server.requests] == ["example-token", "renewed"]
    assert ["AKIDRENEWED" in headers(request)["authorization"] for request in server.requests] == [False, True]


@pytest.mark.parametrize(
    "error",
    [CredentialRetrievalError(provider="container-role", error_msg="no"), RuntimeError("renewed, and expired already")],
    ids=["none", "expired"],
)
async def test_keys_that_can_not_be_had_now_may_be_had_later(server, error):
    with tables_at(server.origin, credentials=Renewed(error, KEYS)) as dynamodb:
        with pytest.raises(Unavailable, match=type(error).__name__):
            await dynamodb.ask(GET)
        assert await dynamodb.ask(GET) == {}


@pytest.fixture
def nothing_configured(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    for name in (
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION",
        "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE",
    ):  # fmt: skip
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def configured(nothing_configured, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example-key-not-a-secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")


async def test_without_credentials_or_a_region_it_does_not_start(nothing_configured, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    with pytest.raises(Refused, match="no credentials"):
        await Connections.of(get_session(), "https://push.example.test")

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example-key-not-a-secret")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(Refused, match="no region"):
        await Connections.of(get_session(), "https://push.example.test")


async def test_dynamodb_is_where_botocore_finds_it(configured):
    with contextlib.closing(await Dynamodb.of(get_session())) as dynamodb:
        ours = dynamodb._service._host

    assert f"https://{ours}" == boto3.client("dynamodb").meta.endpoint_url == "https://dynamodb.eu-west-3.amazonaws.com"


async def test_an_endpoint_of_the_environment_is_asked_instead(configured, monkeypatch, server):
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.origin)

    with contextlib.closing(await Dynamodb.of(get_session())) as dynamodb:
        assert await dynamodb.ask(GET) == {}

    assert "/eu-west-3/dynamodb/" in headers(server.requests[0])["authorization"]


async def test_the_keys_of_a_tasks_role_come_from_its_container(nothing_configured, monkeypatch, server):
    expires = (datetime.now(UTC) + timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%SZ")
    role = {"AccessKeyId": "AKIDROLE", "SecretAccessKey": "role", "Token": "of-the-role", "Expiration": expires}
    async with RawServer() as container:
        body = json.dumps(role).encode()
        container.answers.append(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{container.origin}/v2/credentials")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")

        with contextlib.closing(await Connections.of(get_session(), server.origin)) as connections:
            for _ in range(2):
                await connections.post("connection", b"")

    assert [headers(request)["x-amz-security-token"] for request in server.requests] == ["of-the-role"] * 2
    assert len(container.requests) == 1


async def test_over_tls_only_who_proves_who_it_is_is_asked(configured, monkeypatch, tmp_path):
    certificate, key = self_signed(tmp_path, "localhost")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    async with RawServer(tls=tls) as server:
        with contextlib.closing(await Connections.of(get_session(), server.origin)) as connections:
            with pytest.raises(Unavailable, match="SSLCertVerificationError"):
                await connections.post("connection", b"")
            assert server.requests == []

        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        with contextlib.closing(await Connections.of(get_session(), server.origin)) as connections:
            for _ in range(3):
                await connections.post("connection", b"what is said")

        assert [request[-12:] for request in server.requests] == [b"what is said"] * 3
        assert headers(server.requests[0])["host"] == server.origin.removeprefix("https://")


def test_one_context_trusts_for_all_services():
    assert signed_service._trusting(None) is signed_service._trusting(None)
