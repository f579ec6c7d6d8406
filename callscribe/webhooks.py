"""Webhooks: a tenant's endpoints, and what was or is to be delivered to each.

    pk = TENANT#<tenant>   sk = ENDPOINT#<id>                     id, tenant, url, kinds, secret, previous_secret,
                                                                  created_at, disabled_at, disabled_why
    pk = ENDPOINT#<id>     sk = DELIVERY#<at>#<call_id>#<seq>     kind, state, attempts, told, last_at, expires_at

A delivery says which entry of which log it is; what the entry says stays in the log, and is read there for each
attempt. As in `callscribe.log`, operations yield `Request`s and are sent the answers.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from callscribe.entries import Entry, encode_body, timestamp
from callscribe.errors import Refused
from callscribe.log import Steps
from callscribe.requests import Conflict, Item
from callscribe.table import Table, every_item, key, number, when
from callscribe.webhook_signature import new_secret

# What may be delivered; what is said while a call goes on is followed over a WebSocket, or on the event bus.
KINDS = (
    "call.started", "call.ended", "call.failed", "summary", "chapters", "analytics", "transcript.ready",
    "batch.ready", "batch.failed",
)  # fmt: skip
DEFAULT_KINDS = ("transcript.ready", "call.failed")
# After the first attempt; the last one is a day and more after it, as Standard Webhooks advises.
BACKOFF_S = (5, 300, 1800, 7200, 18_000, 36_000, 36_000)
KEPT = timedelta(days=30)

State = Literal["waiting", "delivered", "dead"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a tenant wants to be told, of what, and what it is signed with."""

    id: str
    tenant: str
    url: str = field(repr=False)
    kinds: tuple[str, ...] = DEFAULT_KINDS
    secret: str = field(repr=False, default="")
    previous_secret: str = field(repr=False, default="")
    created_at: str = ""
    disabled_at: str = ""
    disabled_why: str = ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What messages are signed with: both, while one is being replaced."""
        return (self.secret, self.previous_secret) if self.previous_secret else (self.secret,)

    def wants(self, kind: str) -> bool:
        """Return whether it is to be told of entries of that kind now."""
        return not self.disabled_at and kind in self.kinds


@dataclass(frozen=True, slots=True)
class Delivery:
    """One entry on its way to one endpoint. `told` is what came of the last attempt, fit for people."""

    endpoint: str
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

    @property
    def again_after_s(self) -> int | None:
        """How long until the next attempt, after one that failed; None if there is none."""
        return BACKOFF_S[self.attempts - 1] if 0 < self.attempts <= len(BACKOFF_S) else None


def new_endpoint(tenant: str, url: str, kinds: Iterable[str], *, at: str) -> Endpoint:
    """Return an endpoint with a secret of its own. Raises Refused for what is no https address, or no kind."""
    wanted = tuple(kinds) or DEFAULT_KINDS
    if unknown := [kind for kind in wanted if kind not in KINDS]:
        raise Refused(f"nobody is told of {unknown[0]} by webhook: among {', '.join(KINDS)}")
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.username is None
    except ValueError:
        is_address = False
    if not is_address or not url.isprintable() or " " in url:
        raise Refused("an endpoint is an address like https://crm.example.com/callscribe")
    return Endpoint(f"we_{secrets.token_hex(8)}", tenant, url, wanted, new_secret(), created_at=at)


def body_of(entry: Entry) -> bytes:
    """Return what is posted of an entry."""
    return msgspec.json.encode(
        {
            "type": entry.kind,
            "timestamp": entry.at,
            "data": {
                "call_id": entry.call_id,
                "seq": entry.seq,
                "tenant": entry.tenant,
                "body": msgspec.Raw(encode_body(entry.body)),
            },
        }
    )


@dataclass(frozen=True, slots=True)
class Webhooks:
    """The endpoints and deliveries in `table`."""

    table: str

    def put(self, endpoint: Endpoint) -> Steps[None]:
        """Keep an endpoint, in place of what was known of it."""
        texts = {
            "id": endpoint.id,
            "tenant": endpoint.tenant,
            "url": endpoint.url,
            "kinds": " ".join(endpoint.kinds),
            "secret": endpoint.secret,
            "previous_secret": endpoint.previous_secret,
            "created_at": endpoint.created_at,
            "disabled_at": endpoint.disabled_at,
            "disabled_why": endpoint.disabled_why,
        }
        item = {name: {"S": text} for name, text in texts.items()}
        yield Table(self.table).put({**_endpoint_key(endpoint.tenant, endpoint.id), **item})

    def remove(self, tenant: str, endpoint: str) -> Steps[None]:
        """Forget an endpoint; what was delivered to it is told for as long as it is kept."""
        yield Table(self.table).delete(_endpoint_key(tenant, endpoint))

    def of_tenant(self, tenant: str) -> Steps[list[Endpoint]]:
        """Return a tenant's endpoints, the disabled ones too."""
        items = yield from Table(self.table).of_partition(f"TENANT#{tenant}", begins="ENDPOINT#")
        return [_endpoint(item) for item in items]

    def disable(self, endpoint: Endpoint, *, why: str, at: str) -> Steps[None]:
        """Tell an endpoint nothing any more; one that was removed meanwhile stays so."""
        yield Table(self.table).update(
            _endpoint_key(endpoint.tenant, endpoint.id),
            {"disabled_at": {"S": at}, "disabled_why": {"S": why}},
            when("attribute_exists(pk)"),
        )

    def plan(self, delivery: Delivery, *, now: datetime) -> Steps[Delivery]:
        """Keep what is to be delivered, once; return it, or how far it is already."""
        answer = yield Table(self.table).put(_delivery_item(delivery, now), when("attribute_not_exists(pk)"))
        return _delivery(answer.item) if isinstance(answer, Conflict) else delivery

    def find(self, delivery: Delivery) -> Steps[Delivery | None]:
        """Return how far a delivery is; None for one that nobody keeps any more."""
        answer = yield Table(self.table).get(_delivery_key(delivery))
        item: Item | None = answer.get("Item")
        return None if item is None else _delivery(item)

    def attempted(self, delivery: Delivery, *, state: State, told: str, now: datetime) -> Steps[Delivery]:
        """Note what came of one more attempt, and return the delivery as it is then.

        If another attempt was noted meanwhile, that one counts.
        """
        attributes: Item = {
            "state": {"S": state},
            "attempts": number(delivery.attempts + 1),
            "told": {"S": told},
            "last_at": {"S": timestamp(now)},
        }
        condition = when("#attempts = :before", names={"#attempts": "attempts"}, before=number(delivery.attempts))
        answer = yield Table(self.table).update(_delivery_key(delivery), attributes, condition)
        return _delivery(answer.item if isinstance(answer, Conflict) else answer["Attributes"])

    def deliveries(self, endpoint: str, *, since: str, until: str) -> Steps[list[Delivery]]:
        """Return the deliveries to an endpoint of entries from `since` to before `until`, in their order."""
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
        return [_delivery(item) for item in items]

    def again(self, delivery: Delivery) -> Steps[Delivery]:
        """Begin a delivery anew, whatever came of it; return it."""
        fresh = Delivery(delivery.endpoint, delivery.call_id, delivery.seq, delivery.at, delivery.kind)
        attributes: Item = {"state": {"S": "waiting"}, "attempts": number(0)}
        yield Table(self.table).update(_delivery_key(delivery), attributes, when("attribute_exists(pk)"))
        return fresh


