"""What others say of an error is kept without what must not be in a log."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callscribe.tickets import Ticket, sign
from functions.voice.scrub import LONGEST, scrub

TICKET = sign(Ticket(use="media", tenant="acme", calls=("CA1",), expires_at=1), "key")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("31920 - Stream - WebSocket - Handshake Error", "31920 - Stream - WebSocket - Handshake Error"),
        (f"no answer from wss://d1.cloudfront.net/twilio/{TICKET} in time", "no answer from (URL) in time"),
        (f"GET /twilio/{TICKET}: 403", "GET (…): 403"),
        ("two\nlines\tand  more", "two lines and more"),
        ("", ""),
    ],
)
def test_words_are_kept_and_urls_and_secrets_are_not(text, kept):
    assert scrub(text) == kept


@given(st.text(), st.text())
def test_no_ticket_comes_through_and_no_line_is_long(before, after):
    scrubbed = scrub(f"{before}{TICKET}{after}")

    assert TICKET not in scrubbed
    assert TICKET.partition(".")[2] not in scrubbed
    assert len(scrubbed) <= LONGEST
    assert "\n" not in scrubbed
