"""What is told beside the audio, by the operator or the carrier, kept as texts and within limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.dialects.json_text import decoded_object
from callscribe.errors import MalformedMessage

# So many values are kept, each so long.
MOST_PARAMETERS, LONGEST = 50, 500


def parameters_of(told: Mapping[str, Any]) -> dict[str, str]:
    """Return what is told as texts, as far as it is texts, numbers and truths; what is nested or too long is left."""
    plain = {
        name: value if isinstance(value, str) else str(value)
        for name, value in told.items()
        if isinstance(value, str | int | float)
    }
    short = {name: value for name, value in plain.items() if len(name) <= LONGEST and len(value) <= LONGEST}
    return dict(list(short.items())[:MOST_PARAMETERS])


def parameters_in(text: bytes) -> dict[str, str]:
    """Return those of the object in `text`; none of a text that is something else, as operators may write anything."""
    try:
        return parameters_of(decoded_object(text, dialect="parameters"))
    except MalformedMessage:
        return {}
