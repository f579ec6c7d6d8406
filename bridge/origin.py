"""Who opened a media socket, and what that says of the calls on it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bridge.dialects.events import Started
from callscribe.errors import Refused
from callscribe.tickets import Ticket
from callscribe.trunks import Trunk

TWILIO = "twilio"


@dataclass(frozen=True, slots=True)
class Origin:
    """A carrier with a ticket, or a trunk: exactly one of them."""

    provider: str  # as the log names it, and the first part of the path
    ticket: Ticket | None = None
    trunk: Trunk | None = None

    @property
    def tenant(self) -> str:
        """Whose the calls are."""
        return self.trunk.tenant if self.trunk is not None else self.ticket.tenant if self.ticket is not None else ""

    def own(self, started: Started) -> Started:
        """Return `started` as its call stands in the log. Raises Refused if it may not be for that call.

        What a trunk calls its calls is its own affair, so the log names them by the trunk first, whose name has no dot.
        """
        if self.trunk is not None:
            return replace(started, call_id=f"{self.trunk.name}.{started.call_id}", account=self.trunk.name)
        if self.ticket is None or not self.ticket.covers(started.call_id):
            raise Refused("the ticket is for another call")
        return started
