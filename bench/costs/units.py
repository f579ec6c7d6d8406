"""DynamoDB's own units of what is read and written, counted on tables in memory.

Sources: Amazon DynamoDB, "Read and write operations" (units of 4 KB and 1 KB; a condition that fails costs a write),
"DynamoDB item sizes and formats", "Using global secondary indexes" (what an index costs a write).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from bench.chaos.expressions import Item
from bench.chaos.tables import Failed, Tables

READ_BYTES: Final = 4096
WRITE_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class Index:
    """A secondary index: its key, and which attributes it holds beside the keys; None is all of them."""

    key: tuple[str, str]
    holds: frozenset[str] | None

    def entry(self, item: Item | None) -> Item | None:
        """Return what the index holds of `item`, None if the item isn't in it."""
        if item is None or not item.keys() >= set(self.key):
            return None
        if self.holds is None:
            return item
        return {name: value for name, value in item.items() if name in {"pk", "sk", *self.key, *self.holds}}


INDEXES: Final[Mapping[str, Mapping[str, Index]]] = {
    "Calls": {
        "by-start": Index(("list", "started_at"), None),
        "in-progress": Index(("live", "started_at"), frozenset()),
    },
    "Sessions": {"by-owner": Index(("owner", "pk"), None)},
    "Subscriptions": {"by-connection": Index(("connection_id", "pk"), frozenset({"missed_after"}))},
}


def item_bytes(item: Item) -> int:
    """Return how large DynamoDB takes an item to be: its names and its values."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def read_units(size_bytes: int, *, consistent: bool) -> float:
    """Return what reading so much at once costs; nothing found costs as much as little."""
    units = max(1, ceil(size_bytes / READ_BYTES))
    return units if consistent else units / 2


def write_units(before: Item | None, after: Item | None) -> int:
    """Return what a write costs by the larger of the two; one that finds nothing costs 1."""
    return max(1, *(ceil(item_bytes(item) / WRITE_BYTES) for item in (before, after) if item is not None), 1)


def index_units(index: Index, before: Item | None, after: Item | None) -> int:
    """Return what a write costs in an index: nothing if the index holds the same as before, 2 writes for a new key."""
    old, new = index.entry(before), index.entry(after)
    if old == new:
        return 0
    if old is not None and new is not None and any(old[name] != new[name] for name in index.key):
        return write_units(old, None) + write_units(None, new)
    return write_units(old, new)


@dataclass(slots=True)
class Count:
    """Requests of one kind, and what they cost."""

    requests: int = 0
    read_units: float = 0.0
    write_units: int = 0
    index_units: int = 0
    item_bytes: int = 0  # written, or read


class CountedTables(Tables):
    """Tables that count, by table, operation and what is asked for."""

    def __init__(self, *names: str, written: Any) -> None:
        super().__init__(*names, written=written)
        self.counts: defaultdict[tuple[str, str, str], Count] = defaultdict(Count)

    def perform(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Return DynamoDB's answer, and count. Raises as `Tables` does."""
        count = self.counts[request["TableName"], operation, subject(request)]
        count.requests += 1
        if operation in ("Query", "GetItem"):
            answer = super().perform(operation, request)
            items = answer.get("Items", [answer["Item"]] if "Item" in answer else [])
            size = sum(item_bytes(item) for item in items)
            count.item_bytes += size
            count.read_units += read_units(size, consistent=bool(request.get("ConsistentRead")))
            return answer
        before = self._find(request)
        try:
            answer = super().perform(operation, request)
        except Failed:
            count.write_units += write_units(before, None)
            raise
        after = self._find(request)
        count.write_units += write_units(before, after)
        count.item_bytes += item_bytes(after) if after is not None else 0
        for index in INDEXES.get(request["TableName"], {}).values():
            count.index_units += index_units(index, before, after)
        return answer

    def _find(self, request: dict[str, Any]) -> Item | None:
        key = request.get("Item") or request["Key"]
        return self.tables[request["TableName"]].partitions.get(key["pk"]["S"], {}).get(key["sk"]["S"])


def subject(request: Mapping[str, Any]) -> str:
    """Return what a request is about: the kind of its partition or index, and the kind of its sort key."""
    key = request.get("Item") or request.get("Key")
    if key is not None:
        return f"{_kind(key['pk'])} {_kind(key['sk'])}"
    values = request["ExpressionAttributeValues"]
    begins = values.get(":begins") or values.get(":first")
    return f"{request.get('IndexName') or _kind(values[':pk'])} {_kind(begins) if begins else '*'}"


def _kind(value: Mapping[str, Any]) -> str:
    return str(value["S"]).partition("#")[0]


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":  # about two digits a byte, and one more
            return ceil(len(content.lstrip("-")) / 2) + 1
        case "B":
            return len(content)
        case "BOOL":
            return 1
        case _:  # a set of texts
            return 3 + sum(len(each.encode()) for each in content)
