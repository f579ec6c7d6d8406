"""A push ticket on its way from the authorizer, which checks it, to the functions behind the socket.

API Gateway carries flat strings only: {"tenant": "acme", "calls": "CA1,CA2", "expires_at": "1795000000"}; `calls` is
`*` for every call of the tenant.
"""

from __future__ import annotations

from collections.abc import Mapping

from callscribe.errors import Refused
from callscribe.tickets import Ticket

EVERY_CALL = "*"


def to_context(ticket: Ticket) -> dict[str, str]:
    """Return `ticket` as the context of an authorizer's answer."""
    return {
        "tenant": ticket.tenant,
        "calls": EVERY_CALL if ticket.calls is None else ",".join(ticket.calls),
        "expires_at": str(ticket.expires_at),
    }


def of_context(context: Mapping[str, object]) -> Ticket:
    """Return the ticket in `requestContext.authorizer`. Raises Refused if there is none, as without an authorizer."""
    try:
        calls = str(context["calls"])
        return Ticket(
            use="push",
            tenant=str(context["tenant"]),
            calls=None if calls == EVERY_CALL else tuple(filter(None, calls.split(","))),
            expires_at=int(str(context["expires_at"])),
        )
    except (KeyError, ValueError) as error:
        raise Refused("the connection has no ticket") from error
