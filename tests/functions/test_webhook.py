"""Twilio's forms as the HTTP API hands them over."""

from __future__ import annotations

import base64

import pytest

from callscribe.errors import MalformedMessage
from callscribe.twilio_signature import sign
from functions.voice.webhook import CallForm, StatusForm, StreamForm, receive

URL = "https://voice.example.test/prod"
KEY = "example-token-not-a-secret"
CALL = [("CallSid", "CA1"), ("AccountSid", "AC1"), ("From", "+12025550123"), ("To", "+12025550188")]


def take(webhook, pairs, **more):
    return receive(webhook("/twilio/voice", pairs) | more, public_url=URL, path="/twilio/voice")


def test_a_form_is_read_from_its_base64_with_its_blank_values(webhook):
    form = take(webhook, [*CALL, ("CallerName", ""), ("FromCity", "São Paulo & more=x")])

    assert form.pairs == (*CALL, ("CallerName", ""), ("FromCity", "São Paulo & more=x"))


def test_a_form_that_was_not_encoded_is_read_as_it_is(webhook):
    assert take(webhook, CALL, body="CallSid=CA1&From=%2B1", isBase64Encoded=False).pairs == (
        ("CallSid", "CA1"),
        ("From", "+1"),
    )


def test_the_signature_is_over_our_own_url_whatever_the_request_says_of_its_host(webhook):
    request = webhook("/twilio/voice", CALL)
    request["headers"] |= {
        "host": "elsewhere.test",
        "x-forwarded-host": "elsewhere.test",
        "x-twilio-signature": sign(f"{URL}/twilio/voice", CALL, KEY),
    }

    assert receive(request, public_url=URL, path="/twilio/voice").is_signed([KEY])


def test_the_query_is_signed_as_it_came(webhook):
    request = webhook("/twilio/voice", CALL)
    request["rawQueryString"] = "tenant=7&a=%20"
    request["headers"]["x-twilio-signature"] = sign(f"{URL}/twilio/voice?tenant=7&a=%20", CALL, KEY)

    assert receive(request, public_url=URL, path="/twilio/voice").is_signed([KEY])
    assert not receive(request | {"rawQueryString": ""}, public_url=URL, path="/twilio/voice").is_signed([KEY])


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "", "multipart/form-data; boundary=x"])
def test_what_is_no_form_is_of_the_wrong_type(webhook, content_type):
    request = webhook("/twilio/voice", CALL)
    request["headers"]["content-type"] = content_type

    with pytest.raises(MalformedMessage) as refused:
        receive(request, public_url=URL, path="/twilio/voice")
    assert refused.value.kind == "content type"


@pytest.mark.parametrize("body", ["no base64!", "YQ", base64.b64encode(b"\xff\xfe=1").decode()])
def test_a_body_that_cannot_be_read_is_malformed(webhook, body):
    with pytest.raises(MalformedMessage) as refused:
        take(webhook, CALL, body=body)
    assert refused.value.kind == "form"


def test_a_request_without_body_or_headers_is_no_form():
    with pytest.raises(MalformedMessage):
        receive({}, public_url=URL, path="/twilio/voice")


@pytest.mark.parametrize(
    "pairs", [[], CALL[:1], CALL[1:], [("CallSid", ""), *CALL[1:]], [("CallSid", "C" * 300), *CALL[1:]]]
)
def test_a_form_without_its_call_or_account_is_malformed(webhook, pairs):
    with pytest.raises(MalformedMessage):
        take(webhook, pairs).read(CallForm)


def test_a_form_is_known_by_its_fields_and_what_twilio_adds_is_ignored(webhook):
    form = take(webhook, [*CALL, ("SomethingNew", "1"), ("Direction", "outbound-api")]).read(CallForm)

    assert (form.call_id, form.account, form.direction) == ("CA1", "AC1", "outbound-api")
    with pytest.raises(MalformedMessage):
        take(webhook, CALL).read(StatusForm)
    with pytest.raises(MalformedMessage):
        take(webhook, CALL).read(StreamForm)


@pytest.mark.parametrize(
    ("direction", "number"),
    [("inbound", "+12025550188"), ("outbound-api", "+12025550123"), ("outbound-dial", "+12025550123")],
)
def test_our_own_number_is_the_one_called_or_the_one_that_calls(webhook, direction, number):
    assert take(webhook, [*CALL, ("Direction", direction)]).read(CallForm).own_number == number


def test_what_else_is_known_of_the_call_is_kept_under_its_name(webhook):
    more = {"ForwardedFrom": "+1", "CallerName": "", "SipHeader_X-Ticket": "42", "SipHeader_Via": "no", "FromZip": "1"}
    form = take(webhook, [*CALL, *more.items()])

    assert form.metadata == {"ForwardedFrom": "+1", "SipHeader_X-Ticket": "42"}
