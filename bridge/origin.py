"""Who opened a media socket, and what that says of the calls on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from bridge.dialects.events import Started
from bridge.look_up import settings_of
from callscribe.call import Call
from callscribe.entries import CallStarted, timestamp
from callscribe.errors import Refused
from callscribe.settings import CallSettings
from callscribe.tickets import Ticket
from callscribe.trunks import Trunk


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

    @property
    def tells_of_calls(self) -> bool:
        """Whether the call itself is the carrier's, too.

        Its webhooks open and end the call's log, then, and it can be asked how the call stands, or for another media
        stream. Of a trunk's call nothing is known but its media streams.
        """
        return self.trunk is None

    def vouches_for(self, address: str) -> bool:
        """Tell whether what comes from `address` is its own, for its networks."""
        return self.trunk is not None and self.trunk.is_vouched_for(address)

    def settings(self, call: Call) -> CallSettings:
        """Return the settings of `call`: as its log says, else the trunk's."""
        return settings_of(call) if self.trunk is None or call.started else self.trunk.settings

    def opening(self, started: Started, *, began: datetime) -> CallStarted:
        """Return what opens the log of a call of which no webhook has told, with what its media stream knows of it."""
        trunk = self.trunk
        metadata = dict(started.parameters)
        numbers = ("", "") if trunk is None else (metadata.pop("from", ""), metadata.pop("to", ""))
        return CallStarted(
            provider=self.provider,
            direction="inbound",
            account=started.account,
            from_number=numbers[0],
            to_number=numbers[1],
            metadata=metadata,
            settings={} if trunk is None else msgspec.to_builtins(trunk.settings),
            clock_at="" if trunk is None else timestamp(began),
        )

    def own(self, started: Started) -> Started:
        """Return `started` as its call stands in the log. Raises Refused if it may not be for that call.

        What a trunk calls its calls is its own affair, so the log names them by the trunk first, whose name has no dot.
        """
        if self.trunk is not None:
            return replace(started, call_id=f"{self.trunk.name}.{started.call_id}", account=self.trunk.name)
        if self.ticket is None or not self.ticket.covers(started.call_id):
            raise Refused("the ticket is for another call")
        return started
