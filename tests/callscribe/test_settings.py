"""A team's settings: per number, checked when read, and refused by name of the field."""

from __future__ import annotations

import json

import msgspec
import pytest

from callscribe.errors import Refused
from callscribe.settings import NumberSettings, SecondPass, Then, decode_settings, settings_in_force

SAY = {"then": {"say": "This call is transcribed."}}


def document(**numbers) -> str:
    return json.dumps({"default": SAY, "numbers": {number.replace("n", "+"): each for number, each in numbers.items()}})


def test_a_number_has_its_own_settings_and_any_other_the_default():
    settings = decode_settings(document(n12025550188={"then": {"redirect": "https://app.example.test/voice"}}))

    assert settings.of("+12025550188").then == Then(redirect="https://app.example.test/voice")
    assert settings.of("client:desk").then == Then(say="This call is transcribed.")


def test_both_tracks_are_one_session_unless_said_otherwise():
    settings = decode_settings(document()).default

    assert (settings.tracks, settings.session, settings.tenant) == ("both_tracks", "per_stream", "default")


@pytest.mark.parametrize(
    ("direction", "inbound", "outbound"),
    [
        ("inbound", "caller", "callee"),
        ("outbound-api", "callee", "caller"),
        ("trunking-originating", "caller", "callee"),
    ],
)
def test_who_is_on_which_track_follows_from_the_direction_of_the_call(direction, inbound, outbound):
    settings = decode_settings(document()).default

    assert (settings.party("inbound", direction), settings.party("outbound", direction)) == (inbound, outbound)


def test_a_team_may_name_the_parties():
    settings = decode_settings(document(n1={**SAY, "parties": {"outbound": "agent"}})).of("+1")

    assert (settings.party("inbound", "inbound"), settings.party("outbound", "inbound")) == ("caller", "agent")


@pytest.mark.parametrize(
    ("number", "named"),
    [
        ({"then": {}}, "exactly one of redirect, dial and say"),
        ({"then": {"say": "a", "dial": "+1"}}, "exactly one of redirect, dial and say"),
        ({**SAY, "trakcs": "both_tracks"}, "trakcs"),
        ({**SAY, "tracks": "mixed_track"}, "tracks"),
        ({**SAY, "parties": {"left": "caller"}}, "parties"),
        ({**SAY, "session": 1}, "session"),
        ({}, "then"),
    ],
)
def test_settings_that_are_wrong_are_refused_by_the_name_of_the_field(number, named):
    with pytest.raises(Refused, match=named):
        decode_settings(document(n1=number))


@pytest.mark.parametrize("text", ["", "no", "[]", "{}", '{"default": null}'])
def test_text_that_is_no_document_is_refused(text):
    with pytest.raises(Refused, match="settings"):
        decode_settings(text)


def test_the_settings_in_force_are_read_back_from_the_log():
    settings = decode_settings(document(n1={**SAY, "gladia": {"language_config": {"languages": ["en"]}}})).of("+1")

    assert settings_in_force(msgspec.to_builtins(settings)) == settings
    with pytest.raises(Refused):
        settings_in_force({"then": "redirect"})
    assert isinstance(settings_in_force(SAY), NumberSettings)


def test_a_second_pass_is_only_made_where_it_is_asked_for():
    plain, asked = (decode_settings(json.dumps({"default": SAY | more})).default for more in ({}, {"second_pass": {}}))

    assert plain.second_pass is None
    assert (asked.second_pass.when, asked.second_pass.recording) == ("needed", "ask")


def test_a_recordings_place_is_told_by_its_call():
    place = "https://files.example.test/{call_id}.wav?key=1"

    assert SecondPass(recording=place).place("CA/1") == "https://files.example.test/CA%2F1.wav?key=1"
    assert SecondPass(recording="ask").place("CA1") is None


@pytest.mark.parametrize("odd", ["", "never", "http://files.example.test/{call_id}", "https://files.example.test/all"])
def test_a_recording_from_nowhere_is_refused(odd):
    with pytest.raises(Refused, match="recording"):
        decode_settings(json.dumps({"default": SAY | {"second_pass": {"recording": odd}}}))
