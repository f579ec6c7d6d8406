"""Who follows which call: the table Subscriptions, written by `subscribe`, read by `push` and the bridge.

As in `callscribe.log`, nothing here talks to DynamoDB: each operation yields `Request`s and is sent the answers.

    pk = CALL#<call_id>
    sk = CONNECTION#<connection_id>   connection_id, tenant, expires_at (seconds since 1970; the table's TTL)

The index `by-connection` (partition connection_id, sort pk) holds keys only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from callscribe.log import Steps, partition
from callscribe.requests import Item, Request

BY_CONNECTION = "by-connection"


@dataclass(frozen=True, slots=True)
class Subscription:
    """One connection follows one call until `expires_at`, in seconds since 1970."""

    call_id: str
    connection_id: str
    tenant: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """The subscriptions of all calls."""

    table: str

    def put(self, subscription: Subscription) -> Steps[None]:
        """Keep `subscription`; one that the same connection has to the same call is replaced."""
        yield Request(
            "put_item",
            {
                "TableName": self.table,
                "Item": {
                    **_key(subscription.call_id, subscription.connection_id),
                    "connection_id": {"S": subscription.connection_id},
                    "tenant": {"S": subscription.tenant},
                    "expires_at": {"N": str(subscription.expires_at)},
                },
            },
        )

    def remove(self, call_id: str, connection_id: str) -> Steps[None]:
        """Forget that the connection follows the call; nothing happens if it doesn't."""
        yield Request("delete_item", {"TableName": self.table, "Key": _key(call_id, connection_id)})

    def of_call(self, call_id: str, *, now_s: float) -> Steps[list[Subscription]]:
        """Return the subscriptions to a call that are live at `now_s`, seconds since 1970.

        Whoever subscribed before an entry was written is among those that are returned after it was written.
        """
        items = yield from self._query(
            {
                "KeyConditionExpression": "pk = :pk",
                "ExpressionAttributeValues": {":pk": {"S": partition(call_id)}},
                "ConsistentRead": True,
            }
        )
        # DynamoDB deletes what has expired when it finds the time, up to days later.
        return [each for each in map(_subscription, items) if each.expires_at > now_s]

    def of_connection(self, connection_id: str) -> Steps[list[str]]:
        """Return the ids of the calls that a connection follows; one of the last second may be missing."""
        items = yield from self._query(
            {
                "IndexName": BY_CONNECTION,
                "KeyConditionExpression": "connection_id = :connection",
                "ExpressionAttributeValues": {":connection": {"S": connection_id}},
            }
        )
        return [_call_id(item) for item in items]

    def _query(self, arguments: dict[str, Any]) -> Steps[list[Item]]:
        items: list[Item] = []
        start: dict[str, Any] = {}
        while True:
            answer = yield Request("query", {"TableName": self.table, **arguments, **start})
            items += answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return items
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def _key(call_id: str, connection_id: str) -> Item:
    return {"pk": {"S": partition(call_id)}, "sk": {"S": f"CONNECTION#{connection_id}"}}


def _call_id(item: Item) -> str:
    call_id: str = item["pk"]["S"]
    return call_id.removeprefix("CALL#")


def _subscription(item: Item) -> Subscription:
    return Subscription(
        call_id=_call_id(item),
        connection_id=item["connection_id"]["S"],
        tenant=item["tenant"]["S"],
        expires_at=int(item["expires_at"]["N"]),
    )
