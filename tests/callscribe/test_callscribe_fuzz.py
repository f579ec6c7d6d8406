"""Whatever is in a ticket, a signature, a message, the settings or the table: a value, or the parser's own error."""

from __future__ import annotations

import base64
import contextlib
import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callscribe import messages, tickets, twilio_signature
from callscribe.entries import Entry, decode_body, encode_body
from callscribe.errors import MalformedMessage, Refused
from callscribe.log import entry_of
from callscribe.settings import SettingsDocument, decode_settings, settings_in_force
from callscribe.tickets import InvalidTicket, Ticket
from tests.mutation import mutated, mutated_json, mutated_value

TICKET = Ticket(use="push", tenant="acme", calls=("CA1",), expires_at=1000)
SIGNED = tickets.sign(TICKET, "key")
CLAIMS = json.loads(msgspec.json.encode(TICKET))


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


@given(mutated([SIGNED.encode(), b"..", b"a.b"]))
def test_a_ticket_that_was_tampered_with_is_invalid_and_the_true_one_still_opens(text):
    with contextlib.suppress(InvalidTicket):
        # What can be changed of a ticket that stays good is nothing.
        assert tickets.verify(text_of(text), ("before", "key"), use="push", now_s=999) == TICKET
    assert tickets.verify(SIGNED, ("before", "key"), use="push", now_s=999) == TICKET


@given(mutated_json([CLAIMS]) | mutated([base64.urlsafe_b64encode(json.dumps(CLAIMS).encode())]), st.booleans())
def test_whatever_our_own_key_has_signed_is_a_ticket_or_invalid(claims, is_encoded):
    text = base64.urlsafe_b64encode(claims).rstrip(b"=") if is_encoded else claims
    signed = text_of(text) + "." + tickets._mac(text.decode("utf-8", "replace"), "key")
    with contextlib.suppress(InvalidTicket):
        assert isinstance(tickets.verify(signed, ("key",), use="push", now_s=999), Ticket)


URL = "https://voice.example.test/twilio/voice?a=1"
PAIRS = (("CallSid", "CA1"), ("From", "+12025550123"))


@given(mutated([twilio_signature.sign(URL, PAIRS, "token").encode()]), mutated([URL.encode()]), st.booleans())
def test_a_signature_is_valid_or_not(signature, url, is_true_url):
    urls = twilio_signature.spellings(URL if is_true_url else url.decode("ascii", "replace"))
    assert twilio_signature.is_valid(text_of(signature), urls, PAIRS, ("token",)) in {True, False}


@given(st.lists(st.tuples(st.text(), st.text())), st.text())
def test_any_form_has_a_signature_and_only_its_own(pairs, token):
    signature = twilio_signature.sign(URL, pairs, token)

    assert twilio_signature.is_valid(signature, [URL], pairs, [token])
    assert not twilio_signature.is_valid(signature, [URL], [*pairs, ("more", "")], [token])


ACTIONS = [
    {"action": "subscribe", "call_id": "CA1", "after": 7},
    {"action": "replay", "call_id": "CA1"},
    {"action": "unsubscribe", "call_id": "CA1"},
    {"action": "ping"},
]


@given(mutated_json(ACTIONS), st.booleans())
def test_what_a_client_says_is_an_action_or_malformed(text, as_text):
    with contextlib.suppress(MalformedMessage):
        action = messages.decode_action(text_of(text) if as_text else text)
        assert messages.decode_action(messages.encode_action(action)) == action


MESSAGES = [
    {"type": "entry", "call_id": "CA1", "seq": 1, "kind": "dtmf", "at": "",
     "body": {"leg": "l", "digit": "5", "at_ms": 1}},
    {
        "type": "partial", "call_id": "CA1", "leg": "l", "party": "p", "id": "i", "text": "é",
        "start_ms": 0, "end_ms": 1, "after": 1,
    },
    {"type": "replayed", "call_id": "CA1", "through": 3},
    {"type": "pong"},
    {"type": "error", "code": "malformed", "message": "m"},
]  # fmt: skip


@given(st.lists(mutated_json(MESSAGES), min_size=1, max_size=3), st.booleans())
def test_what_a_client_is_sent_is_messages_or_malformed(lines, as_text):
    frame = b"\n".join(lines)
    with contextlib.suppress(MalformedMessage):
        decoded = messages.decode_frame(text_of(frame) if as_text else frame)
        for message in decoded:
            if isinstance(message, messages.EntryMessage):
                assert isinstance(messages.entry_of(message), Entry)
            assert isinstance(messages.as_json(message), dict)


SETTINGS = {
    "default": {"then": {"say": "This call is transcribed."}},
    "numbers": {
        "+12025550188": {
            "then": {"redirect": "https://app.example.test/voice"},
            "tenant": "acme",
            "tracks": "inbound_track",
            "parties": {"outbound": "agent"},
            "session": "per_leg",
            "gladia": {"language_config": {"languages": ["en"]}},
        }
    },
}


@given(mutated_json([SETTINGS]), st.booleans())
def test_settings_are_read_or_refused(text, as_text):
    with contextlib.suppress(Refused):
        document = decode_settings(text_of(text) if as_text else text)
        assert isinstance(document, SettingsDocument)
        assert document.of("+12025550188").party("inbound", "outbound-api")


@given(mutated_value([SETTINGS["numbers"]["+12025550188"]]))
def test_the_settings_of_an_entry_are_read_or_refused(fields):
    with contextlib.suppress(Refused):
        settings_in_force(fields)


RECORDS = json.loads((Path(__file__).parents[1] / "data" / "stream_of_calls.json").read_text())["Records"]
ITEMS = [record["dynamodb"]["NewImage"] for record in RECORDS]


@given(mutated_value(ITEMS))
def test_an_item_of_the_table_is_an_entry_or_malformed(item):
    with contextlib.suppress(MalformedMessage):
        entry = entry_of(item)
        assert isinstance(entry.seq, int)


BODIES = [
    {"leg": "l", "id": "i", "text": "t", "start_ms": 0, "end_ms": 1, "language": "en", "confidence": 0.9,
     "words": [["t", 0, 1, 0.9]]},
    {"leg": "l", "start_ms": 0, "end_ms": 20, "cause": "c"},
    {"leg": "l", "ledger": {"heard": 1}, "sessions": 1, "reconnects": 0},
]  # fmt: skip


@pytest.mark.parametrize(("kind", "good"), list(zip(["utterance", "leg.gap", "leg.ended"], BODIES, strict=True)))
def test_the_good_bodies_here_are_good(kind, good):
    assert decode_body(kind, json.dumps(good))


@given(st.sampled_from(["utterance", "leg.gap", "leg.ended", "from.the.future"]), mutated_json(BODIES), st.booleans())
def test_the_body_of_an_entry_is_read_or_malformed_and_can_be_written_again(kind, text, as_text):
    with contextlib.suppress(MalformedMessage):
        body = decode_body(kind, text_of(text) if as_text else text)
        assert decode_body(kind, encode_body(body)) == body
