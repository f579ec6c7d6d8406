"""Tickets: signed, short-lived leave to open one of our sockets, or to tell us something.

    <base64url of the claims as JSON>.<base64url of HMAC-SHA256 over that text>

A push ticket lets a client follow some calls of a tenant, over one connection; a media ticket lets one call's media
stream reach the bridge; a batch ticket lets Gladia tell that one call's recording is transcribed; a search ticket lets
the tenant that searched ask for what was found. All are secrets until they expire: they stand in URLs, so access logs
must leave URLs out.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

from callscribe.decoding import NOT_DECODABLE

Use: TypeAlias = Literal["push", "media", "batch", "search"]


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """What its bearer may do, until `expires_at` (seconds since 1970)."""

    use: Use
    tenant: str
    calls: tuple[str, ...] | None  # None: every call of the tenant
    expires_at: int
    id: str = ""  # of a push ticket, which opens one connection

    def covers(self, call_id: str) -> bool:
        """Return whether this ticket is for `call_id`; whose tenant that call is, the log tells."""
        return self.calls is None or call_id in self.calls


class InvalidTicket(Exception):
    """This ticket opens nothing; `code` is `malformed`, `forged`, `expired` or `misused`."""

    def __init__(self, code: Literal["malformed", "forged", "expired", "misused"]) -> None:
        super().__init__(f"the ticket is {code}")
        self.code = code


_decoder = msgspec.json.Decoder(Ticket)


def push_ticket(tenant: str, calls: Iterable[str] | None, *, expires_at: int) -> Ticket:
    """Return a ticket to follow `calls`, or all of the tenant's, that nobody has used."""
    named = None if calls is None else tuple(calls)
    return Ticket(use="push", tenant=tenant, calls=named, expires_at=expires_at, id=secrets.token_urlsafe(12))


def sign(ticket: Ticket, key: str) -> str:
    """Return `ticket` as text that is safe in a URL's path or query, signed with `key`."""
    claims = _base64(msgspec.json.encode(ticket))
    return f"{claims}.{_mac(claims, key)}"


def verify(text: str, keys: Iterable[str], *, use: Use, now_s: float) -> Ticket:
    """Return the ticket that `text` holds.

    Any of `keys` may have signed it, so that a key can be replaced while tickets are out. Raises InvalidTicket.
    """
    claims, dot, mac = text.partition(".")
    if not dot or not text.isascii():
        raise InvalidTicket("malformed")
    # Summed, so that every key is compared: which of them fits must not show in the time taken.
    if not sum(hmac.compare_digest(mac.encode(), _mac(claims, key).encode()) for key in keys):
        raise InvalidTicket("forged")
    try:
        ticket = _decoder.decode(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    except (*NOT_DECODABLE, ValueError) as error:
        raise InvalidTicket("malformed") from error
    if ticket.expires_at <= now_s:
        raise InvalidTicket("expired")
    if ticket.use != use:
        raise InvalidTicket("misused")
    return ticket


def _mac(claims: str, key: str) -> str:
    return _base64(hmac.digest(key.encode(), claims.encode(), hashlib.sha256))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
