"""A mistake in the settings costs as little as possible, and never the phone call of another number."""

from __future__ import annotations

import json

import pytest

from callscribe.errors import Refused
from callscribe.settings import Then
from functions.found import DEFAULT, find

OURS, OTHER = "+12025550188", "+12025550199"
REDIRECT = {"then": {"redirect": "https://app.example.test/voice"}, "tenant": "acme"}
SAY = {"then": {"say": "hello"}}


def document(*, default=SAY, **more) -> str:
    return json.dumps({"default": default, **more})


def test_a_number_gets_its_own_settings():
    found = find(document(numbers={OURS: REDIRECT}), OURS)

    assert (found.settings.tenant, found.settings.then.redirect) == ("acme", "https://app.example.test/voice")
    assert (found.transcribed, found.fault) == (True, None)


@pytest.mark.parametrize("text", ["", "  ", "{}"])
def test_without_settings_the_default_holds(text):
    assert find(text, OURS).settings == DEFAULT
    assert find(text, OURS).transcribed


@pytest.mark.parametrize(
    "text",
    [
        document(numbers={OURS: REDIRECT, OTHER: {"then": {}}}),
        document(numbers={OURS: REDIRECT, OTHER: 5}),
        document(numbers={OURS: REDIRECT}, default={"then": 1}),
        json.dumps({"numbers": {OURS: REDIRECT}}),
        document(numbers={OURS: REDIRECT}, misspelt=1),
    ],
)
def test_a_mistake_elsewhere_costs_this_number_nothing_and_is_told(text):
    found = find(text, OURS)

    assert found.settings.tenant == "acme"
    assert found.transcribed
    assert found.fault


def test_a_number_with_a_mistake_keeps_what_its_calls_do_and_is_not_transcribed():
    found = find(document(numbers={OURS: {**REDIRECT, "trakcs": "both_tracks"}}), OURS)

    assert found.settings.then == Then(redirect="https://app.example.test/voice")
    assert found.settings.tenant == "acme"
    assert not found.transcribed
    assert "trakcs" in (found.fault or "")


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        '{"numbers": []}',
        document(numbers={OURS: {"tenant": "acme"}}),
        document(numbers={OURS: {"then": {"say": "a", "dial": "b"}}}),
        document(numbers={OURS: {**REDIRECT, "tenant": 5}}),
        document(numbers={OURS: "redirect"}),
        document(default={}),
        json.dumps({"numbers": {OTHER: REDIRECT}}),
    ],
)
def test_settings_that_do_not_even_tell_what_the_call_does_are_refused(text):
    with pytest.raises(Refused, match="settings"):
        find(text, OURS)
