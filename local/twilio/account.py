"""A Twilio account, and the identifiers that Twilio hands out."""

import secrets
from dataclasses import dataclass, field
from typing import Literal


def new_sid(prefix: Literal["AC", "CA", "MZ"]) -> str:
    """Return a new identifier: `prefix` (account, call, media stream) and 32 hexadecimal digits."""
    return prefix + secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class Account:
    """The account that owns the simulated number; its auth token signs all that Twilio sends."""

    sid: str = field(default_factory=lambda: new_sid("AC"))
    auth_token: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
