"""Who may open a media socket: whoever has a media ticket in the path and Twilio's signature on the upgrade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from callscribe import tickets, twilio_signature
from callscribe.entries import TWILIO


@dataclass(frozen=True, slots=True)
class Door:
    """What callers are checked against."""

    media_url: str  # as written in TwiML, without a slash at its end
    signing_keys: tuple[str, ...]
    auth_tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Admitted:
    """This upgrade may go on, for the calls that the ticket names."""

    ticket: tickets.Ticket


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """This request gets this status; `reason` may be logged."""

    status: int
    reason: str


def knock(path: str, headers: Mapping[str, str], door: Door, *, now_s: float) -> Admitted | TurnedAway:
    """Return whether a media socket may be opened at `path`.

    A path that is not ours is 404; a missing or wrong ticket or signature is 403, which Twilio reports as 31920.
    """
    prefix, _, text = path.removeprefix("/").partition("/")
    if prefix != TWILIO or not text or "/" in text:
        return TurnedAway(404, "unknown path")
    try:
        ticket = tickets.verify(text, door.signing_keys, use="media", now_s=now_s)
    except tickets.InvalidTicket as error:
        return TurnedAway(403, f"ticket {error.code}")
    try:
        signature = headers.get("X-Twilio-Signature")
    except LookupError:
        return TurnedAway(403, "signature repeated")
    if signature is None:
        return TurnedAway(403, "signature missing")
    urls = twilio_signature.spellings(door.media_url + path)
    if not twilio_signature.is_valid(signature, urls, (), door.auth_tokens):
        return TurnedAway(403, "signature wrong")
    return Admitted(ticket)
