"""The add-ons of the API: what each makes of an utterance or of a whole transcript, and how results are written.

Source: Gladia, OpenAPI document, `NamedEntityRecognition`, `SentimentAnalysis`, `Summarization`, `AddonError`.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from local.gladia.intelligence.entities import Entity, entities
from local.gladia.intelligence.sentiment import Sentiment, sentiments
from local.gladia.messages import Utterance

REALTIME: Final = ("translation", "named_entity_recognition", "sentiment_analysis")
"""Those that a live session reports on each final, by the type of their message."""

WITHOUT_A_MODEL: Final = frozenset({"translation", "audio_to_llm", "sentences"})
NO_MODEL: Final = "not available: the emulated Gladia has no model for it"
ON_DEMAND: Final = "failed, on demand"


def of_utterance(add_on: str, said: Utterance, speaker: int | None = None) -> Sequence[Entity | Sentiment]:
    """Return what an add-on finds in an utterance, which `speaker` said if that is known."""
    return entities(said) if add_on == "named_entity_recognition" else sentiments(said, speaker)


def succeeded(add_on: str, results: Any, *, sentiments_as_list: bool = False) -> dict[str, Any]:
    """Return an add-on's result; that of `sentiment_analysis` is the list as a text of JSON, unless told otherwise."""
    is_empty = not results
    if add_on == "sentiment_analysis" and not sentiments_as_list:
        results = msgspec.json.encode(results).decode()
    return {"success": True, "is_empty": is_empty, "exec_time": 0, "error": None, "results": results}


def failed(add_on: str, why: str = NO_MODEL) -> dict[str, Any]:
    """Return an add-on's result that says it has none; that of `sentiment_analysis` is a text even then."""
    is_refused = why == NO_MODEL
    return {
        "success": False,
        "is_empty": True,
        "exec_time": 0,
        "error": {
            "status_code": 501 if is_refused else 500,
            "exception": "NotAvailable" if is_refused else "AddonError",
            "message": why,
        },
        "results": "" if add_on == "sentiment_analysis" else None,
    }
