"""Where Gladia tells that a job is over: an address with a ticket in it, as Gladia signs nothing.

What it says is not taken for true, and not needed: it only has the call's second pass looked at now instead of soon.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from callscribe.tickets import InvalidTicket, Ticket, sign, verify

PATH = "/gladia/batch"
ROUTE = f"POST {PATH}/{{ticket}}"
KIND = "gladia.called"  # of what the function tells itself; no entry of a log

# Longer than a result is waited for.
LIFE = timedelta(hours=6)


def address(public_url: str, *, tenant: str, call_id: str, key: str, now: datetime) -> str:
    """Return the URL that Gladia is given for the job of a call."""
    ticket = Ticket(use="batch", tenant=tenant, calls=(call_id,), expires_at=int((now + LIFE).timestamp()))
    return f"{public_url}{PATH}/{sign(ticket, key)}"


def call_of(ticket: str, keys: Iterable[str], *, now: datetime) -> tuple[str, str] | None:
    """Return the tenant and the call that a ticket in such a URL is for; None if it is none of ours."""
    try:
        found = verify(ticket, keys, use="batch", now_s=now.timestamp())
    except InvalidTicket:
        return None
    return (found.tenant, found.calls[0]) if found.calls else None
