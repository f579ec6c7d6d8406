"""The result of a session: what its finals come to.

Source: Gladia, OpenAPI document, `StreamingResponse` and `TranscriptionResult`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from local.gladia.messages import Utterance
from local.gladia.request import InitRequest


def in_order(finals: Iterable[Utterance]) -> list[Utterance]:
    """Return what was said in the order of speech."""
    return sorted(finals, key=lambda final: (final.start, final.channel))


def transcription(finals: Iterable[Utterance]) -> dict[str, Any]:
    """Return all that was said, in the order of speech."""
    ordered = in_order(finals)
    spoken = [final.language for final in ordered]
    return {
        "full_transcript": " ".join(final.text.strip() for final in ordered),
        "languages": sorted(set(spoken), key=spoken.count, reverse=True),
        "utterances": ordered,
    }


def result(
    finals: Sequence[Utterance],
    *,
    request: InitRequest,
    duration_s: float,
    transcription_s: float,
    add_ons: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the whole result but for its list of messages, with those of `add_ons` by their names."""
    return {
        "metadata": {
            "audio_duration": round(duration_s, 3),
            "number_of_distinct_channels": request.channels,
            "billing_time": round(duration_s * request.channels, 3),
            "transcription_time": round(transcription_s, 3),
        },
        "transcription": transcription(finals),
        **add_ons,
    }
