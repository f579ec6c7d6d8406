"""The signature of a webhook: whoever has the endpoint's secret can tell that it is ours, whole, and of just now.

    webhook-id: CA….7
    webhook-timestamp: 1764150902
    webhook-signature: v1,<base64 of HMAC-SHA256 over "id.timestamp.body"> v1,<another, while secrets are replaced>

Source: Standard Webhooks, "Signature scheme".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping

from callscribe.errors import Refused

PREFIX = "whsec_"
SECRET_BYTES = 32  # of 24 to 64
TOLERANCE_S = 300


class InvalidSignature(Exception):
    """This is not from who it says, or not from now; the message says how that is known."""


def new_secret() -> str:
    """Return a secret that nobody has yet, as it is given to the endpoint's owner."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign(message_id: str, body: bytes, secret_texts: Iterable[str], *, now_s: int) -> dict[str, str]:
    """Return the headers of a message, signed with each of `secret_texts`. Raises Refused for what is no secret."""
    signatures = [_signature(message_id, now_s, body, text) for text in secret_texts]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": " ".join(signatures),
    }


def verify(headers: Mapping[str, str], body: bytes, secret_texts: Iterable[str], *, now_s: float) -> str:
    """Return the id of a message that was signed with one of `secret_texts` within five minutes.

    Names of `headers` are in lower case. Raises InvalidSignature, and Refused for what is no secret.
    """
    try:
        message_id, at, given = (headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
    except KeyError as error:
        raise InvalidSignature(f"there is no header {error.args[0]}") from error
    if not (at.isascii() and at.isdigit() and len(at) < 12) or abs(now_s - int(at)) > TOLERANCE_S:
        raise InvalidSignature("the message is not of now")
    expected = [_signature(message_id, int(at), body, text) for text in secret_texts]
    # Summed, so that each is compared: which of them fits must not show in the time taken.
    if not sum(hmac.compare_digest(one.encode(), other.encode()) for one in given.split() for other in expected):
        raise InvalidSignature("the signature is wrong")
    return message_id


def _signature(message_id: str, at_s: int, body: bytes, secret_text: str) -> str:
    try:
        key = base64.b64decode(secret_text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused("a webhook's secret is not of its shape") from error
    if len(key) < 16:
        raise Refused("a webhook's secret is too short")
    signed = f"{message_id}.{at_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
