"""Whatever is posted, said or streamed to a function: an answer or its own error, and the next good one is served."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callscribe.calls_list import Place
from callscribe.errors import MalformedMessage, Refused
from callscribe.messages import ErrorMessage, PongMessage, frames
from callscribe.subscriptions import Subscriptions
from callscribe.tickets import Ticket, push_ticket, sign
from callscribe.twilio_signature import sign as sign_form
from functions.authorize.decision import decide
from functions.calls.identity import identify
from functions.calls.problems import Problem
from functions.calls.questions import (
    CallsQuestion,
    LogQuestion,
    StreamQuestion,
    TicketQuestion,
    TranscriptQuestion,
    of_body,
    of_query,
)
from functions.found import find
from functions.scope import of_context, to_context
from functions.secrets import auth_tokens, signing_keys
from functions.stream_records import read
from functions.subscribe.conversation import Client, Conversation
from functions.voice.webhook import CallForm, StatusForm, StreamForm, receive
from tests.mutation import mutated, mutated_json, mutated_value

NOW_S = 1_795_000_000
DATA = Path(__file__).parents[1] / "data"
URL = "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com"
TOKEN = "example-token-not-a-secret"
CALL = {
    "AccountSid": "AC1", "CallSid": "CA1", "CallStatus": "ringing", "Direction": "inbound", "From": "+12025550123",
    "To": "+12025550188", "SipHeader_X-Room": "7",
}  # fmt: skip
OVER = CALL | {"CallStatus": "completed", "CallDuration": "7", "SequenceNumber": "2"}
STREAM = {"AccountSid": "AC1", "CallSid": "CA1", "StreamSid": "MZ1", "StreamEvent": "stream-error", "StreamError": "no"}
FORMS = [list(form.items()) for form in (CALL, OVER, STREAM)]
AWKWARD = st.sampled_from(
    ["", "\x00", "9" * 5000, "A" * 3000, "é", "\ud800", "<&>", "-1", "1e9", "\n", "٣", "CA1/../", "🤝"]
)


def encoded(pairs) -> bytes:
    return "&".join(
        f"{quote_plus(name, errors='surrogatepass')}={quote_plus(value, errors='surrogatepass')}"
        for name, value in pairs
    ).encode()


@st.composite
def forms(draw):
    """Pairs near a good form: some gone, some awkward, some twice."""
    pairs = []
    for name, value in draw(st.sampled_from(FORMS)):
        match draw(st.sampled_from(("keep", "keep", "keep", "drop", "awkward", "repeat"))):
            case "keep":
                pairs.append((name, value))
            case "awkward":
                pairs.append((name, draw(AWKWARD)))
            case "repeat":
                pairs += [(name, draw(AWKWARD)), (name, value)]
    return pairs


def request(body: bytes, signature: str = "") -> dict:
    event = json.loads((DATA / "http_api_webhook.json").read_text())
    event["body"] = base64.b64encode(body).decode()
    event["headers"]["x-twilio-signature"] = signature
    return event


@given(
    mutated([encoded(pairs) for pairs in FORMS]) | forms().map(encoded),
    st.sampled_from([CallForm, StatusForm, StreamForm]),
)
def test_a_body_is_a_form_or_malformed(body, shape):
    with contextlib.suppress(MalformedMessage):
        webhook = receive(request(body), public_url=URL, path="/twilio/voice")
        assert webhook.is_signed([TOKEN]) is False
        assert all(isinstance(value, str) for value in webhook.metadata.values())
        form = webhook.read(shape)
        assert 0 < len(form.call_id) <= 256


@given(
    mutated([base64.b64encode(encoded(FORMS[0]))]),
    st.booleans(),
    mutated([b"application/x-www-form-urlencoded; charset=UTF-8"]),
    mutated([b"a=1&b=%20"]),
)
def test_a_request_is_a_webhook_or_malformed(body, is_encoded, content_type, query):
    event = request(b"") | {"body": body.decode("utf-8", "replace"), "isBase64Encoded": is_encoded}
    event["rawQueryString"] = query.decode("utf-8", "replace")
    event["headers"]["content-type"] = content_type.decode("utf-8", "replace")
    with contextlib.suppress(MalformedMessage):
        receive(event, public_url=URL, path="/twilio/voice")


@pytest.fixture
def voice(aws, start, context):
    aws.set_settings(json.dumps({"default": {"then": {"say": "This call is transcribed."}, "tenant": "acme"}}))
    handler = start("voice")
    return lambda event: handler(event, context)


@settings(
    max_examples=max(30, settings().max_examples // 20), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(forms(), st.sampled_from(["/twilio/voice", "/twilio/status", "/twilio/stream"]), st.booleans())
def test_a_webhook_that_twilio_could_have_signed_is_answered(voice, pairs, path, is_signed):
    # As a server reads it: what is no UTF-8 has become something else before it is signed over.
    decoded = [(name, value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")) for name, value in pairs]
    event = request(encoded(decoded), sign_form(f"{URL}{path}", decoded, TOKEN) if is_signed else "forged")
    event["routeKey"] = event["requestContext"]["routeKey"] = f"POST {path}"
    event["rawPath"] = event["requestContext"]["http"]["path"] = path

    assert voice(event)["statusCode"] in ({200, 204, 400} if is_signed else {403})


class NoCalls:
    """Tables without an entry in them."""

    def perform(self, steps):
        answer = None
        while True:
            try:
                answer = {"Items": []} if steps.send(answer).method == "query" else {}
            except StopIteration as done:
                return done.value


ACTIONS = [
    {"action": "subscribe", "call_id": "CA1", "after": 7},
    {"action": "replay", "call_id": "CA1"},
    {"action": "unsubscribe", "call_id": "CA1"},
    {"action": "ping"},
]


@given(st.lists(mutated_json(ACTIONS), min_size=1, max_size=3), st.booleans())
def test_a_client_is_answered_whatever_it_says(texts, as_text):
    conversation = Conversation("Calls", Subscriptions("Subscriptions"), NoCalls().perform, lambda: True)
    client = Client("a=", Ticket(use="push", tenant="acme", calls=("CA1",), expires_at=NOW_S + 60))
    for text in texts:
        said = text.decode("utf-8", "surrogateescape") if as_text else text
        for page in conversation.answer(said, client, now_s=NOW_S):
            assert all(isinstance(message.code, str) for message in page if isinstance(message, ErrorMessage))
            assert frames(page)

    assert list(conversation.answer('{"action":"ping"}', client, now_s=NOW_S)) == [[PongMessage()]]


RECORDS = json.loads((DATA / "stream_of_calls.json").read_text())["Records"]


@given(st.lists(mutated_value(RECORDS), max_size=3))
def test_records_are_entries_or_counted_and_the_good_one_after_them_is_read(records):
    batch = read([*records, RECORDS[1]])

    assert batch.malformed <= len(records)
    assert batch.calls["CA1"][-1].position == len(records)


TICKET = push_ticket("acme", ("CA1",), expires_at=int(time.time()) + 10**6)


@given(mutated([sign(TICKET, "key").encode()]))
def test_a_ticket_at_the_door_is_allowed_or_refused_with_a_word_for_it(text):
    said = text.decode("utf-8", "surrogateescape")
    answer, word = decide(said, ("key",), use=lambda _ticket: True, method_arn="arn", now_s=time.time())

    assert word in {"allowed", "malformed", "forged", "expired", "misused"}
    assert (answer["policyDocument"]["Statement"][0]["Effect"] == "Allow") is (word == "allowed")


@given(mutated_value([to_context(TICKET)]))
def test_a_connections_context_is_a_ticket_or_refused(context):
    if isinstance(context, dict):
        with contextlib.suppress(Refused):
            assert isinstance(of_context(context), Ticket)


@given(mutated_json([{"current": "a", "previous": "b"}, {"auth_token": "a", "previous_auth_token": "b"}]))
def test_a_secret_has_a_key_or_is_refused(text):
    for keys in (signing_keys, auth_tokens):
        with contextlib.suppress(Refused):
            assert all(keys(text.decode("utf-8", "replace")))


SETTINGS = {
    "default": {"then": {"say": "Hello."}},
    "numbers": {"+12025550188": {"then": {"dial": "+12025550123"}, "tenant": "acme", "parties": {"outbound": "agent"}}},
}


@given(mutated_json([SETTINGS]))
def test_a_numbers_settings_are_found_or_refused(text):
    with contextlib.suppress(Refused):
        found = find(text.decode("utf-8", "replace"), "+12025550188")
        assert found.settings.then


QUERY = {"status": "ended", "number": "+1", "since": "2026-11-22T00:00:00Z", "limit": "7", "next": "e30", "after": "3"}


@given(st.dictionaries(st.sampled_from([*QUERY, "format"]) | st.text(max_size=8), st.text(max_size=20), max_size=4))
def test_a_query_is_a_question_or_a_problem(query):
    for shape in (CallsQuestion, LogQuestion, TranscriptQuestion):
        for asked in (query, QUERY | query):
            with contextlib.suppress(Problem):
                assert isinstance(of_query(asked, shape), shape)


@given(mutated_json([{"calls": ["CA1"], "seconds": 90}, {"account": "AC" + "0" * 32, "tracks": "both_tracks"}]))
def test_a_body_is_a_question_or_a_problem(text):
    for shape in (TicketQuestion, StreamQuestion):
        with contextlib.suppress(Problem):
            assert isinstance(of_body(text, shape), shape)


@given(mutated([str(Place("2026-11-22T09:15:02.417Z", "CA1")).encode()]))
def test_a_place_in_the_list_is_one_or_malformed(text):
    with contextlib.suppress(MalformedMessage):
        assert isinstance(Place.parse(text.decode("utf-8", "surrogateescape")), Place)


@given(st.dictionaries(st.sampled_from(["authorization", "Authorization", "x"]), st.text(max_size=90), max_size=2))
def test_whoever_asks_is_known_or_unauthorized(headers):
    with contextlib.suppress(Problem):
        assert identify({"headers": headers}, find=lambda _text: None, tenant_claim="tenant").tenant
