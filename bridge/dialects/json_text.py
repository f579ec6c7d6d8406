"""Messages in JSON: the one account of what is no message."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from callscribe.decoding import NO_MESSAGE
from callscribe.errors import MalformedMessage

T = TypeVar("T")
_BAD_BASE64 = "Invalid base64"  # as the decoder's message begins
_any_object = msgspec.json.Decoder(dict[str, Any])


def decoded(decoder: msgspec.json.Decoder[T], text: bytes, *, dialect: str) -> T:
    """Return the message in `text`; its fields of bytes are base64 there, as strict as RFC 4648 is.

    Raises MalformedMessage of kind `json`, `shape` or `base64`.
    """
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        kind = "base64" if str(error).startswith(_BAD_BASE64) else "shape"
        raise MalformedMessage(f"{dialect}: {error}", kind=kind) from error
    except NO_MESSAGE as error:
        raise MalformedMessage(f"{dialect}: {error}", kind="json") from error


def decoded_object(text: bytes, *, dialect: str) -> dict[str, Any]:
    """Return the object in `text`, whatever stands in it. Raises MalformedMessage of kind `json` or `shape`."""
    return decoded(_any_object, text, dialect=dialect)
