"""Which push tickets have been used: each opens one connection, so that one found in a log opens none.

    pk = TICKET#<id>
    sk = TICKET       expires_at (seconds since 1970; the table's TTL)

As in `callscribe.log`, operations yield `Request`s and are sent the answers.
"""

from __future__ import annotations

from dataclasses import dataclass

from callscribe.log import Steps
from callscribe.requests import Conflict
from callscribe.table import Table, key, number, when
from callscribe.tickets import Ticket


@dataclass(frozen=True, slots=True)
class UsedTickets:
    """The tickets in `table`."""

    table: str

    def use(self, ticket: Ticket) -> Steps[bool]:
        """Note that `ticket` was used; return whether this was the first time."""
        # Kept for as long as it would open anything: after that its time is looked at, and not this.
        item = {**key(f"TICKET#{ticket.id}", "TICKET"), "expires_at": number(ticket.expires_at)}
        answer = yield Table(self.table).put(item, when("attribute_not_exists(pk)"))
        return not isinstance(answer, Conflict)
