"""Entries as events of a bus, by EventBridge's own limits."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callscribe.bus import MOST_BYTES, MOST_EVENTS, SOURCE, event, failed, requests, schemas, size, text
from callscribe.entries import KINDS, CallEnded, Dtmf, Entry, Other, Utterance

AT = "2026-11-22T09:15:02.417Z"


def entry(body, seq: int = 7) -> Entry:
    return Entry("CA1", seq, AT, "acme", body)


def test_an_entry_is_an_event_of_its_kind():
    made = event(entry(Dtmf(leg="a", digit="1", at_ms=9)), "bus")

    assert (made["EventBusName"], made["Source"], made["DetailType"]) == ("bus", SOURCE, "dtmf")
    assert json.loads(made["Detail"]) == {
        "call_id": "CA1", "seq": 7, "kind": "dtmf", "at": AT, "tenant": "acme",
        "body": {"leg": "a", "digit": "1", "at_ms": 9},
    }  # fmt: skip


def test_one_that_is_too_long_for_the_bus_is_told_without_its_body():
    made = event(entry(Other(kind="note", fields={"text": "é" * MOST_BYTES})), "bus")

    assert size(made) < 1000
    assert json.loads(made["Detail"])["body"] is None
    assert size(event(entry(Other(kind="note", fields={"text": "x" * (MOST_BYTES - 1000)})), "bus")) > MOST_BYTES - 1000


@given(st.lists(st.integers(0, MOST_BYTES + 1000), max_size=40))
def test_requests_hold_all_events_in_order_and_keep_to_their_limits(lengths):
    events = [
        (place, event(entry(Other(kind="note", fields={"a": "x" * length})), "bus"))
        for place, length in enumerate(lengths)
    ]

    made = list(requests(events))

    assert [place for request in made for place, _ in request] == list(range(len(lengths)))
    for request in made:
        assert 0 < len(request) <= MOST_EVENTS
        assert sum(size(each) for _, each in request) <= MOST_BYTES


def test_what_the_bus_did_not_take_is_known_by_its_place():
    taken, not_taken = {"EventId": "1"}, {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow"}

    assert failed([taken, not_taken, taken, not_taken]) == [1, 3]


@pytest.mark.parametrize(
    "body",
    [
        Dtmf(leg="a", digit="1", at_ms=9),
        CallEnded(reason="completed", duration_ms=1),
        Utterance(leg="a", id="G1/0", text="yes", start_ms=0, end_ms=9, language="en", confidence=0.9, words=()),
    ],
)
def test_an_event_is_as_its_schema_says(body):
    made = event(entry(body), "bus")
    document = {"source": made["Source"], "detail-type": made["DetailType"], "detail": json.loads(made["Detail"])}
    schema = schemas()

    kind = made["DetailType"]
    root = schema | {"$ref": f"#/components/schemas/callscribe@{kind}"}
    jsonschema.validate(document, root)
    document["detail"]["seq"] = "seven"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, root)


def test_every_kind_has_a_schema_and_the_document_is_that_of_the_code():
    assert {f"callscribe@{kind}" for kind in KINDS} <= set(schemas()["components"]["schemas"])
    assert (Path(__file__).parents[2] / "docs" / "events.json").read_text(encoding="utf-8") == text()
