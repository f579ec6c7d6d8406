"""The secrets that functions read: what signs tickets, what Twilio signs its requests with, Gladia's key."""

from __future__ import annotations

from msgspec import Struct, json

from callscribe.decoding import NOT_DECODABLE
from callscribe.errors import Refused


class _SigningSecret(Struct, frozen=True):
    current: str
    previous: str = ""


class _TwilioSecret(Struct, frozen=True):
    auth_token: str
    previous_auth_token: str = ""


class _GladiaSecret(Struct, frozen=True):
    api_key: str


def signing_keys(text: str) -> tuple[str, ...]:
    """Return the keys of tickets in `{"current": …, "previous": …}`: the first signs, each verifies.

    Raises Refused if `text` isn't of that shape or a key is blank.
    """
    try:
        secret = json.decode(text, type=_SigningSecret)
    except NOT_DECODABLE as error:
        # Without the decoder's words, which may quote the secret.
        raise Refused("the signing secret is not of its shape") from error
    return _set(secret.current, secret.previous, "the signing secret's `current`")


def auth_tokens(text: str) -> tuple[str, ...]:
    """Return the tokens of Twilio's account in `{"auth_token": …, "previous_auth_token": …}`.

    Raises Refused if `text` isn't of that shape or the token is blank.
    """
    try:
        secret = json.decode(text, type=_TwilioSecret)
    except NOT_DECODABLE as error:
        raise Refused("Twilio's secret is not of its shape") from error
    return _set(secret.auth_token, secret.previous_auth_token, "the Twilio secret's `auth_token`")


def gladia_key(text: str) -> str:
    """Return the key in `{"api_key": …}`. Raises Refused if `text` isn't of that shape or the key is blank."""
    try:
        secret = json.decode(text, type=_GladiaSecret)
    except NOT_DECODABLE as error:
        raise Refused("Gladia's secret is not of its shape") from error
    return _set(secret.api_key, "", "the Gladia secret's `api_key`")[0]


def _set(current: str, previous: str, name: str) -> tuple[str, ...]:
    # A blank key would let anybody sign.
    if not current:
        raise Refused(f"{name} is blank")
    return (current, previous) if previous else (current,)
