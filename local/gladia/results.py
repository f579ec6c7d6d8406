"""The result of a session: what its finals come to.

Source: Gladia, OpenAPI document, `StreamingResponse` and `TranscriptionResult`.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from local.gladia.messages import Utterance
from local.gladia.request import InitRequest

NO_MODEL = "not available: the emulated Gladia has no model for it"


def transcription(finals: Iterable[Utterance]) -> dict[str, Any]:
    """Return all that was said, in the order of speech."""
    ordered = sorted(finals, key=lambda final: (final.start, final.channel))
    spoken = [final.language for final in ordered]
    return {
        "full_transcript": " ".join(final.text.strip() for final in ordered),
        "languages": sorted(set(spoken), key=spoken.count, reverse=True),
        "utterances": ordered,
    }


def result(
    finals: Sequence[Utterance], *, request: InitRequest, duration_s: float, transcription_s: float
) -> dict[str, Any]:
    """Return the whole result but for its list of messages; every add-on asked for is there, failed."""
    body: dict[str, Any] = {
        "metadata": {
            "audio_duration": round(duration_s, 3),
            "number_of_distinct_channels": request.channels,
            "billing_time": round(duration_s * request.channels, 3),
            "transcription_time": round(transcription_s, 3),
        },
        "transcription": transcription(finals),
    }
    for name in live_add_ons(request):
        body[name] = failed("" if name == "sentiment_analysis" else None)
    if request.post_processing.summarization:
        body["summarization"] = failed(None)
    return body


def live_add_ons(request: InitRequest) -> list[str]:
    """Return the add-ons asked for that report on each final, by their message type."""
    asked = request.realtime_processing
    return [name for name in ("translation", "named_entity_recognition", "sentiment_analysis") if getattr(asked, name)]


def failed(results: str | None) -> dict[str, Any]:
    """Return an add-on's result that says it has none; `sentiment_analysis.results` is a string even then."""
    return {
        "success": False,
        "is_empty": True,
        "exec_time": 0,
        "error": {"status_code": 501, "exception": "NotAvailable", "message": NO_MODEL},
        "results": results,
    }
