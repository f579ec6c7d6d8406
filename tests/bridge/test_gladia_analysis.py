"""Messages of Gladia's add-ons, and the entries that they become."""

from __future__ import annotations

import json

import pytest

from bridge import gladia
from bridge.gladia_analysis import AddOnFailed, EntitiesHeard, SentimentsHeard, entry
from callscribe.after_call import Entities, EntityFound, Sentiment, SentimentFound
from callscribe.errors import MalformedMessage
from callscribe.reconciliation import Place

PLACE = Place("G1", ("MZ1/inbound", "MZ1/outbound"), begin_ms=2000)
SPOKEN = {"text": " This is Maya.", "start": 3.1, "end": 4.0, "confidence": 0.9, "channel": 1, "language": "en"}
MAYA = {"entity_type": "NAME_GIVEN", "text": "Maya", "start": 3.6, "end": 4.0}
GLAD = {"sentiment": "positive", "emotion": "relief", "text": "This is Maya.", "start": 3.1, "end": 4.0, "channel": 1}


def message(kind: str, *results: object, error: object = None, **changed: object) -> bytes:
    data = {"utterance_id": "01_00000001", "utterance": {**SPOKEN, "words": []}, "results": results, **changed}
    return json.dumps(
        {"type": kind, "session_id": "G1", "created_at": "…", "error": error, "data": None if error else data}
    ).encode()


def test_entities_are_those_of_the_final_on_the_call_s_clock():
    heard = gladia.decode(message("named_entity_recognition", MAYA))

    assert isinstance(heard, EntitiesHeard)
    assert entry(heard, PLACE) == Entities(
        utterance="G1/01_00000001",
        entities=(EntityFound(type="NAME_GIVEN", text="Maya", start_ms=5600, end_ms=6000),),
    )


def test_sentiments_are_those_of_its_parts():
    heard = gladia.decode(message("sentiment_analysis", GLAD, {**GLAD, "sentiment": "neutral", "emotion": "neutral"}))

    assert isinstance(heard, SentimentsHeard)
    found = entry(heard, PLACE)
    assert isinstance(found, Sentiment)
    assert found.sentiments[0] == SentimentFound(
        sentiment="positive", emotion="relief", text="This is Maya.", start_ms=5100, end_ms=6000
    )
    assert [each.sentiment for each in found.sentiments] == ["positive", "neutral"]


def test_what_another_session_hears_is_its_own_to_tell():
    later = {**MAYA, "text": "Lopez", "start": 4.1, "end": 4.5}
    heard = gladia.decode(message("named_entity_recognition", MAYA, later))

    assert isinstance(heard, EntitiesHeard)
    found = entry(heard, PLACE, until_ms=6100)
    assert isinstance(found, Entities)
    assert [each.text for each in found.entities] == ["Maya"]
    assert entry(heard, PLACE, until_ms=5000) is None


@pytest.mark.parametrize("kind", ["named_entity_recognition", "sentiment_analysis"])
def test_an_add_on_that_finds_nothing_has_no_entry(kind):
    heard = gladia.decode(message(kind))

    assert isinstance(heard, EntitiesHeard | SentimentsHeard)
    assert entry(heard, PLACE) is None


@pytest.mark.parametrize("kind", ["named_entity_recognition", "sentiment_analysis"])
@pytest.mark.parametrize("error", [{"message": "model unavailable"}, "busy", {}])
def test_an_add_on_may_fail(kind, error):
    raw = json.dumps({"type": kind, "error": error, "data": None})

    assert gladia.decode(raw) == AddOnFailed(kind)


@pytest.mark.parametrize(
    "changed",
    [
        {"utterance_id": 7},
        {"utterance": None},
        {"utterance": {"end": -1}},
        {"results": "none"},
        {"results": [{**MAYA, "start": 1e300}]},
        {"results": [{"text": "Maya"}]},
    ],
)
def test_what_is_not_of_the_add_on_s_shape_is_malformed(changed):
    with pytest.raises(MalformedMessage):
        gladia.decode(message("named_entity_recognition", **changed))
