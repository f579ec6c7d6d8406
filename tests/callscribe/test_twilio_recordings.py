"""What is asked of Twilio's recordings, and what the answers mean. Shapes as in its API description."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest

from callscribe.errors import MalformedMessage, Refused, Unavailable
from callscribe.second_pass import RecordingEnded
from callscribe.twilio_recordings import Recording, Recordings, asked_for, recording_ended
from callscribe.twilio_rest import CallOver, TwilioRest

AT = Recordings(TwilioRest("https://api.twilio.com", "example-token"))
BEGAN = datetime(2026, 11, 22, 9, 15, 2, tzinfo=UTC)
COMPLETED = {
    "sid": "RE1", "call_sid": "CA1", "status": "completed", "channels": 2, "duration": "61", "price": None,
    "start_time": "Sun, 22 Nov 2026 09:15:02 +0000", "source": "StartCallRecordingAPI",
}  # fmt: skip


def test_a_call_is_recorded_whole_with_each_party_on_a_channel():
    exchange = AT.start("AC1", "CA1", status_callback="https://voice.example.test/twilio/recording")

    assert exchange.request.url == "https://api.twilio.com/2010-04-01/Accounts/AC1/Calls/CA1/Recordings.json"
    assert exchange.request.headers["Authorization"] == "Basic " + base64.b64encode(b"AC1:example-token").decode()
    assert {name: value[0] for name, value in parse_qs(exchange.request.body.decode()).items()} == {
        "RecordingChannels": "dual",
        "RecordingTrack": "both",
        "Trim": "do-not-trim",
        "RecordingStatusCallback": "https://voice.example.test/twilio/recording",
        "RecordingStatusCallbackEvent": "completed absent",
    }
    answer = json.dumps({"sid": "RE1", "status": "in-progress", "channels": 2, "duration": None}).encode()
    assert exchange.outcome(201, answer).sid == "RE1"
    assert exchange.outcome(400, b'{"code": 21220}') == CallOver(known=True)


def test_a_recordings_end_is_an_entry_of_the_log():
    found = AT.fetch("AC1", "RE1").outcome(200, json.dumps(COMPLETED).encode())

    assert found == Recording("RE1", "completed", 2, 61, BEGAN, "StartCallRecordingAPI")
    assert found.ended == RecordingEnded(
        recording="RE1", status="completed", channels=2, duration_ms=61_000, started_at="2026-11-22T09:15:02.000Z"
    )


@pytest.mark.parametrize("status", ["absent", "failed", "deleted"])
def test_of_some_there_is_nothing_and_never_will_be(status):
    assert recording_ended("RE1", status, "2", "0", None) == RecordingEnded(recording="RE1", status="absent")


@pytest.mark.parametrize("status", ["in-progress", "paused", "stopped", "processing", "what is that"])
def test_of_others_nothing_can_be_said_yet(status):
    assert recording_ended("RE1", status, "2", "0", None) is None


@pytest.mark.parametrize("odd", ["", "-1", "1.5", "²", "9" * 12])
def test_a_length_that_is_no_number_is_not_known(odd):
    ended = recording_ended("RE1", "completed", odd, odd, None)

    assert (ended.channels, ended.duration_ms, ended.started_at) == (1, 0, "")


def test_the_recording_that_was_asked_for_is_told_from_others():
    answer = {"recordings": [COMPLETED | {"sid": "RE3"}, COMPLETED, COMPLETED | {"sid": "RE2", "source": "DialVerb"}]}
    found = AT.of_call("AC1", "CA1").outcome(200, json.dumps(answer).encode())

    assert asked_for(found).sid == "RE1"  # the list has the newest first
    assert asked_for(AT.of_call("AC1", "CA1").outcome(404, b"")) is None


def test_two_channels_are_asked_of_a_recording_that_has_them():
    assert AT.audio("AC1", "RE1", channels=2).url.endswith("/Accounts/AC1/Recordings/RE1.wav?RequestedChannels=2")
    assert AT.audio("AC1", "RE1", channels=1).url.endswith("/Accounts/AC1/Recordings/RE1.wav")


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (503, b"", Unavailable),
        (401, b"{}", Refused),
        (200, b"<html>", MalformedMessage),
        (200, b"{}", MalformedMessage),
    ],
)
def test_an_answer_that_helps_nobody_is_an_error(status, body, error):
    for exchange in (AT.fetch("AC1", "RE1"), AT.of_call("AC1", "CA1")):
        with pytest.raises(error):
            exchange.outcome(status, body)


def test_without_an_address_there_is_nothing_to_ask():
    with pytest.raises(Unavailable):
        Recordings(TwilioRest("", "token")).fetch("AC1", "RE1")
