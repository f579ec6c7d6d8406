"""The document of the WebSocket's protocol is that of the code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError

from callscribe.asyncapi import FROM_CLIENTS, TO_CLIENTS, asyncapi, text
from callscribe.entries import KINDS, CallEnded, Dtmf, Entry
from callscribe.messages import (
    ErrorMessage,
    Message,
    PartialMessage,
    Ping,
    PongMessage,
    Replay,
    ReplayedMessage,
    Subscribe,
    Unsubscribe,
    WatchingMessage,
    as_json,
    call_message_of,
    decode_action,
    encode_action,
    message_of,
)
from infra.push_api import ROUTES

DOCUMENT = asyncapi()
PRESSED = Entry("CA1", 7, "2026-11-22T09:15:02.417Z", "acme", Dtmf(leg="a", digit="5", at_ms=1200))
ENDED = Entry("CA1", 8, "2026-11-22T09:15:02.417Z", "acme", CallEnded(reason="completed", duration_ms=1))


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]})


def test_the_document_is_written_as_the_code_is():
    path = Path(__file__).parents[2] / "docs/asyncapi.json"

    assert path.read_text(encoding="utf-8") == text(), "run: python -m callscribe.asyncapi > docs/asyncapi.json"


def test_every_message_of_the_code_is_in_it():
    assert {each.__name__ for each in TO_CLIENTS} == {each.__name__ for each in Message.__args__}
    routes = {each.__struct_config__.tag for each in FROM_CLIENTS}
    assert routes == {route for route in ROUTES if not route.startswith("$")}
    assert set(DOCUMENT["channels"]["connection"]["messages"]) == {each.__name__ for each in FROM_CLIENTS + TO_CLIENTS}


def test_every_reference_leads_somewhere():
    def references(value) -> list[str]:
        if isinstance(value, dict):
            here = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return here + [each for inner in value.values() for each in references(inner)]
        return [each for inner in value for each in references(inner)] if isinstance(value, list) else []

    for reference in references(DOCUMENT):
        found = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


@pytest.mark.parametrize(
    "message",
    [
        message_of(PRESSED),
        call_message_of(ENDED),
        PartialMessage(call_id="CA1", leg="a", party="caller", id="G1/0", text="ye", start_ms=0, end_ms=9, after=3),
        ReplayedMessage(call_id="CA1", through=3),
        ReplayedMessage(call_id="CA1", through=3, more=True),
        WatchingMessage(tenant="acme"),
        PongMessage(),
        ErrorMessage(code="forbidden", message="no", field="call_id", call_id="CA1"),
    ],
    ids=lambda message: type(message).__name__,
)
def test_what_is_sent_is_as_the_document_says(message):
    validator(type(message).__name__).validate(as_json(message))


@pytest.mark.parametrize(
    "action", [Subscribe("CA1", 7), Subscribe(tenant=True), Replay("CA1", 7), Unsubscribe("CA1"), Ping()]
)
def test_what_clients_send_is_as_the_document_says(action):
    validator(type(action).__name__).validate(json.loads(encode_action(action)))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Subscribe", '{"action":"subscribe"}'),
        ("Subscribe", '{"action":"subscribe","call_id":"CA1","tenant":true}'),
        ("Subscribe", '{"action":"subscribe","call_id":""}'),
        ("Replay", '{"action":"replay","call_id":"CA1","after":-1}'),
    ],
)
def test_what_the_document_forbids_the_code_refuses(name, text):
    with pytest.raises(ValidationError):
        validator(name).validate(json.loads(text))
    with pytest.raises(Exception, match=r"."):
        decode_action(text)


def test_a_body_that_is_not_of_its_kind_is_no_entry():
    with pytest.raises(ValidationError):
        validator("EntryMessage").validate(as_json(message_of(PRESSED)) | {"body": {"digit": 5}})
    assert len(DOCUMENT["components"]["schemas"]["EntryMessage"]["allOf"]) == len(KINDS)
