"""Deliveries: what was, or is to be, told to the endpoints of webhooks, and how far each one is.

    pk = ENDPOINT#<id>
    sk = DELIVERY#<at of the entry>#<call_id>#<seq, ten digits>
         tenant, kind, state, attempts, told, last_at, expires_at; while it waits also due (WAITING) and due_at

A delivery says which entry of which log it is; what that says stays in the log, and is read there for each attempt. The
index `due` (partition due, sort due_at) holds those that wait, by when somebody has to look at them: whoever takes
one up puts that off by LEASE, so that what nobody comes back from is taken up again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, cast

from callscribe.entries import timestamp
from callscribe.log import Steps
from callscribe.requests import Conflict, Item, Request
from callscribe.table import Table, every_item, key, number, when

DUE = "due"
WAITING = "WAITING"
# After the first attempt and each that follows; a day in all (Standard Webhooks, "Deliverability and reliability").
BACKOFF_S = (5, 300, 1800, 7200, 18_000, 36_000, 36_000)
ATTEMPTS = len(BACKOFF_S) + 1
# Longer than an attempt may take with its way through the queue; a longer backlog costs messages that are passed over.
LEASE = timedelta(minutes=5)
KEPT = timedelta(days=30)

# dead: attempted to the last; skipped: not attempted, as nobody wanted it any more.
State = Literal["waiting", "delivered", "dead", "skipped"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One entry on its way to one endpoint. `told` is what came of the last attempt, fit for people."""

    endpoint: str
    tenant: str
    call_id: str
    seq: int
    at: str  # of the entry
    kind: str
    state: State = "waiting"
    attempts: int = 0
    told: str = ""
    last_at: str = ""

    @property
    def message_id(self) -> str:
        """What the message is known by, the same at each attempt."""
        return f"{self.call_id}.{self.seq}"


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The deliveries in `table`."""

    table: str

    def plan(self, delivery: Delivery, *, now: datetime) -> Steps[Delivery]:
        """Keep what is to be delivered, once; return it, or how far it is already."""
        item = {
            **_key(delivery),
            "tenant": {"S": delivery.tenant},
            "kind": {"S": delivery.kind},
            "state": {"S": delivery.state},
            "attempts": number(delivery.attempts),
            "told": {"S": delivery.told},
            "last_at": {"S": delivery.last_at},
            "expires_at": number(int((now + KEPT).timestamp())),
        }
        if delivery.state == "waiting":
            item |= _due(now + LEASE)
        answer = yield Table(self.table).put(item, when("attribute_not_exists(pk)"))
        return _of(answer.item) if isinstance(answer, Conflict) else delivery

    def find(self, delivery: Delivery) -> Steps[Delivery | None]:
        """Return how far a delivery is; None for one that is not kept any more."""
        answer = yield Table(self.table).get(_key(delivery))
        item: Item | None = answer.get("Item")
        return None if item is None else _of(item)

    def attempted(self, delivery: Delivery, *, state: State, told: str, now: datetime) -> Steps[Delivery]:
        """Note what came of one more attempt, and return the delivery as it is then.

        If another attempt was noted meanwhile, that one counts.
        """
        attempts = delivery.attempts + 1
        attributes: Item = {
            "state": {"S": state},
            "attempts": number(attempts),
            "told": {"S": told},
            "last_at": {"S": timestamp(now)},
        }
        if state == "waiting":
            attributes |= _due(now + timedelta(seconds=BACKOFF_S[attempts - 1]))
        return (yield from self._change(delivery, attributes))

    def skip(self, delivery: Delivery, *, told: str) -> Steps[Delivery]:
        """Let a delivery that waits be, untried, and return it as it is then."""
        return (yield from self._change(delivery, {"state": {"S": "skipped"}, "told": {"S": told}}))

    def _change(self, delivery: Delivery, attributes: Item) -> Steps[Delivery]:
        """Change a delivery that waits and is as far as is thought; return it as it is then."""
        condition = when(
            "#attempts = :before AND #state = :waiting",
            names={"#attempts": "attempts", "#state": "state"},
            before=number(delivery.attempts),
            waiting={"S": "waiting"},
        )
        remove = () if DUE in attributes else (DUE, "due_at")
        answer = yield Table(self.table).update(_key(delivery), attributes, condition, remove=remove)
        if not isinstance(answer, Conflict):
            return _of(answer["Attributes"])
        # What is kept no more has nothing to be changed.
        return _of(answer.item) if answer.item else replace(delivery, state="skipped")

    def due(self, *, now: datetime, limit: int) -> Steps[list[Delivery]]:
        """Take up deliveries that somebody has to look at now, those that wait longest first: `limit` at most."""
        answer = yield Request(
            "query",
            {
                "TableName": self.table,
                "IndexName": DUE,
                "KeyConditionExpression": "due = :waiting AND due_at <= :now",
                "ExpressionAttributeValues": {":waiting": {"S": WAITING}, ":now": {"S": timestamp(now)}},
                "Limit": limit,
            },
        )
        taken = []
        for item in answer["Items"]:
            attributes = _due(now + LEASE)
            # Whoever else looks has taken it up, or it is over: the index tells of a moment ago.
            condition = when("#due_at = :seen", seen=item["due_at"])
            change = yield Table(self.table).update(key(item["pk"]["S"], item["sk"]["S"]), attributes, condition)
            if not isinstance(change, Conflict):
                taken.append(_of(change["Attributes"]))
        return taken

    def of_endpoint(self, endpoint: str, *, since: str, until: str) -> Steps[list[Delivery]]:
        """Return deliveries to an endpoint of entries from `since` to before `until`, in their order."""
        items = yield from every_item(
            {
                "TableName": self.table,
                "KeyConditionExpression": "pk = :pk AND sk BETWEEN :since AND :until",
                "ExpressionAttributeValues": {
                    ":pk": {"S": f"ENDPOINT#{endpoint}"},
                    ":since": {"S": f"DELIVERY#{since}"},
                    ":until": {"S": f"DELIVERY#{until}"},
                },
            }
        )
        return [_of(item) for item in items]

    def again(self, delivery: Delivery, *, now: datetime) -> Steps[bool]:
        """Begin a delivery anew, whatever came of it: it is attempted within a minute or two.

        Return whether it is still kept. It stays so as long as a new one, so that its attempts are told.
        """
        attributes: Item = {
            "state": {"S": "waiting"},
            "attempts": number(0),
            "expires_at": number(int((now + KEPT).timestamp())),
            **_due(now),
        }
        answer = yield Table(self.table).update(_key(delivery), attributes, when("attribute_exists(pk)"))
        return not isinstance(answer, Conflict)


def _key(delivery: Delivery) -> Item:
    return key(f"ENDPOINT#{delivery.endpoint}", f"DELIVERY#{delivery.at}#{delivery.call_id}#{delivery.seq:010d}")


def _due(at: datetime) -> Item:
    return {DUE: {"S": WAITING}, "due_at": {"S": timestamp(at)}}


def _of(item: Item) -> Delivery:
    at, _, rest = item["sk"]["S"].removeprefix("DELIVERY#").partition("#")
    call_id, _, seq = rest.rpartition("#")
    return Delivery(
        endpoint=item["pk"]["S"].removeprefix("ENDPOINT#"),
        tenant=item["tenant"]["S"],
        call_id=call_id,
        seq=int(seq),
        at=at,
        kind=item["kind"]["S"],
        state=cast("State", item["state"]["S"]),
        attempts=int(item["attempts"]["N"]),
        told=item["told"]["S"],
        last_at=item["last_at"]["S"],
    )
