"""Hooks: where they may be, and which answers are cards."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callscribe.after_call import Card
from callscribe.errors import MalformedMessage, Refused
from callscribe.hooks import LINK, TEXT, TITLE, Hooks, Said, card, decode_said, new_hook
from callscribe.requests import Conflict
from callscribe.settings import decode_settings

AT = "2026-11-22T09:15:02.417Z"
SAID = Said(
    hook="cards", kind="utterance", call_id="CA1", tenant="acme", leg="a", party="caller", id="u1",
    text="I have lost my card", start_ms=0, end_ms=1, at_ms=0,
)  # fmt: skip


def hook(target: str = "https://assist.example.com/", name: str = "cards", deadline_ms: int = 1500):
    return new_hook("acme", name, target, deadline_ms=deadline_ms, at=AT)


def test_an_address_is_signed_with_a_secret_of_its_own_and_a_function_is_not():
    assert hook().secret.startswith("whsec_")
    assert hook().secret != hook().secret
    assert hook("callscribe-hook-cards").secret == ""
    assert hook("callscribe-hook-cards").is_function


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"name": "Cards"}, "name"),
        ({"name": ""}, "name"),
        ({"deadline_ms": 99}, "deadline"),
        ({"deadline_ms": 10_001}, "deadline"),
        ({"target": "my-function"}, "callscribe-hook-"),
        ({"target": "callscribe-hook-"}, "callscribe-hook-"),
        ({"target": "callscribe-hook-x:1"}, "callscribe-hook-"),
        ({"target": "ftp://assist.example.com/"}, "https://"),
        ({"target": "https://user@assist.example.com/"}, "https://"),
    ],
)
def test_what_is_no_hook_is_refused_with_what_would_be_one(given, why):
    with pytest.raises(Refused, match=why):
        hook(**given)


def test_neither_addresses_nor_secrets_are_shown():
    assert "whsec_" not in repr(hook())
    assert "assist.example.com" not in repr(hook())


def test_a_hook_is_kept_found_replaced_and_forgotten():
    items: dict = {}

    def run(steps):
        answer = None
        while True:
            try:
                request = steps.send(answer)
            except StopIteration as done:
                return done.value
            asked = request.arguments
            if request.method == "put_item":
                items[asked["Item"]["pk"]["S"], asked["Item"]["sk"]["S"]] = asked["Item"]
                answer = {}
            elif request.method == "query":
                answer = {"Items": list(items.values())}
            else:
                place = asked["Key"]["pk"]["S"], asked["Key"]["sk"]["S"]
                found = items.pop(place, None) if request.method == "delete_item" else items.get(place)
                answer = Conflict({}) if found is None and request.method == "delete_item" else {}
                answer = {"Item": found} if found and request.method == "get_item" else answer

    kept = Hooks("Webhooks")
    first, second = hook(), hook("callscribe-hook-cards")
    run(kept.put(first))
    assert run(kept.find("acme", "cards")) == first
    run(kept.put(second))
    assert run(kept.of_tenant("acme")) == [second]
    assert run(kept.find("other", "cards")) is None
    assert run(kept.remove("acme", "cards"))
    assert not run(kept.remove("acme", "cards"))


def test_an_answer_is_a_card_of_the_hook_about_what_was_said():
    answer = {"title": "Lost cards", "text": "Block it first.", "link": "https://kb.example.com/7"}

    assert card(SAID, json.dumps(answer).encode()) == Card(
        hook="cards", utterance="u1", title="Lost cards", text="Block it first.", link="https://kb.example.com/7"
    )
    assert card(SAID, b'{"title": "Lost cards"}').text == ""


@pytest.mark.parametrize("answer", [b"", b" \n", b"null"])
def test_a_hook_may_have_nothing_to_say(answer):
    assert card(SAID, answer) is None


@pytest.mark.parametrize(
    "answer",
    [
        b"ok",
        b"[]",
        b'"Lost cards"',
        b"{}",
        b'{"title": ""}',
        b'{"title": " "}',
        b'{"title": 7}',
        b"\xff",
        json.dumps({"title": "x" * (TITLE + 1)}).encode(),
        json.dumps({"title": "x", "text": "x" * (TEXT + 1)}).encode(),
        json.dumps({"title": "x", "link": "https://x.example.com/" + "x" * LINK}).encode(),
        b'{"title": "x", "link": "http://kb.example.com/"}',
        b'{"title": "x", "link": "javascript:alert(1)"}',
        b'{"title": "x", "link": "https://kb.example.com/ "}',
    ],
)
def test_what_is_no_card_is_refused(answer):
    with pytest.raises(MalformedMessage):
        card(SAID, answer)


@given(st.binary())
def test_fuzz_no_answer_breaks_anything(answer):
    try:
        found = card(SAID, answer)
    except MalformedMessage:
        return
    assert found is None or found.title


def test_what_is_asked_about_is_of_one_shape():
    with pytest.raises(MalformedMessage):
        decode_said(b"{}")


@pytest.mark.parametrize("wrong", [{"name": "cards", "on": "noise"}, {"on": "partial"}, {"name": "cards", "url": "x"}])
def test_a_setting_that_is_none_is_refused_with_its_place(wrong):
    text = json.dumps({"default": {"then": {"say": "hi"}, "hooks": [wrong]}})

    with pytest.raises(Refused, match=r"\$\.default\.hooks\[0\]|\$\.default\.hooks"):
        decode_settings(text)
