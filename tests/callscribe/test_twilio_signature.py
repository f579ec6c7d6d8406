"""Our signatures are Twilio's: their published rule, their library, both ways."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from callscribe.twilio_signature import is_valid, sign, spellings

KEY = "example-token-not-a-secret"
SHA256 = "38fcf3e84b5b92f36e89b27226dcce0644598e4a0c97eebef739ac900dc2c697"
FORM = [
    ("ApiVersion", "2010-04-01"),
    ("CallSid", "CAexample"),
    ("CallStatus", "ringing"),
    ("CallerName", ""),
    ("Direction", "inbound"),
    ("From", "+12025550123"),
    ("To", "+12025550188"),
]


@pytest.mark.parametrize(
    ("url", "pairs", "signature"),
    [
        ("https://voice.example.test/prod/voice?tenant=7", FORM, "gEeUB9q5paLHya5W/RyS412pSuQ="),
        ("wss://stream.example.test/twilio/ws", [], "eLq6l1YtawoqVpTCQ/U7d9kC3K0="),
        ("wss://stream.example.test/twilio/ws/", [], "eFc4hRQ+J07aZBENDp1s6Hd/0l0="),
        (
            "https://voice.example.test/prod/status?CallSid=CAexample&CallStatus=completed",
            [],
            "WNNRy+i9RNoHmYAAPyo8/65sm9Y=",
        ),
        (
            f"https://voice.example.test/prod/events?bodySHA256={SHA256}",
            [],
            "FKZl+vxNGIr/HPFlCLrEQl/rs2Y=",
        ),
        ("https://voice.example.test:8443/voice", FORM, "De+vptS3ERLi/tL+lsQx2VxBwl4="),
        ("https://voice.example.test/voice", FORM, "TKl7/lvptVhT7hfYjmWRGWPPM5U="),
        ("https://voice.example.test:443/voice", FORM, "M+DDFhjOnh8cng7Op+mPyJRYANY="),
        (
            "https://voice.example.test/multi",
            [("CallSid", "CAexample"), ("Digits", "2"), ("Digits", "1"), ("Digits", "2")],
            "+2TTayRvUye6GAIflRtgSZ5+l3w=",
        ),
    ],
)
def test_known_requests_have_their_known_signatures(url, pairs, signature):
    assert sign(url, pairs, KEY) == signature
    assert is_valid(signature, [url], pairs, [KEY])


def test_a_blank_value_that_was_dropped_breaks_the_signature():
    url = "https://voice.example.test/prod/voice?tenant=7"
    without = [pair for pair in FORM if pair[1]]

    assert sign(url, without, KEY) == "jK30848AhH7GPvh62X6LlkRsMY0="
    assert not is_valid("jK30848AhH7GPvh62X6LlkRsMY0=", [url], FORM, [KEY])


names = st.text("ABCDefg_SidTo", min_size=1, max_size=8)
values = st.text(st.characters(codec="utf-8"), max_size=12)
paths = st.text("abcXYZ019-_/", max_size=20)
forms = st.lists(st.tuples(names, values), max_size=12)


class Form(dict):
    """A form as Twilio's library wants one whose names may repeat."""

    def getlist(self, name):
        return self[name]


def as_form(pairs) -> Form:
    return Form({name: [value for other, value in pairs if other == name] for name, _ in pairs})


@given(paths, forms)
def test_twilios_library_accepts_our_signature_of_a_form(path, pairs):
    url = f"https://voice.example.test/{path}"

    assert RequestValidator(KEY).validate(url, as_form(pairs), sign(url, pairs, KEY))


@given(paths, forms)
def test_we_accept_the_signature_of_twilios_library(path, pairs):
    url = f"https://voice.example.test/{path}"
    signature = RequestValidator(KEY).compute_signature(url, as_form(pairs))

    assert is_valid(signature, spellings(url), pairs, ["another", KEY])
    assert not is_valid(signature, spellings(url), pairs, ["another"])


@given(st.dictionaries(names, values, max_size=6))
def test_a_query_is_signed_as_it_is_written(query):
    url = f"https://voice.example.test/voice?{urlencode(query)}"

    assert sign(url, FORM, KEY) == RequestValidator(KEY).compute_signature(url, dict(FORM))


@given(paths)
def test_both_agree_on_the_upgrade_of_a_media_stream(path):
    url = f"wss://stream.example.test/{path}"

    assert RequestValidator(KEY).validate(url, {}, sign(url, (), KEY))
    assert is_valid(RequestValidator(KEY).compute_signature(url, {}), [url], (), [KEY])


def test_the_default_port_may_have_been_signed_or_not():
    plain, with_port = "https://voice.example.test/voice", "https://voice.example.test:443/voice"

    for signed in (plain, with_port):
        assert is_valid(sign(signed, FORM, KEY), spellings(plain), FORM, [KEY])
    assert spellings("https://voice.example.test:8443/voice") == ("https://voice.example.test:8443/voice",)


def test_the_upgrade_of_a_media_stream_may_have_been_signed_as_https():
    assert spellings("wss://stream.example.test/twilio/t") == (
        "wss://stream.example.test/twilio/t",
        "wss://stream.example.test:443/twilio/t",
        "https://stream.example.test/twilio/t",
        "https://stream.example.test:443/twilio/t",
    )


@pytest.mark.parametrize("signature", ["", "no", "é", "\ud800", "gEeUB9q5paLHya5W/RyS412pSuR="])
def test_what_is_no_signature_is_not_valid(signature):
    assert not is_valid(signature, ["https://voice.example.test/prod/voice?tenant=7"], FORM, [KEY])
