"""The assist function as the bridge invokes it, with a hook of a customer's beside it."""

from __future__ import annotations

import io
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from callscribe.after_call import Card
from callscribe.entries import CallStarted
from callscribe.errors import Unavailable
from callscribe.hooks import Hooks, Said, new_hook
from functions.assist.invoke import invoke

STARTED = CallStarted(
    provider="twilio", direction="inbound", account="AC1", from_number="+12025550123", to_number="+12025550188"
)


def said(**change) -> dict:
    given = Said(
        hook="cards", kind="utterance", call_id="CA1", tenant="acme", leg="a", party="caller", id="u1",
        text="I have lost my card", start_ms=0, end_ms=1, at_ms=round(1000 * time.time()),
    )  # fmt: skip
    return msgspec.to_builtins(given) | change


class Hook:
    """A customer's code."""

    def __init__(self) -> None:
        self.url = ""
        self.answer = b'{"title": "Lost cards"}'
        self.asked: list[dict] = []


@pytest.fixture
def hook(aws):
    known = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            known.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", str(len(known.answer)))
            self.end_headers()
            self.wfile.write(known.answer)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    known.url = f"http://127.0.0.1:{server.server_address[1]}/?key=a-key-of-theirs"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    aws.append("CA1", STARTED)
    aws.table(Hooks("Webhooks").put(new_hook("acme", "cards", known.url, deadline_ms=10_000, at="")))
    yield known
    server.shutdown()
    server.server_close()


@pytest.fixture
def assist(aws, start, environment):
    environment.setenv("WEBHOOK_TARGETS", "anywhere")
    return start("assist")


def metrics(capsys) -> dict:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    return lines[-1] if lines else {}


def test_what_a_hook_answers_is_in_the_calls_log(aws, hook, assist, *, context, capsys, logged):
    assert assist(said(), context) is None

    (asked,) = hook.asked
    assert asked["text"] == "I have lost my card"
    assert aws.log("CA1")[-1].body == Card(hook="cards", utterance="u1", title="Lost cards", text="")
    assert metrics(capsys)["Cards"] == [1.0]
    assert "card" not in logged().replace("cards", "")


def test_what_a_hook_does_wrong_is_counted_and_told_without_a_word(aws, hook, assist, *, context, capsys, logged):
    hook.answer = b"<html>Lost cards</html>"
    assist(said(), context)
    assert metrics(capsys)["HooksMalformed"] == [1.0]

    assist(said(at_ms=0), context)
    assert metrics(capsys)["HooksLate"] == [1.0]

    assist(said(hook="faq"), context)
    assert metrics(capsys)["HooksUnknown"] == [1.0]

    assert len(aws.log("CA1")) == 1
    assert [json.loads(line)["outcome"] for line in logged().splitlines()] == ["malformed", "late", "unknown"]
    for secret in ("html", "lost", "a-key-of-theirs", "+1202"):
        assert secret not in logged()


@pytest.mark.parametrize("event", [{}, {"hook": "cards"}, [], said(text=7)])
def test_what_the_bridge_never_says_is_counted(assist, context, capsys, event):
    assist(event, context)

    assert metrics(capsys)["MalformedMessages"] == [1.0]


def test_on_aws_no_address_beside_the_function_is_asked(aws, hook, start, context, capsys):
    start("assist")(said(), context)

    assert hook.asked == []
    assert metrics(capsys)["HooksFailed"] == [1.0]


class Functions:
    """Lambda, as far as one function of a customer's is asked."""

    def __init__(self, answer: dict | Exception, *, released: threading.Event | None = None) -> None:
        self._answer = answer
        self._released = released

    def invoke(self, **_asked) -> dict:
        if self._released is not None:
            self._released.wait(10)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def payload(text: bytes) -> dict:
    return {"StatusCode": 200, "Payload": io.BytesIO(text)}


def test_what_a_function_answers_is_its_answer():
    assert invoke(Functions(payload(b'{"title": "x"}')), "callscribe-hook-x", b"{}", 1) == b'{"title": "x"}'


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (payload(b'{"errorMessage": "boom"}') | {"FunctionError": "Unhandled"}, "the function failed"),
        (ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "Invoke"), "ResourceNotFoundException"),
        (ReadTimeoutError(endpoint_url="https://lambda.test"), "ReadTimeoutError"),
    ],
)
def test_a_function_that_does_not_answer_is_one_thing(answer, why):
    with pytest.raises(Unavailable, match=why):
        invoke(Functions(answer), "callscribe-hook-x", b"{}", 1)


def test_a_function_that_takes_too_long_is_left_alone():
    released = threading.Event()
    with pytest.raises(Unavailable, match=r"no answer within 0\.1 s"):
        invoke(Functions(payload(b""), released=released), "callscribe-hook-x", b"{}", 0.1)
    released.set()
