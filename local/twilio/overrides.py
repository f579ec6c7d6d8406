"""How long Twilio waits for a webhook and how often it asks again, as the fragment of the webhook's address says.

Source: Twilio, "Webhooks connection overrides".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qsl, urldefrag

# A reason to ask again: the connection or the answer came too late, or the answer's status. `all` is each of them.
REASONS = frozenset({"ct", "rt", "4xx", "5xx"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What applies to one address. What the fragment leaves out, or says out of range, is Twilio's default."""

    connect_s: float = 5.0
    read_s: float = 15.0
    total_s: float = 15.0  # of all attempts together
    retries: int = 1
    reasons: frozenset[str] = frozenset({"ct"})

    @classmethod
    def of(cls, url: str) -> Self:
        """Return what the fragment of `url` asks for."""
        told = dict(parse_qsl(urldefrag(url).fragment))
        reasons = {reason for reason in told.get("rp", "ct").split(",") if reason in REASONS | {"all"}}
        return cls(
            connect_s=_within(told, "ct", 100, 10_000, 5_000) / 1000,
            read_s=_within(told, "rt", 100, 15_000, 15_000) / 1000,
            total_s=_within(told, "tt", 100, 15_000, 15_000) / 1000,
            retries=_within(told, "rc", 0, 5, 1),
            reasons=REASONS if "all" in reasons else frozenset(reasons),
        )


def _within(told: Mapping[str, str], key: str, lowest: int, highest: int, default: int) -> int:
    value = told.get(key, "")
    if not value.isascii() or not value.isdigit() or not lowest <= int(value) <= highest:
        return default
    return int(value)
