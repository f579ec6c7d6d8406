"""A Twilio account, and the identifiers that Twilio hands out."""

import secrets
from dataclasses import dataclass, field
from typing import Literal


def new_sid(prefix: Literal["AC", "CA", "MZ", "PN", "RE"]) -> str:
    """Return a new identifier: `prefix` (account, call, media stream, number, recording) and 32 hexadecimal digits."""
    return prefix + secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class Account:
    """The account that owns the simulated number; its auth token signs all that Twilio sends."""

    sid: str = field(default_factory=lambda: new_sid("AC"))
    auth_token: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A phone number of the account, and whom Twilio asks about its calls.

    With an application or a trunk Twilio passes over the voice URL.
    """

    phone_number: str
    sid: str = field(default_factory=lambda: new_sid("PN"))
    voice_url: str = ""
    voice_method: Literal["GET", "POST"] = "POST"
    status_callback: str = ""
    status_callback_method: Literal["GET", "POST"] = "POST"
    voice_application_sid: str = ""
    trunk_sid: str | None = None
