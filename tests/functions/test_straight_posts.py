"""Posts as they are on the wire: signed as botocore's own clients sign them, on sockets that stay open."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import quote

import boto3
import pytest
from botocore import auth
from botocore.credentials import Credentials
from botocore.exceptions import NoCredentialsError, NoRegionError

from functions.straight_posts import PostAnswer, StraightPosts

CREDENTIALS = Credentials("AKIDEXAMPLE", "example-key-not-a-secret", "example-token")
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class Peer:
    """A server that keeps what it was sent, answers as it is told, and may hang up between requests."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.answers: list[bytes | None] = []  # None: hang up without an answer
        self.sockets = 0
        self.closes_after = 10**6  # requests on a socket
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}/live"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            self.sockets += 1
            threading.Thread(target=self._serve, args=(accepted,), daemon=True).start()

    def _serve(self, accepted: socket.socket) -> None:
        with accepted, accepted.makefile("rb") as stream:
            for _ in range(self.closes_after):
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    line = stream.readline()
                    if not line:
                        return
                    head += line
                (length,) = [
                    int(each.split(b":")[1]) for each in head.split(b"\r\n") if each.lower().startswith(b"content-l")
                ]
                self.requests.append(head + stream.read(length))
                answer = self.answers.pop(0) if self.answers else OK
                if answer is None:
                    return
                accepted.sendall(answer)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def peer():
    peer = Peer()
    yield peer
    peer.close()


def posts(peer: Peer, **more) -> StraightPosts:
    return StraightPosts(peer.endpoint, credentials=CREDENTIALS, region="eu-west-1", **more)


def headers(request: bytes) -> dict[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def target(request: bytes) -> str:
    return request.partition(b"\r\n")[0].decode()


@contextmanager
def at_noon():
    """Let botocore sign everything at one moment."""
    with pytest.MonkeyPatch.context() as clock:
        clock.setattr(auth, "get_current_datetime", lambda *_args, **_more: NOON)
        yield


@pytest.mark.parametrize("connection_id", ["L0SM9cOFvHcCIhw=", "a/b+c==", "é"])
def test_a_post_is_the_one_that_botocores_own_client_makes(peer, connection_id):
    client = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=peer.endpoint,
        region_name="eu-west-1",
        aws_access_key_id=CREDENTIALS.access_key,
        aws_secret_access_key=CREDENTIALS.secret_key,
        aws_session_token=CREDENTIALS.token,
    )
    with at_noon():
        client.post_to_connection(ConnectionId=connection_id, Data=b'{"type":"pong"}')
    assert posts(peer, now=lambda: NOON).post(connection_id, b'{"type":"pong"}') == PostAnswer(200, "")

    theirs, ours = peer.requests
    assert target(ours) == target(theirs) == f"POST /live/@connections/{quote(connection_id, safe='')} HTTP/1.1"
    assert headers(ours)["authorization"] == headers(theirs)["authorization"]
    assert headers(ours)["x-amz-security-token"] == "example-token"
    assert ours.endswith(b'\r\n\r\n{"type":"pong"}')


def test_a_socket_serves_post_after_post(peer):
    some = posts(peer)
    for number in range(5):
        some.post("a=", f"{number}".encode())

    assert (peer.sockets, len(peer.requests)) == (1, 5)


def test_a_socket_that_was_closed_while_it_was_idle_is_replaced(peer):
    peer.closes_after = 1
    some = posts(peer)

    assert [some.post("a=", b"1").status, some.post("a=", b"2").status] == [200, 200]
    assert [request[-1:] for request in peer.requests] == [b"1", b"2"]
    assert peer.sockets == 2


def test_threads_share_no_socket(peer):
    some = posts(peer)
    some.post("a=", b"1")
    other = threading.Thread(target=some.post, args=("a=", b"2"))
    other.start()
    other.join()

    assert peer.sockets == 2


def test_where_no_answer_comes_the_failure_is_told_and_the_next_post_begins_anew(peer):
    some = posts(peer)
    peer.answers = [None, OK]

    with pytest.raises(OSError, match="without response"):
        some.post("a=", b"1")

    assert some.post("a=", b"2").status == 200


def test_one_who_never_answers_is_not_asked_twice(peer):
    some = posts(peer, timeout_s=0.05)
    some.post("a=", b"1")
    peer.answers = [b""]

    with pytest.raises(TimeoutError):
        some.post("a=", b"2")

    assert [request[-1:] for request in peer.requests] == [b"1", b"2"]


@pytest.mark.parametrize("name", ["GoneException", "GoneException:http://internal.amazonaws.com/coral/"])
def test_an_error_is_told_by_its_name(peer, name):
    peer.answers = [f"HTTP/1.1 410 Gone\r\nx-amzn-ErrorType: {name}\r\ncontent-length: 0\r\n\r\n".encode()]

    assert posts(peer).post("a=", b"1") == PostAnswer(410, "GoneException")


def test_without_credentials_or_a_region_it_does_not_start(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(NoCredentialsError):
        StraightPosts.of(boto3.Session(), "https://a.example.test/live")
    with pytest.raises(NoRegionError):
        StraightPosts.of(boto3.Session(aws_access_key_id="a", aws_secret_access_key="b"), "https://a.example.test/live")
