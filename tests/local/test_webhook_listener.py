"""What a listener shows of what is posted to it, and what it refuses."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from callscribe.entries import CallEnded, Entry
from callscribe.webhook_message import body_of
from callscribe.webhook_signature import new_secret, sign
from local.webhook_listener import UNSIGNED, Listener

BODY = body_of(Entry("CA1", 7, "2026-11-22T09:15:02.417Z", "acme", CallEnded(reason="completed", duration_ms=1)))
SECRET = new_secret()
NOW_S = 1_795_000_000


@pytest.fixture
def shown() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def listener(shown) -> Listener:
    return Listener(SECRET, status=204, console=Console(file=shown, width=200))


def test_what_is_signed_is_shown_and_taken(listener, shown):
    headers = sign("CA1.7", BODY, [SECRET], now_s=NOW_S)

    assert listener.take(headers, BODY, now_s=NOW_S) == 204
    head, _, body = shown.getvalue().partition("\n")
    assert head == "2026-11-22T09:15:02  call.ended  CA1  CA1.7, signed as it should be"
    assert '"reason": "completed"' in body


@pytest.mark.parametrize(
    ("secret", "body", "age_s", "why"),
    [
        (new_secret(), BODY, 0, "the signature is wrong"),
        (SECRET, BODY, 301, "the message is not of now"),
        (SECRET, b"{}", 0, "missing required field"),
        (SECRET, b"\xff", 0, ""),
    ],
    ids=["of another", "of long ago", "of another shape", "of no shape"],  # secrets differ by the process
)
def test_what_is_not_is_refused(listener, shown, *, secret, body, age_s, why):
    headers = sign("CA1.7", body, [secret], now_s=NOW_S)

    assert listener.take(headers, body, now_s=NOW_S + age_s) == UNSIGNED
    assert shown.getvalue().startswith("refused: ")
    assert why in shown.getvalue()


def test_what_has_no_signature_is_refused(listener, shown):
    assert listener.take({}, BODY, now_s=NOW_S) == UNSIGNED
    assert "there is no header webhook-id" in shown.getvalue()
