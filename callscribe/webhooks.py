"""Webhooks: the endpoints where a tenant's own systems are told of calls.

    pk = TENANT#<tenant>
    sk = ENDPOINT#<id>    id, tenant, url, kinds, secret, previous_secret, previous_until, created_at, disabled_at,
                          disabled_why (times as in the log)

As in `callscribe.log`, operations yield `Request`s and are sent the answers. What is delivered to each endpoint is in
the same table (`callscribe.deliveries`).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from callscribe.errors import Refused
from callscribe.log import Steps
from callscribe.requests import Conflict, Item
from callscribe.table import Table, key, when
from callscribe.webhook_signature import new_secret

# What may be delivered; what is said while a call goes on is followed over a WebSocket, or on the event bus.
KINDS = (
    "call.started", "call.ended", "call.failed", "summary", "chapters", "analytics", "transcript.ready",
    "batch.ready", "batch.failed",
)  # fmt: skip
DEFAULT_KINDS = ("transcript.ready", "call.failed")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a tenant wants to be told, of what, and what it is signed with."""

    id: str
    tenant: str
    url: str = field(repr=False)  # it may hold a key
    kinds: tuple[str, ...] = DEFAULT_KINDS
    secret: str = field(repr=False, default="")
    previous_secret: str = field(repr=False, default="")
    previous_until: str = ""
    created_at: str = ""
    disabled_at: str = ""
    disabled_why: str = ""

    def secrets(self, *, at: str) -> tuple[str, ...]:
        """Return what messages are signed with at that time: both, while one is being replaced."""
        return (self.secret, self.previous_secret) if at < self.previous_until else (self.secret,)


def new_endpoint(tenant: str, url: str, kinds: Iterable[str], *, at: str) -> Endpoint:
    """Return an endpoint with a secret of its own. Raises Refused for what is no http address, or no kind."""
    wanted = tuple(kinds) or DEFAULT_KINDS
    if unknown := [kind for kind in wanted if kind not in KINDS]:
        raise Refused(f"nobody is told of {unknown[0]} by webhook: among {', '.join(KINDS)}")
    if not is_address(url):
        raise Refused("an endpoint is an address like https://crm.example.com/callscribe")
    return Endpoint(f"we_{secrets.token_hex(8)}", tenant, url, wanted, new_secret(), created_at=at)


def is_address(url: str) -> bool:
    """Tell whether something can be posted there: http or https, a host, and nothing that does not belong there."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        # The port is only looked at when it is asked for.
        is_one = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_one and parts.username is None and not parts.fragment


@dataclass(frozen=True, slots=True)
class Webhooks:
    """The endpoints in `table`."""

    table: str

    def add(self, endpoint: Endpoint) -> Steps[None]:
        """Keep a new endpoint."""
        texts = {name: getattr(endpoint, name) for name in Endpoint.__slots__ if name != "kinds"}
        item = {name: {"S": text} for name, text in texts.items()}
        item["kinds"] = {"S": " ".join(endpoint.kinds)}
        yield Table(self.table).put({**_key(endpoint.tenant, endpoint.id), **item}, when("attribute_not_exists(pk)"))

    def find(self, tenant: str, endpoint: str) -> Steps[Endpoint | None]:
        """Return a tenant's endpoint; None if there is none of that id."""
        answer = yield Table(self.table).get(_key(tenant, endpoint))
        item: Item | None = answer.get("Item")
        return None if item is None else _of(item)

    def of_tenant(self, tenant: str) -> Steps[list[Endpoint]]:
        """Return a tenant's endpoints, the disabled ones too."""
        items = yield from Table(self.table).of_partition(f"TENANT#{tenant}", begins="ENDPOINT#")
        return [_of(item) for item in items]

    def remove(self, tenant: str, endpoint: str) -> Steps[bool]:
        """Forget an endpoint and its secret; return whether there was one."""
        answer = yield Table(self.table).delete(_key(tenant, endpoint), when("attribute_exists(pk)"))
        return not isinstance(answer, Conflict)

    def rotate(self, endpoint: Endpoint, *, until: str) -> Steps[Endpoint | None]:
        """Give an endpoint another secret; the one before signs beside it until then. Return it as it is then.

        None if it was removed, or given another one, meanwhile.
        """
        attributes: Item = {
            "secret": {"S": new_secret()},
            "previous_secret": {"S": endpoint.secret},
            "previous_until": {"S": until},
        }
        condition = when("#secret = :before", before={"S": endpoint.secret})
        answer = yield Table(self.table).update(_key(endpoint.tenant, endpoint.id), attributes, condition)
        return None if isinstance(answer, Conflict) else _of(answer["Attributes"])

    def disable(self, tenant: str, endpoint: str, *, why: str, at: str) -> Steps[bool]:
        """Tell an endpoint nothing any more; return whether there is such a one."""
        return (yield from self._switch(tenant, endpoint, at=at, why=why))

    def enable(self, tenant: str, endpoint: str) -> Steps[bool]:
        """Tell an endpoint what comes from now on; return whether there is such a one."""
        return (yield from self._switch(tenant, endpoint, at="", why=""))

    def _switch(self, tenant: str, endpoint: str, *, at: str, why: str) -> Steps[bool]:
        attributes: Item = {"disabled_at": {"S": at}, "disabled_why": {"S": why}}
        # One that was removed stays so.
        answer = yield Table(self.table).update(_key(tenant, endpoint), attributes, when("attribute_exists(pk)"))
        return not isinstance(answer, Conflict)


def _key(tenant: str, endpoint: str) -> Item:
    return key(f"TENANT#{tenant}", f"ENDPOINT#{endpoint}")


def _of(item: Item) -> Endpoint:
    texts = {name: item[name]["S"] for name in Endpoint.__slots__ if name != "kinds"}
    return Endpoint(**texts, kinds=tuple(item["kinds"]["S"].split()))