def _endpoint_key(tenant: str, endpoint: str) -> Item:
    return key(f"TENANT#{tenant}", f"ENDPOINT#{endpoint}")


def _endpoint(item: Item) -> Endpoint:
    texts = {name: item[name]["S"] for name in Endpoint.__slots__ if name in item and name != "kinds"}
    return Endpoint(**texts, kinds=tuple(item["kinds"]["S"].split()))


def _delivery_key(delivery: Delivery) -> Item:
    return key(f"ENDPOINT#{delivery.endpoint}", f"DELIVERY#{delivery.at}#{delivery.call_id}#{delivery.seq:010d}")


def _delivery_item(delivery: Delivery, now: datetime) -> Item:
    return {
        **_delivery_key(delivery),
        "kind": {"S": delivery.kind},
        "state": {"S": delivery.state},
        "attempts": number(delivery.attempts),
        "told": {"S": delivery.told},
        "last_at": {"S": delivery.last_at},
        "expires_at": number(int((now + KEPT).timestamp())),
    }


def _delivery(item: Item) -> Delivery:
    at, _, rest = item["sk"]["S"].removeprefix("DELIVERY#").partition("#")
    call_id, _, seq = rest.rpartition("#")
    state: State = item["state"]["S"]  # nobody else writes here
    return Delivery(
        endpoint=item["pk"]["S"].removeprefix("ENDPOINT#"),
        call_id=call_id,
        seq=int(seq),
        at=at,
        kind=item["kind"]["S"],
        state=state,
        attempts=int(item["attempts"]["N"]),
        told=item["told"]["S"],
        last_at=item["last_at"]["S"],
    )
