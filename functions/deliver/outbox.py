"""An entry becomes a delivery for each endpoint that wants it, and a delivery is attempted until it is made, or dead.

May be cut off anywhere and repeated: each delivery is made at least once, and told as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import TypeAlias

from callscribe.bus import Detail
from callscribe.entries import Entry, timestamp
from callscribe.errors import Refused, Unavailable
from callscribe.log import Log
from callscribe.webhook_signature import sign
from callscribe.webhooks import BACKOFF_S, Delivery, Endpoint, State, Webhooks, body_of
from functions.ports import Perform

# Posts a body with headers to an address and returns the answer's status. Raises Unavailable and Refused.
Post: TypeAlias = Callable[[str, dict[str, str], bytes], int]


class Outcome(StrEnum):
    """What came of an attempt, and what is counted."""

    DELIVERED = "delivered"
    FAILED = "failed"  # and will be tried again
    DEAD = "dead"
    GONE = "gone"  # the endpoint is disabled or removed, or the delivery is over


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of an attempt, and after how long the next one is due."""

    outcome: Outcome
    again_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class Outbox:
    """The services that deliveries are made with."""

    calls_table: str
    webhooks: Webhooks
    perform: Perform
    post: Post

    def plan(self, told: Detail, *, now: datetime) -> list[Delivery]:
        """Keep a delivery of an entry for each endpoint that wants it; return those that are to be attempted."""
        wanted = [
            Delivery(endpoint.id, told.call_id, told.seq, told.at, told.kind)
            for endpoint in self.perform(self.webhooks.of_tenant(told.tenant))
            if endpoint.wants(told.kind)
        ]
        planned = [self.perform(self.webhooks.plan(delivery, now=now)) for delivery in wanted]
        return [delivery for delivery in planned if delivery.state == "waiting"]

    def attempt(self, tenant: str, wanted: Delivery, *, now: datetime) -> Attempt:
        """Make one attempt at a delivery. Raises Unavailable if it could not even be tried."""
        delivery = self.perform(self.webhooks.find(wanted))
        endpoints = self.perform(self.webhooks.of_tenant(tenant))
        endpoint = next((each for each in endpoints if each.id == wanted.endpoint), None)
        if delivery is None or delivery.state != "waiting" or endpoint is None or endpoint.disabled_at:
            return Attempt(Outcome.GONE)
        entry = self._entry(delivery)
        if entry is None or entry.tenant != tenant:
            return Attempt(Outcome.GONE)
        status, told = self._post(endpoint, delivery, entry, now)
        if status == HTTPStatus.GONE:
            self.perform(self.webhooks.disable(endpoint, why="it answered 410", at=timestamp(now)))
        return self._note(delivery, status, told, now)

    def _entry(self, delivery: Delivery) -> Entry | None:
        found = self.perform(Log(self.calls_table, delivery.call_id).read(after=delivery.seq - 1, limit=1))
        return found[0] if found and found[0].seq == delivery.seq else None

    def _post(self, endpoint: Endpoint, delivery: Delivery, entry: Entry, now: datetime) -> tuple[int | None, str]:
        """Return the status of the endpoint's answer, None for no answer, and what is told of it."""
        body = body_of(entry)
        try:
            headers = sign(delivery.message_id, body, endpoint.secrets, now_s=int(now.timestamp()))
            status = self.post(endpoint.url, {"content-type": "application/json", **headers}, body)
        except (Unavailable, Refused) as error:
            return None, str(error)
        return status, f"answered {status}"

    def _note(self, delivery: Delivery, status: int | None, told: str, now: datetime) -> Attempt:
        is_made = status is not None and HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
        is_last = status == HTTPStatus.GONE or delivery.attempts >= len(BACKOFF_S)
        state: State = "delivered" if is_made else "dead" if is_last else "waiting"
        noted = self.perform(self.webhooks.attempted(delivery, state=state, told=told, now=now))
        if noted.state == "waiting":
            return Attempt(Outcome.FAILED, noted.again_after_s)
        return Attempt(Outcome.DELIVERED if noted.state == "delivered" else Outcome.DEAD)
