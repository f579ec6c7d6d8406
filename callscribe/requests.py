"""DynamoDB calls as values, so that what is asked can be decided, and tested, without asking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Item: TypeAlias = dict[str, dict[str, Any]]  # DynamoDB's own JSON: {"pk": {"S": "CALL#…"}}


@dataclass(frozen=True, slots=True)
class Request:
    """One DynamoDB call: the method of a low-level client and its arguments."""

    method: Literal["put_item", "get_item", "query", "update_item", "delete_item"]
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Conflict:
    """The answer to a conditional write whose condition didn't hold; `item` is what is there, {} if nothing is."""

    item: Item
