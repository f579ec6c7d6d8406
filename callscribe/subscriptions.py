"""Who follows which calls: the table Subscriptions, written by `subscribe`, read by `push` and the bridge.

As in `callscribe.log`, nothing here talks to DynamoDB: each operation yields `Request`s and is sent the answers.

    pk = CALL#<call_id>, or TENANT#<tenant> for whoever is told of all its calls
    sk = CONNECTION#<connection_id>   connection_id, tenant, expires_at (seconds since 1970; the table's TTL);
                                      missed_after, again_at while the connection lacks entries that were pushed

The index `by-connection` (partition connection_id, sort pk) holds the keys and missed_after.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from callscribe.log import Steps, partition
from callscribe.requests import Item, Request

BY_CONNECTION = "by-connection"


@dataclass(frozen=True, slots=True)
class Behind:
    """A connection that could not be posted to lacks the entries after number `after`.

    It is left alone until `again_at`, seconds since 1970, so that the others don't wait for it time and again.
    """

    after: int
    again_at: int


@dataclass(frozen=True, slots=True)
class Subscription:
    """One connection follows one call until `expires_at`, in seconds since 1970.

    Without a `call_id` it is told when the tenant's calls begin and end.
    """

    call_id: str | None
    connection_id: str
    tenant: str
    expires_at: int
    behind: Behind | None = None


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """All subscriptions."""

    table: str

    def put(self, subscription: Subscription) -> Steps[None]:
        """Keep `subscription`; one that the same connection has to the same is replaced, and no longer behind."""
        yield Request(
            "put_item",
            {
                "TableName": self.table,
                "Item": {
                    **_key(subscription),
                    "connection_id": {"S": subscription.connection_id},
                    "tenant": {"S": subscription.tenant},
                    "expires_at": {"N": str(subscription.expires_at)},
                },
            },
        )

    def remove(self, subscription: Subscription) -> Steps[None]:
        """Forget `subscription`, whenever it expires; nothing happens if it isn't there."""
        yield Request("delete_item", {"TableName": self.table, "Key": _key(subscription)})

    def fall_behind(self, subscription: Subscription, behind: Behind) -> Steps[None]:
        """Take down that `subscription` is behind; since when, if it was already. One that is gone stays gone."""
        yield Request(
            "update_item",
            {
                "TableName": self.table,
                "Key": _key(subscription),
                "UpdateExpression": "SET missed_after = if_not_exists(missed_after, :after), again_at = :again_at",
                "ConditionExpression": "attribute_exists(pk)",
                "ExpressionAttributeValues": {
                    ":after": {"N": str(behind.after)},
                    ":again_at": {"N": str(behind.again_at)},
                },
            },
        )

    def behind(self, connection_id: str) -> Steps[dict[str | None, int]]:
        """Return what a connection lacks: by call, None for its tenant, the number after which; a moment late."""
        items = yield from self._of_connection(connection_id)
        return {_call_id(item): int(item["missed_after"]["N"]) for item in items if "missed_after" in item}

    def catch_up(self, subscription: Subscription) -> Steps[None]:
        """Post what is new to `subscription` again; what it lacks is read from the log after this."""
        yield Request(
            "update_item",
            {
                "TableName": self.table,
                "Key": _key(subscription),
                "UpdateExpression": "REMOVE missed_after, again_at",
                "ConditionExpression": "attribute_exists(missed_after)",
            },
        )

    def forget(self, connection_id: str) -> Steps[None]:
        """Forget all that a connection follows; what it began to follow in the last second may be left."""
        items = yield from self._of_connection(connection_id)
        for item in items:
            yield Request("delete_item", {"TableName": self.table, "Key": {"pk": item["pk"], "sk": item["sk"]}})

    def of_call(self, call_id: str, *, now_s: float) -> Steps[list[Subscription]]:
        """Return the subscriptions to a call that are live at `now_s`, seconds since 1970.

        Whoever subscribed before an entry was written is among those that are returned after it was written.
        """
        return (yield from self._of(partition(call_id), call_id, now_s))

    def of_tenant(self, tenant: str, *, now_s: float) -> Steps[list[Subscription]]:
        """Return who is told of all the tenant's calls, live at `now_s`, seconds since 1970."""
        return (yield from self._of(_tenant_partition(tenant), None, now_s))

    def _of(self, pk: str, call_id: str | None, now_s: float) -> Steps[list[Subscription]]:
        items = yield from self._query(
            {
                "KeyConditionExpression": "pk = :pk",
                "ExpressionAttributeValues": {":pk": {"S": pk}},
                "ConsistentRead": True,
            }
        )
        # DynamoDB deletes what has expired when it finds the time, up to days later.
        return [each for each in (_subscription(item, call_id) for item in items) if each.expires_at > now_s]

    def _of_connection(self, connection_id: str) -> Steps[list[Item]]:
        return (
            yield from self._query(
                {
                    "IndexName": BY_CONNECTION,
                    "KeyConditionExpression": "connection_id = :connection",
                    "ExpressionAttributeValues": {":connection": {"S": connection_id}},
                }
            )
        )

    def _query(self, arguments: dict[str, Any]) -> Steps[list[Item]]:
        items: list[Item] = []
        start: dict[str, Any] = {}
        while True:
            answer = yield Request("query", {"TableName": self.table, **arguments, **start})
            items += answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return items
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def _key(subscription: Subscription) -> Item:
    call_id = subscription.call_id
    pk = _tenant_partition(subscription.tenant) if call_id is None else partition(call_id)
    return {"pk": {"S": pk}, "sk": {"S": f"CONNECTION#{subscription.connection_id}"}}


def _tenant_partition(tenant: str) -> str:
    return f"TENANT#{tenant}"


def _call_id(item: Item) -> str | None:
    kind, _, name = item["pk"]["S"].partition("#")
    return name if kind == "CALL" else None


def _subscription(item: Item, call_id: str | None) -> Subscription:
    is_behind = "missed_after" in item
    return Subscription(
        call_id=call_id,
        connection_id=item["connection_id"]["S"],
        tenant=item["tenant"]["S"],
        expires_at=int(item["expires_at"]["N"]),
        behind=Behind(int(item["missed_after"]["N"]), int(item["again_at"]["N"])) if is_behind else None,
    )
