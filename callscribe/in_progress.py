"""The calls whose log has not ended, across tenants: the index `in-progress` of the table Calls.

It holds the heads that have `live` (see `callscribe.head`), by their start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from callscribe import head
from callscribe.entries import Entry
from callscribe.log import Steps
from callscribe.requests import Item, Request

INDEX = "in-progress"


@dataclass(frozen=True, slots=True)
class InProgress:
    """The calls in progress that `table` knows of."""

    table: str

    def before(self, started_at: str) -> Steps[dict[str, str]]:
        """Return when each call began that did before `started_at` (as entries write time), by its id.

        The oldest come first. The index may be some seconds behind: a call may have ended meanwhile.
        """
        items: list[Item] = []
        start: dict[str, Any] = {}
        while True:
            answer = yield Request(
                "query",
                {
                    "TableName": self.table,
                    "IndexName": INDEX,
                    "KeyConditionExpression": "#live = :live AND started_at < :before",
                    "ExpressionAttributeNames": {"#live": "live"},
                    "ExpressionAttributeValues": {":live": {"S": head.LIVE}, ":before": {"S": started_at}},
                    **start,
                },
            )
            items += answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return {item["pk"]["S"].removeprefix("CALL#"): item["started_at"]["S"] for item in items}
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def show(self, entry: Entry) -> Steps[None]:
        """Bring the head of a call up to `entry`, which is in its log: whoever wrote that may have died before."""
        update = head.update(self.table, entry)
        if update is not None:
            yield update
