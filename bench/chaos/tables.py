"""DynamoDB in memory: the operations that the product uses, with DynamoDB's own answers and refusals.

Strict where a stand-in is easily lenient: an expression's names and values must all be given and all be used, and an
item has its limit. An operation or expression that is not known raises Unsupported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.chaos.expressions import Condition, Item, Scope, Unsupported, condition, tokens, update

ITEM_BYTES = 400 * 1024
PAGE_BYTES = 1 << 20
INDEXES = {
    "by-owner": ("owner", "pk"),
    "by-connection": ("connection_id", "pk"),
    "by-start": ("list", "started_at"),
    "by-tenant": ("tenant", "created_at"),
    "in-progress": ("live", "started_at"),
    "due": ("due", "due_at"),
}
_EXPRESSIONS = (
    "ConditionExpression", "KeyConditionExpression", "UpdateExpression", "ProjectionExpression", "FilterExpression",
)  # fmt: skip
_ALLOWED = {
    "TableName", "Item", "Key", "ExpressionAttributeNames", "ExpressionAttributeValues", "ConsistentRead",
    "ScanIndexForward", "Limit", "ExclusiveStartKey", "IndexName", "ReturnValues", "Select",
    "ReturnValuesOnConditionCheckFailure", *_EXPRESSIONS,
}  # fmt: skip


class Failed(Exception):
    """DynamoDB refuses this: `code` as in its answer, `item` with a condition that did not hold."""

    def __init__(self, code: str, *, item: Item | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.item = item


@dataclass(slots=True)
class Table:
    """The items of one table, by partition and sort key."""

    partitions: dict[str, dict[str, Item]] = field(default_factory=dict)

    def items(self) -> Iterator[Item]:
        """Yield every item."""
        for partition in self.partitions.values():
            yield from partition.values()


class Tables:
    """Some tables whose keys are `pk` and `sk`; `written` is told each item that was put or updated, by its table."""

    def __init__(self, *names: str, written: Callable[[str, Item], None]) -> None:
        self.tables = {name: Table() for name in names}
        self._written = written
        self._operations: dict[str, Callable[[Table, dict[str, Any]], dict[str, Any]]] = {
            "PutItem": self._put,
            "GetItem": self._get,
            "UpdateItem": self._update,
            "DeleteItem": self._delete,
            "Query": self._query,
        }

    def perform(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Return DynamoDB's answer. Raises Failed for a refusal, Unsupported for what is not known here."""
        perform = self._operations.get(operation)
        if perform is None or (unknown := request.keys() - _ALLOWED):
            raise Unsupported(operation if perform is None else f"{operation}: {', '.join(sorted(unknown))}")
        table = self.tables.get(request["TableName"])
        if table is None:
            raise Failed("ResourceNotFoundException")
        _check_placeholders(request)
        return perform(table, request)

    def forget(self, partition: str) -> None:
        """Drop a partition from every table."""
        for table in self.tables.values():
            table.partitions.pop(partition, None)

    def _put(self, table: Table, request: dict[str, Any]) -> dict[str, Any]:
        item = request["Item"]
        before = table.partitions.get(item["pk"]["S"], {}).get(item["sk"]["S"])
        _check(request, before)
        self._write(table, request, item)
        return _returned(request, before)

    def _get(self, table: Table, request: dict[str, Any]) -> dict[str, Any]:
        item = _at(table, request["Key"])
        return {} if item is None else {"Item": item}

    def _update(self, table: Table, request: dict[str, Any]) -> dict[str, Any]:
        before = _at(table, request["Key"])
        _check(request, before)
        after = dict(before or request["Key"])
        for change in update(request["UpdateExpression"]):
            change(before or {}, after, _scope(request))
        self._write(table, request, after)
        return {"Attributes": after} if request.get("ReturnValues") == "ALL_NEW" else _returned(request, before)

    def _delete(self, table: Table, request: dict[str, Any]) -> dict[str, Any]:
        before = _at(table, request["Key"])
        _check(request, before)
        if before is not None:
            del table.partitions[request["Key"]["pk"]["S"]][request["Key"]["sk"]["S"]]
        return _returned(request, before)

    def _query(self, table: Table, request: dict[str, Any]) -> dict[str, Any]:
        if request.get("Select", "ALL_ATTRIBUTES") not in ("ALL_ATTRIBUTES", "COUNT"):
            raise Unsupported("Query of some attributes")
        name, scope = request.get("IndexName"), _scope(request)
        holds = condition(request["KeyConditionExpression"])
        if name is None:
            partition = scope.values[tokens(request["KeyConditionExpression"])[2]]["S"]
            found, order = list(table.partitions.get(partition, {}).values()), "sk"
        elif name in INDEXES and not request.get("ConsistentRead"):
            found, order = [item for item in table.items() if item.keys() >= set(INDEXES[name])], INDEXES[name][1]
        else:
            raise Unsupported(f"Query of the index {name}")
        found = sorted((item for item in found if holds(item, scope)), key=lambda item: str(item[order]["S"]))
        if not request.get("ScanIndexForward", True):
            found.reverse()
        if (start := request.get("ExclusiveStartKey")) is not None:
            places = [place for place, item in enumerate(found) if _key(item) == _key(start)]
            found = found[places[0] + 1 :] if places else found
        answer = _page(found, request.get("Limit"), keys=("pk", "sk", *INDEXES.get(name or "", ())))
        if (text := request.get("FilterExpression")) is not None:  # after the limit, as DynamoDB does
            kept = [item for item in answer["Items"] if condition(text)(item, scope)]
            answer |= {"Items": kept, "Count": len(kept)}
        if request.get("Select") == "COUNT":
            del answer["Items"]
        return answer

    def _write(self, table: Table, request: dict[str, Any], item: Item) -> None:
        if _size_bytes(item) > ITEM_BYTES:
            raise Failed("ValidationException")
        table.partitions.setdefault(item["pk"]["S"], {})[item["sk"]["S"]] = item
        self._written(request["TableName"], item)


