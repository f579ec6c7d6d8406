"""What Gladia's add-ons find in a final, as a session tells it, and the entries that it becomes.

Source: Gladia's OpenAPI document, `NamedEntityRecognitionMessage`, `SentimentAnalysisMessage`. Times are seconds since
the session's audio began.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec
from msgspec import Raw, Struct

from callscribe.after_call import Entities, EntityFound, Sentiment, SentimentFound
from callscribe.gladia_transcript import Seconds
from callscribe.reconciliation import Place


class _Entity(Struct, frozen=True):
    entity_type: str
    text: str
    start: Seconds
    end: Seconds


class _Sentiment(Struct, frozen=True):
    sentiment: str
    emotion: str
    text: str
    start: Seconds
    end: Seconds


class _Utterance(Struct, frozen=True):
    end: Seconds


class EntitiesHeard(Struct, frozen=True):
    """Names, numbers, dates … in the final that has this id."""

    utterance_id: str
    utterance: _Utterance
    results: tuple[_Entity, ...]


class SentimentsHeard(Struct, frozen=True):
    """How the final that has this id sounds, part by part."""

    utterance_id: str
    utterance: _Utterance
    results: tuple[_Sentiment, ...]


class AddOnFailed(Struct, frozen=True):
    """An add-on has nothing to say of a final, as something is wrong."""

    type: str


Analysis: TypeAlias = EntitiesHeard | SentimentsHeard

_DECODERS: dict[str, msgspec.json.Decoder[EntitiesHeard] | msgspec.json.Decoder[SentimentsHeard]] = {
    "named_entity_recognition": msgspec.json.Decoder(EntitiesHeard),
    "sentiment_analysis": msgspec.json.Decoder(SentimentsHeard),
}
TYPES = frozenset(_DECODERS)


def decode(message_type: str, data: Raw, *, is_error: bool) -> Analysis | AddOnFailed:
    """Return what a message of one of `TYPES` says. Raises what msgspec does for data of another shape."""
    return AddOnFailed(message_type) if is_error else _DECODERS[message_type].decode(data)


def entry(analysis: Analysis, place: Place, *, until_ms: int | None = None) -> Entities | Sentiment | None:
    """Return the entry that `analysis` becomes, with what was said before `until_ms`; None if nothing is left."""
    utterance = place.id_of(analysis.utterance_id)
    entities: list[EntityFound] = []
    sentiments: list[SentimentFound] = []
    for each in analysis.results:
        start_ms, end_ms = place.ms(each.start), place.ms(each.end)
        if until_ms is not None and (start_ms + end_ms) // 2 >= until_ms:
            continue
        match each:
            case _Entity(entity_type=kind, text=text):
                entities.append(EntityFound(type=kind, text=text, start_ms=start_ms, end_ms=end_ms))
            case _Sentiment(sentiment=sentiment, emotion=emotion, text=text):
                sentiments.append(
                    SentimentFound(sentiment=sentiment, emotion=emotion, text=text, start_ms=start_ms, end_ms=end_ms)
                )
    if entities:
        return Entities(utterance=utterance, entities=tuple(entities))
    return Sentiment(utterance=utterance, sentiments=tuple(sentiments)) if sentiments else None
