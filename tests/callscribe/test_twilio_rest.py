"""What is asked of Twilio's REST API, and what each answer means."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from urllib.parse import parse_qs

import pytest

from callscribe.errors import MalformedMessage, Refused, Unavailable
from callscribe.twilio_rest import CallOver, CallState, StreamStarted, StreamStopped, TwilioRest, carrying

REST = TwilioRest("https://api.twilio.com", "the token")
CALL = "https://api.twilio.com/2010-04-01/Accounts/AC1/Calls/CA1"


def start():
    return REST.start_stream("AC1", "CA1", url="wss://media.example.test/twilio/ticket", track="both_tracks")


def problem(code: int) -> bytes:
    return json.dumps({"code": code, "message": "about wss://media.example.test/twilio/ticket"}).encode()


def test_a_stream_is_asked_for_under_its_call_as_a_form():
    ask = REST.start_stream(
        "AC1", "CA1", url="wss://m.test/t", track="inbound_track", name="again", status_callback="https://v.test/stream"
    ).request

    assert (ask.method, ask.url) == ("POST", f"{CALL}/Streams.json")
    assert ask.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(ask.body.decode()) == {
        "Url": ["wss://m.test/t"],
        "Track": ["inbound_track"],
        "Name": ["again"],
        "StatusCallback": ["https://v.test/stream"],
    }


def test_what_is_not_wished_for_is_not_in_the_form():
    assert set(parse_qs(start().request.body.decode())) == {"Url", "Track"}


def test_a_stream_is_stopped_by_its_name_or_sid():
    ask = REST.stop_stream("AC1", "CA1", "MZ1").request

    assert (ask.method, ask.url, ask.body) == ("POST", f"{CALL}/Streams/MZ1.json", b"Status=stopped")


def test_a_call_is_fetched():
    ask = REST.fetch_call("AC1", "CA1").request

    assert (ask.method, ask.url, ask.body) == ("GET", f"{CALL}.json", None)


def test_the_account_and_its_token_are_the_credentials():
    scheme, credentials = REST.fetch_call("AC1", "CA1").request.headers["Authorization"].split()

    assert (scheme, base64.b64decode(credentials)) == ("Basic", b"AC1:the token")


def test_an_identifier_stays_within_its_part_of_the_path():
    assert REST.fetch_call("AC1", "CA1/../x?y").request.url.endswith("/Calls/CA1%2F..%2Fx%3Fy.json")


def test_neither_key_nor_ticket_is_in_the_text_form_of_a_request():
    for text in (repr(REST), repr(start()), repr(start().request)):
        assert "ticket" not in text
        assert "token" not in text
        assert "Basic" not in text


def test_without_an_address_there_is_nobody_to_ask():
    with pytest.raises(Unavailable, match="no address"):
        TwilioRest("", "the token").fetch_call("AC1", "CA1")


def test_a_stream_that_was_started_has_a_sid():
    assert start().outcome(201, b'{"sid": "MZ1", "status": "in-progress", "more": 1}') == StreamStarted("MZ1")


@pytest.mark.parametrize("status", [200, 404])
def test_a_stream_that_is_stopped_or_unknown_is_over(status: int):
    body = b'{"sid": "MZ1", "status": "stopped"}' if status == 200 else problem(20404)

    assert REST.stop_stream("AC1", "CA1", "MZ1").outcome(status, body) == StreamStopped()


@pytest.mark.parametrize(
    ("status", "is_so"),
    [
        ("queued", set()),
        ("ringing", set()),
        ("in-progress", {"in progress"}),
        ("completed", {"over"}),
        ("busy", {"over"}),
        ("failed", {"over"}),
        ("no-answer", {"over"}),
        ("canceled", {"over"}),
        ("a status to come", set()),
    ],
)
def test_a_call_is_on_over_or_neither(status: str, is_so: set[str]):
    state = REST.fetch_call("AC1", "CA1").outcome(200, json.dumps({"status": status, "duration": None}).encode())

    assert isinstance(state, CallState)
    assert state.in_progress is ("in progress" in is_so)
    assert state.over is ("over" in is_so)


@pytest.mark.parametrize(
    ("duration", "seconds"), [("7", 7), (None, None), ("", None), ("-1", None), ("\N{ARABIC-INDIC DIGIT SEVEN}", None)]
)
def test_a_duration_is_a_number_in_quotes_or_not_known(duration: str | None, seconds: int | None):
    body = json.dumps({"status": "completed", "duration": duration}).encode()

    assert REST.fetch_call("AC1", "CA1").outcome(200, body) == CallState("completed", seconds)


@pytest.mark.parametrize(
    ("end_time", "moment"),
    [
        ("Sun, 22 Nov 2026 10:15:30 +0000", "2026-11-22T10:15:30+00:00"),
        ("Sun, 22 Nov 2026 10:15:30 -0000", "2026-11-22T10:15:30+00:00"),
        (None, None),
        ("", None),
        ("yesterday", None),
        ("Sun, 99 Nov 2026 10:15:30 +0000", None),
    ],
)
def test_the_end_of_a_call_is_a_moment_or_not_known(end_time: str | None, moment: str | None):
    state = REST.fetch_call("AC1", "CA1").outcome(
        200, json.dumps({"status": "completed", "end_time": end_time}).encode()
    )

    assert isinstance(state, CallState)
    assert state.ended_at == (None if moment is None else datetime.fromisoformat(moment))


def test_a_call_that_nobody_knows_or_that_is_not_in_progress_is_over():
    assert REST.fetch_call("AC1", "CA1").outcome(404, problem(20404)) == CallOver(known=False)
    assert start().outcome(404, b"<html>") == CallOver(known=False)
    assert start().outcome(400, problem(21220)) == CallOver(known=True)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_a_service_that_is_busy_or_broken_may_answer_later(status: int):
    with pytest.raises(Unavailable) as raised:
        start().outcome(status, b"")
    assert raised.value.retry_after_s > 0


@pytest.mark.parametrize(
    ("status", "body"), [(401, problem(20003)), (403, b""), (400, problem(31941)), (400, b"<html>"), (302, b"")]
)
def test_what_will_never_do_is_refused_without_twilios_words(status: int, body: bytes):
    with pytest.raises(Refused) as raised:
        start().outcome(status, body)
    assert "ticket" not in str(raised.value)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b'{"sid": 1}', b'{"sid": "MZ1"', b'{"sid": "\xff"}'])
def test_a_success_that_makes_no_sense_is_malformed(body: bytes):
    with pytest.raises(MalformedMessage):
        start().outcome(201, body)


@pytest.mark.parametrize(
    ("tracks", "asked"),
    [
        (["inbound"], "inbound_track"),
        (["outbound", "outbound"], "outbound_track"),
        (["outbound", "inbound"], "both_tracks"),
        ([], "both_tracks"),
    ],
)
def test_a_stream_is_asked_for_with_the_tracks_that_are_wanted(tracks: list[str], asked: str):
    assert carrying(tracks) == asked
