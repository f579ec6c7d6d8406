"""API keys, by which a product's servers call the HTTP API. Only a digest of each is kept.

    cs_<id, 16 hex digits>_<secret, 43 characters of base64url>

    pk = KEY#<id>
    sk = KEY       id, tenant, name, digest, created_at, revoked_at (times as in the log)

The index `by-tenant` (partition tenant, sort created_at) lists a tenant's keys. As in `callscribe.log`, operations
yield `Request`s and are sent the answers.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

from callscribe.log import Steps
from callscribe.requests import Conflict, Item
from callscribe.table import Table, every_item, key, when

BY_TENANT = "by-tenant"
_TEXT = re.compile(r"cs_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """Leave to ask for whatever is `tenant`'s, until it is revoked."""

    id: str
    tenant: str
    name: str  # for people: whose, or what for
    created_at: str
    revoked_at: str | None = None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made. `text` is the secret itself: shown once, kept nowhere."""

    key: ApiKey
    text: str = field(repr=False)


def new_key(tenant: str, name: str, *, at: str) -> NewKey:
    """Return a key that nobody has yet."""
    made = ApiKey(secrets.token_hex(8), tenant, name, at)
    return NewKey(made, f"cs_{made.id}_{secrets.token_urlsafe(32)}")


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """The keys in `table`."""

    table: str

    def add(self, new: NewKey) -> Steps[None]:
        """Keep a new key: what it is for, and its digest."""
        item: Item = {
            **_key(new.key.id),
            "id": {"S": new.key.id},
            "tenant": {"S": new.key.tenant},
            "name": {"S": new.key.name},
            "created_at": {"S": new.key.created_at},
            "digest": {"S": digest_of(new.text)},
        }
        yield Table(self.table).put(item, when("attribute_not_exists(pk)"))

    def find(self, text: str) -> Steps[ApiKey | None]:
        """Return the key whose secret is `text`; None for one that is wrong or revoked."""
        parts = _TEXT.fullmatch(text)
        if parts is None:
            return None
        answer = yield Table(self.table).get(_key(parts[1]))
        item: Item | None = answer.get("Item")
        if item is None or not hmac.compare_digest(item["digest"]["S"], digest_of(text)):
            return None
        found = _of(item)
        return None if found.revoked_at else found

    def revoke(self, key_id: str, *, at: str) -> Steps[bool]:
        """Let a key open nothing any more; return whether there is such a key."""
        answer = yield Table(self.table).update(_key(key_id), {"revoked_at": {"S": at}}, when("attribute_exists(pk)"))
        return not isinstance(answer, Conflict)

    def of_tenant(self, tenant: str) -> Steps[list[ApiKey]]:
        """Return a tenant's keys, oldest first, the revoked ones too; one of the last second may be missing."""
        items = yield from every_item(
            {
                "TableName": self.table,
                "IndexName": BY_TENANT,
                "KeyConditionExpression": "tenant = :tenant",
                "FilterExpression": "sk = :kind",  # trunks are in the same index
                "ExpressionAttributeValues": {":tenant": {"S": tenant}, ":kind": {"S": "KEY"}},
            }
        )
        return [_of(item) for item in items]


def digest_of(secret: str) -> str:
    """Return what is kept of a secret: 256 random bits can't be guessed, so it needs neither salt nor slowness."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _key(key_id: str) -> Item:
    return key(f"KEY#{key_id}", "KEY")


def _of(item: Item) -> ApiKey:
    revoked_at = item.get("revoked_at")
    return ApiKey(
        id=item["id"]["S"],
        tenant=item["tenant"]["S"],
        name=item["name"]["S"],
        created_at=item["created_at"]["S"],
        revoked_at=revoked_at["S"] if revoked_at else None,
    )
