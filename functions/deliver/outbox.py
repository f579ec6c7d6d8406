"""An entry becomes a delivery for each endpoint that wants it, and a delivery is attempted until it is made, or dead.

May be cut off anywhere and repeated: each delivery is made at least once, and told as it is. A message in the queue
only says that something is to be looked at; what is to be done stands in the table, and what no message is left of
is found there when it is due.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Protocol, TypeAlias

from callscribe.bus import Detail
from callscribe.deliveries import ATTEMPTS, BACKOFF_S, Deliveries, Delivery, State
from callscribe.entries import Entry, timestamp
from callscribe.errors import Refused, Unavailable
from callscribe.log import Log
from callscribe.webhook_message import body_of
from callscribe.webhook_signature import sign
from callscribe.webhooks import Endpoint, Webhooks
from functions.ports import Perform

# Posts a body with headers to an address and returns the answer's status. Raises Unavailable and Refused.
Post: TypeAlias = Callable[[str, dict[str, str], bytes], int]

# Of one minute; what is left the next one finds.
MOST_DUE = 500
# A wait that the queue keeps by itself, as the clock that looks for what is due ticks once a minute.
SOON_S = 30


class Send(Protocol):
    """Has a delivery attempted; raises Unavailable."""

    def __call__(self, delivery: Delivery, /, *, delay_s: int) -> None:
        """Put it into the queue, to come out after `delay_s`."""


class Outcome(StrEnum):
    """What came of an attempt, and what is counted."""

    DELIVERED = "delivered"
    FAILED = "failed"  # and will be tried again
    DEAD = "dead"
    GONE = "gone"  # it answered 410, and is told nothing any more
    SKIPPED = "skipped"  # the endpoint is disabled or removed
    OVER = "over"  # another message had it attempted


@dataclass(frozen=True, slots=True)
class Outbox:
    """The services that deliveries are made with."""

    calls_table: str
    webhooks: Webhooks
    deliveries: Deliveries
    perform: Perform
    post: Post
    send: Send

    def plan(self, told: Detail, *, now: datetime) -> int:
        """Keep a delivery of an entry for each endpoint that wants it, have them attempted, and return how many.

        What a disabled endpoint misses is kept too, so that it can be told later.
        """
        wanted = [
            _delivery(told, endpoint)
            for endpoint in self.perform(self.webhooks.of_tenant(told.tenant))
            if told.kind in endpoint.kinds
        ]
        planned = [self.perform(self.deliveries.plan(delivery, now=now)) for delivery in wanted]
        fresh = [delivery for delivery in planned if delivery.state == "waiting" and not delivery.attempts]
        for delivery in fresh:
            self.send(delivery, delay_s=0)
        return len(fresh)

    def take_up(self, *, now: datetime) -> int:
        """Have what is due attempted, and return how much that was."""
        due = self.perform(self.deliveries.due(now=now, limit=MOST_DUE))
        for delivery in due:
            self.send(delivery, delay_s=0)
        return len(due)

    def attempt(self, asked: Delivery, *, now: datetime) -> tuple[Outcome, str]:
        """Make one attempt at a delivery; return what came of it, and what is told of that.

        Raises Unavailable if it could not be made, or not be noted.
        """
        delivery = self.perform(self.deliveries.find(asked))
        if delivery is None or delivery.state != "waiting" or delivery.attempts != asked.attempts:
            return Outcome.OVER, ""
        endpoint = self.perform(self.webhooks.find(delivery.tenant, delivery.endpoint))
        if endpoint is None or endpoint.disabled_at:
            return self._skip(delivery, "the endpoint was removed" if endpoint is None else DISABLED)
        entry = self._entry(delivery)
        if entry is None:
            return self._skip(delivery, "the call's log has no such entry")
        status, told = self._post(endpoint, delivery, entry, now)
        if status == HTTPStatus.GONE:
            self.perform(self.webhooks.disable(endpoint.tenant, endpoint.id, why="it answered 410", at=timestamp(now)))
        return self._note(delivery, status, told, now), told

    def _entry(self, delivery: Delivery) -> Entry | None:
        steps = Log(self.calls_table, delivery.call_id).read(after=delivery.seq - 1, limit=1)
        found = [entry for entry in self.perform(steps) if entry.seq == delivery.seq]
        return found[0] if found and found[0].tenant == delivery.tenant else None

    def _skip(self, delivery: Delivery, told: str) -> tuple[Outcome, str]:
        noted = self.perform(self.deliveries.skip(delivery, told=told))
        return (Outcome.SKIPPED if noted.state == "skipped" else Outcome.OVER), told

    def _post(self, endpoint: Endpoint, delivery: Delivery, entry: Entry, now: datetime) -> tuple[int | None, str]:
        """Return the status of the endpoint's answer, None for no answer, and what is told of it."""
        body = body_of(entry)
        try:
            signed_with = endpoint.secrets(at=timestamp(now))
            headers = sign(delivery.message_id, body, signed_with, now_s=int(now.timestamp()))
            status = self.post(endpoint.url, {**HEADERS, **headers}, body)
        except (Unavailable, Refused) as error:
            return None, str(error)
        return status, f"answered {status}"

    def _note(self, delivery: Delivery, status: int | None, told: str, now: datetime) -> Outcome:
        is_made = status is not None and HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
        is_last = status == HTTPStatus.GONE or delivery.attempts + 1 >= ATTEMPTS
        state: State = "delivered" if is_made else "dead" if is_last else "waiting"
        noted = self.perform(self.deliveries.attempted(delivery, state=state, told=told, now=now))
        if (noted.state, noted.attempts) != (state, delivery.attempts + 1):
            return Outcome.OVER
        if state != "waiting":
            return Outcome.GONE if status == HTTPStatus.GONE else Outcome.DELIVERED if is_made else Outcome.DEAD
        if (wait_s := BACKOFF_S[noted.attempts - 1]) <= SOON_S:
            self.send(noted, delay_s=wait_s)
        return Outcome.FAILED


DISABLED = "the endpoint is disabled"
HEADERS = {"content-type": "application/json", "user-agent": "callscribe"}


def _delivery(told: Detail, endpoint: Endpoint) -> Delivery:
    delivery = Delivery(endpoint.id, told.tenant, told.call_id, told.seq, told.at, told.kind)
    return replace(delivery, state="skipped", told=DISABLED) if endpoint.disabled_at else delivery
