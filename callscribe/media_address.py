"""Where a call's media stream is to be opened: at the bridge, with a ticket for this one call in the path."""

from __future__ import annotations

from callscribe.tickets import Ticket, sign

# Twilio opens a media stream at once when it is told to; this leaves time for a slow connection, and little for
# whoever finds the ticket in some log.
TICKET_S = 120


def media_stream_url(media_url: str, *, tenant: str, call_id: str, key: str, now_s: float) -> str:
    """Return the wss URL for a media stream of `call_id`, good for two minutes from `now_s`, seconds since 1970.

    `media_url` is the bridge as carriers see it; `key` signs tickets. The URL is a secret while it is good.
    """
    ticket = Ticket(use="media", tenant=tenant, calls=(call_id,), expires_at=int(now_s) + TICKET_S)
    # In the path, since Twilio drops the query of a media stream's URL.
    return f"{media_url.rstrip('/')}/twilio/{sign(ticket, key)}"