def _scope(request: Mapping[str, Any]) -> Scope:
    return Scope(request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {}))


def _check_placeholders(request: Mapping[str, Any]) -> None:
    """Raise Failed unless each `#name` and `:value` is given and used, as DynamoDB does."""
    used = {token for name in _EXPRESSIONS if name in request for token in tokens(request[name]) if token[0] in "#:"}
    scope = _scope(request)
    if used != {*scope.names, *scope.values}:
        raise Failed("ValidationException")


def _check(request: Mapping[str, Any], before: Item | None) -> None:
    """Raise Failed unless the request's condition holds of the item as it is."""
    if (text := request.get("ConditionExpression")) is None:
        return
    holds: Condition = condition(text)
    if not holds(before or {}, _scope(request)):
        wanted = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        raise Failed("ConditionalCheckFailedException", item=before if wanted else None)


def _returned(request: Mapping[str, Any], before: Item | None) -> dict[str, Any]:
    wanted = request.get("ReturnValues", "NONE")
    if wanted not in ("NONE", "ALL_OLD"):
        raise Unsupported(f"ReturnValues {wanted}")
    return {"Attributes": before} if wanted == "ALL_OLD" and before is not None else {}


def _at(table: Table, key: Item) -> Item | None:
    return table.partitions.get(key["pk"]["S"], {}).get(key["sk"]["S"])


def _key(item: Item) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _page(found: list[Item], limit: int | None, *, keys: tuple[str, ...]) -> dict[str, Any]:
    """Return as much of `found` as an answer holds: at most `limit` items and 1 MiB."""
    items: list[Item] = []
    size_bytes = 0
    for item in found:
        size_bytes += _size_bytes(item)
        if len(items) == limit or (items and size_bytes > PAGE_BYTES):
            break
        items.append(item)
    answer: dict[str, Any] = {"Items": items, "Count": len(items), "ScannedCount": len(items)}
    if items and (len(items) < len(found) or len(items) == limit):
        answer["LastEvaluatedKey"] = {name: items[-1][name] for name in keys}
    return answer


def _size_bytes(item: Item) -> int:
    return sum(len(name) + len(str(next(iter(value.values())))) for name, value in item.items())
