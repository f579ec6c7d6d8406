"""The TwiML: a stream that is started, then what the settings say, whatever they say."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callscribe.settings import Then
from functions.voice.twiml import Stream, answer

STREAM = Stream(
    url="wss://d111111abcdef8.cloudfront.net/twilio/abc.def",
    track="both_tracks",
    status_callback="https://voice.example.test/twilio/stream",
)


def test_a_redirected_call_reads_so():
    assert answer(Then(redirect="https://app.example.test/voice?a=1&b=2"), STREAM) == (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<Response><Start><Stream url="wss://d111111abcdef8.cloudfront.net/twilio/abc.def" name="callscribe"'
        ' track="both_tracks" statusCallback="https://voice.example.test/twilio/stream" /></Start>'
        '<Redirect method="POST">https://app.example.test/voice?a=1&amp;b=2</Redirect></Response>'
    )


@pytest.mark.parametrize(
    ("then", "verb"),
    [
        (Then(redirect="https://app.example.test/voice"), "Redirect"),
        (Then(dial="+12025550188"), "Dial"),
        (Then(say="Hello"), "Say"),
    ],
)
def test_every_call_goes_on_after_its_stream_is_started(then, verb):
    assert [each.tag for each in ET.fromstring(answer(then, STREAM))] == ["Start", verb]
    assert [each.tag for each in ET.fromstring(answer(then, None))] == [verb]


def test_a_dialled_number_is_a_number():
    assert ET.fromstring(answer(Then(dial="+12025550188"), None)).findtext("Dial/Number") == "+12025550188"


@given(
    st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Z"])),
    st.sampled_from(["redirect", "dial", "say"]),
)
def test_any_text_is_escaped_so_that_it_reads_as_it_was_written(text, verb):
    document = ET.fromstring(answer(Then(**{verb: text}), STREAM))

    assert "".join(document[1].itertext()) == text


@given(st.text())
def test_what_xml_cannot_hold_does_not_spoil_the_answer(text):
    said = ET.fromstring(answer(Then(say=text), STREAM)).findtext("Say") or ""

    assert "\0" not in said
    kept = [letter for letter in text if letter.isalnum()]
    assert [letter for letter in said if letter.isalnum()] == kept
