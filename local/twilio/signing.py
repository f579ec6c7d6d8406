"""X-Twilio-Signature, computed by Twilio's own library, so that a verifier is judged by it and not by us."""

from collections.abc import Mapping
from typing import cast
from urllib.parse import urldefrag

from twilio.request_validator import RequestValidator

from local.twilio.account import Account


def sign_webhook(account: Account, url: str, fields: Mapping[str, str]) -> str:
    """Return the signature of a request to `url`, whose fragment isn't signed.

    `fields` is the form of a POST, blank values included; a GET has its fields in the URL and none here.
    Source: Twilio, "Webhooks security".
    """
    return _compute(account, urldefrag(url).url, fields)


def sign_upgrade(account: Account, url: str) -> str:
    """Return the signature of a WebSocket upgrade: over the URL exactly as written in TwiML, and no fields.

    No port is added or removed: the library's port rules don't fit `wss`.
    """
    return _compute(account, url, {})


def _compute(account: Account, url: str, fields: Mapping[str, str]) -> str:
    return cast("str", RequestValidator(account.auth_token).compute_signature(url, dict(fields)))
