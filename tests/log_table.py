"""The table Calls in memory, as far as the log's operations use it."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from callscribe.log import Steps
from callscribe.requests import Conflict, Item, Request

T = TypeVar("T")


class Table:
    """The one table, as DynamoDB keeps it; knows the three calls that the log makes."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Item] = {}

    def ask(self, request: Request) -> Any:
        arguments = request.arguments
        match request.method:
            case "put_item":
                key = (arguments["Item"]["pk"]["S"], arguments["Item"]["sk"]["S"])
                if key in self.items:
                    return Conflict(self.items[key])
                self.items[key] = arguments["Item"]
                return {}
            case "update_item":
                self.items[(arguments["Key"]["pk"]["S"], "HEAD")] = arguments
                return {}
            case "query":
                values = arguments["ExpressionAttributeValues"]
                found = [
                    item
                    for (pk, sk), item in sorted(
                        self.items.items(), reverse=not arguments.get("ScanIndexForward", True)
                    )
                    if pk == values[":pk"]["S"] and values[":first"]["S"] <= sk <= values[":last"]["S"]
                ]
                return {"Items": found[: arguments["Limit"]]}
        raise AssertionError(request.method)

    def run(self, steps: Steps[T]) -> T:
        answer: Any = None
        while True:
            try:
                answer = self.ask(steps.send(answer))
            except StopIteration as done:
                found: T = done.value
                return found

    async def run_yielding(self, steps: Steps[T]) -> T:
        """As `run`, but any other writer may come between two requests."""
        answer: Any = None
        while True:
            await asyncio.sleep(0)
            try:
                answer = self.ask(steps.send(answer))
            except StopIteration as done:
                found: T = done.value
                return found
