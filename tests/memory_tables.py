"""Tables in memory, whose operations are run at once."""

from __future__ import annotations

from bench.chaos.tables import Failed, Tables
from callscribe.requests import Conflict, Request

OPERATIONS = {
    "put_item": "PutItem", "get_item": "GetItem", "query": "Query", "update_item": "UpdateItem",
    "delete_item": "DeleteItem",
}  # fmt: skip


class Dynamo:
    """The tables Calls and Webhooks."""

    def __init__(self) -> None:
        self._tables = Tables("Calls", "Webhooks", written=lambda _table, _item: None)

    def ask(self, request: Request):
        try:
            return self._tables.perform(OPERATIONS[request.method], request.arguments)
        except Failed as failed:
            if failed.code != "ConditionalCheckFailedException":
                raise
            return Conflict(failed.item or {})

    def run(self, steps):
        answer = None
        while True:
            try:
                answer = self.ask(steps.send(answer))
            except StopIteration as done:
                return done.value

    @property
    def items(self):
        return {(item["pk"]["S"], item["sk"]["S"]): item for item in self._tables.tables["Calls"].items()}
