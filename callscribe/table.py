"""Requests to a table whose keys are pk and sk, as Sessions is: writes under a condition, consistent reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from callscribe.log import Steps
from callscribe.requests import Item, Request


def key(pk: str, sk: str) -> Item:
    """Return the key of an item."""
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def number(value: int) -> dict[str, str]:
    """Return `value` as an attribute."""
    return {"N": str(value)}


@dataclass(frozen=True, slots=True)
class Condition:
    """What has to hold for a write; names in `names` and values in `values` stand for themselves elsewhere."""

    text: str
    values: Item
    names: dict[str, str]

    def arguments(self, *, values: Item, names: dict[str, str]) -> dict[str, Any]:
        """Return the arguments of a write under this condition that uses more `values` and `names`."""
        values, names = {**self.values, **values}, {**self.names, **names}
        return {
            "ConditionExpression": self.text,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            **({"ExpressionAttributeValues": values} if values else {}),
            **({"ExpressionAttributeNames": names} if names else {}),
        }


def when(text: str, *, names: dict[str, str] | None = None, **values: dict[str, Any]) -> Condition:
    """Return the condition `text`, in which `:name` is the value given as `name`."""
    return Condition(text, {f":{name}": value for name, value in values.items()}, names or {})


@dataclass(frozen=True, slots=True)
class Table:
    """One table, by its name."""

    name: str

    def put(self, item: Item, condition: Condition | None = None) -> Request:
        """Write `item` in place of whatever is there; answered by Conflict if `condition` doesn't hold."""
        arguments = condition.arguments(values={}, names={}) if condition else {}
        return Request("put_item", {"TableName": self.name, "Item": item, **arguments})

    def update(
        self, item_key: Item, attributes: Item, condition: Condition, *, remove: tuple[str, ...] = ()
    ) -> Request:
        """Set `attributes` and remove others, leaving the rest; answered by the item as it is then, or by Conflict."""
        change = "SET " + ", ".join(f"#{name} = :new_{name}" for name in attributes)
        if remove:
            change += " REMOVE " + ", ".join(f"#{name}" for name in remove)
        return Request(
            "update_item",
            {
                "TableName": self.name,
                "Key": item_key,
                "UpdateExpression": change,
                "ReturnValues": "ALL_NEW",
                **condition.arguments(
                    values={f":new_{name}": value for name, value in attributes.items()},
                    # So that none can be one of DynamoDB's 573 reserved words.
                    names={f"#{name}": name for name in (*attributes, *remove)},
                ),
            },
        )

    def delete(self, item_key: Item, condition: Condition | None = None) -> Request:
        """Delete an item; nothing happens if there is none. Answered by Conflict if `condition` doesn't hold."""
        arguments = condition.arguments(values={}, names={}) if condition else {}
        return Request("delete_item", {"TableName": self.name, "Key": item_key, **arguments})

    def get(self, item_key: Item) -> Request:
        """Read an item as the last write left it."""
        return Request("get_item", {"TableName": self.name, "Key": item_key, "ConsistentRead": True})

    def of_partition(self, pk: str, *, begins: str | None = None) -> Steps[list[Item]]:
        """Return, in order, the items of a partition whose sort keys begin so, as the last writes left them."""
        condition, values = "pk = :pk", {":pk": {"S": pk}}
        if begins is not None:
            condition += " AND begins_with(sk, :begins)"
            values[":begins"] = {"S": begins}
        return every_item(
            {
                "TableName": self.name,
                "KeyConditionExpression": condition,
                "ExpressionAttributeValues": values,
                "ConsistentRead": True,
            }
        )


def every_item(query: dict[str, Any]) -> Steps[list[Item]]:
    """Return all items that the arguments `query` ask for, however many answers of at most 1 MB they come in."""
    items: list[Item] = []
    start: dict[str, Any] = {}
    while True:
        answer = yield Request("query", {**query, **start})
        items += answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return items
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
