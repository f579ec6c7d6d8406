"""The tables of a deployment, for moto to make. `tests/infra` holds them against the templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final


def _table(name: str, *keys: str, **indexes: tuple[str, str, str | list[str]]) -> dict[str, Any]:
    """Return the arguments of `create_table`; an index has two keys and a projection, or the attributes in it."""
    attributes = dict.fromkeys([*keys, *(key for *pair, _ in indexes.values() for key in pair)])
    request: dict[str, Any] = {
        "TableName": name,
        "KeySchema": _schema(*keys),
        "AttributeDefinitions": [{"AttributeName": each, "AttributeType": "S"} for each in attributes],
        "BillingMode": "PAY_PER_REQUEST",
    }
    if indexes:
        request["GlobalSecondaryIndexes"] = [
            {
                "IndexName": index.replace("_", "-"),
                "KeySchema": _schema(*pair),
                "Projection": {"ProjectionType": projection}
                if isinstance(projection, str)
                else {"ProjectionType": "INCLUDE", "NonKeyAttributes": projection},
            }
            for index, (*pair, projection) in indexes.items()
        ]
    return request


def _schema(*keys: str) -> list[dict[str, str]]:
    return [{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)]


TABLES: Final[Mapping[str, Mapping[str, Any]]] = {
    "Calls": _table(
        "Calls", "pk", "sk", by_start=("list", "started_at", "ALL"), in_progress=("live", "started_at", "KEYS_ONLY")
    ),
    "Subscriptions": _table("Subscriptions", "pk", "sk", by_connection=("connection_id", "pk", ["missed_after"])),
    "Sessions": _table("Sessions", "pk", "sk", by_owner=("owner", "pk", "ALL")),
    "Idempotency": _table("Idempotency", "id"),
    "Tickets": _table("Tickets", "pk", "sk"),
    "Webhooks": _table("Webhooks", "pk", "sk", due=("due", "due_at", "ALL")),
    "Keys": _table("Keys", "pk", "sk", by_tenant=("tenant", "created_at", "ALL")),
}
