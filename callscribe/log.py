"""The log of a call in the table Calls: numbered from 1, without a hole, written by several processes at once.

Nothing here talks to DynamoDB. Each operation is a generator that yields `Request`s, one DynamoDB call each, and is
sent the answer; `callscribe.dynamodb` performs them with boto3, the bridge without blocking. So the rule that keeps a
log free of holes is written, and tested, once.

    pk = CALL#<call_id>
    sk = LOG#<seq, ten digits>   one entry: kind, at, tenant, body (JSON), token
    sk = HEAD                    what lists show; derived from the entries (callscribe.head)
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from callscribe import head
from callscribe.entries import Body, Entry, decode_body, encode_body, kind_of
from callscribe.errors import MalformedMessage
from callscribe.requests import Conflict, Item, Request

T = TypeVar("T")
Steps: TypeAlias = Generator[Request, Any, T]

PAGE_ENTRIES = 200  # a page of utterances stays well under DynamoDB's 1 MB answer


@dataclass(frozen=True, slots=True)
class Log:
    """The log of one call."""

    table: str
    call_id: str

    def append(self, body: Body, *, at: str, tenant: str, token: str, tail: int | None = None) -> Steps[Entry]:
        """Write `body` as the next entry and return it with its number.

        `token` names this fact: appending again under the same token, after an answer that was lost, returns the entry
        that is there and writes nothing. `tail` is the last number the writer knows of; without it the log is asked.
        A token is only recognised from `tail` on, so a writer that may repeat an old fact reads the log first.
        """
        last = (yield from self.tail()) if tail is None else tail
        while True:
            entry = Entry(self.call_id, last + 1, at, tenant, body)
            answer = yield self._put(entry, token)
            if not isinstance(answer, Conflict):
                break
            # Somebody wrote first, or this writer did and lost the answer; the tokens tell which.
            items = yield from self._items(after=last, limit=PAGE_ENTRIES)
            mine = next((item for item in items if item["token"]["S"] == token), None)
            if mine is not None:
                entry = entry_of(mine)
                break
            last = _seq(items[-1])
        yield from self._show(entry)
        return entry

    def open(self, body: Body, *, at: str, tenant: str, token: str) -> Steps[Entry]:
        """Write `body` as the first entry, or return the first entry that is already there."""
        entry = Entry(self.call_id, 1, at, tenant, body)
        answer = yield self._put(entry, token)
        if isinstance(answer, Conflict):
            entry = entry_of(answer.item)
        yield from self._show(entry)
        return entry

    def read(self, *, after: int = 0, limit: int = PAGE_ENTRIES) -> Steps[list[Entry]]:
        """Return at most `limit` entries from number `after + 1` on, in order; fewer means that the end is reached."""
        items = yield from self._items(after=after, limit=limit)
        return [entry_of(item) for item in items]

    def read_all(self) -> Steps[list[Entry]]:
        """Return the whole log, in order."""
        entries: list[Entry] = []
        while True:
            page = yield from self.read(after=len(entries))
            entries += page
            if len(page) < PAGE_ENTRIES:
                return entries

    def tail(self) -> Steps[int]:
        """Return the number of the last entry; 0 for a call that has none."""
        answer = yield Request(
            "query",
            {
                "TableName": self.table,
                "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
                "ExpressionAttributeValues": {
                    ":pk": {"S": partition(self.call_id)},
                    ":first": {"S": _sort(1)},
                    ":last": {"S": _LAST},
                },
                "ProjectionExpression": "sk",
                "ConsistentRead": True,
                "ScanIndexForward": False,
                "Limit": 1,
            },
        )
        return _seq(answer["Items"][0]) if answer["Items"] else 0

    def _show(self, entry: Entry) -> Steps[None]:
        update = head.update(self.table, entry)
        if update is not None:
            yield update

    def _put(self, entry: Entry, token: str) -> Request:
        return Request(
            "put_item",
            {
                "TableName": self.table,
                "Item": {
                    "pk": {"S": partition(entry.call_id)},
                    "sk": {"S": _sort(entry.seq)},
                    "kind": {"S": kind_of(entry.body)},
                    "at": {"S": entry.at},
                    "tenant": {"S": entry.tenant},
                    "body": {"S": encode_body(entry.body).decode()},
                    "token": {"S": token},
                },
                "ConditionExpression": "attribute_not_exists(pk)",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            },
        )

    def _items(self, *, after: int, limit: int) -> Steps[list[Item]]:
        items: list[Item] = []
        start: dict[str, Any] = {}
        while True:
            answer = yield Request(
                "query",
                {
                    "TableName": self.table,
                    "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
                    "ExpressionAttributeValues": {
                        ":pk": {"S": partition(self.call_id)},
                        ":first": {"S": _sort(after + 1)},
                        ":last": {"S": _LAST},
                    },
                    "ConsistentRead": True,
                    "Limit": limit - len(items),
                    **start,
                },
            )
            items += answer["Items"]
            # An answer ends at 1 MB, however few entries that is.
            if len(items) >= limit or "LastEvaluatedKey" not in answer:
                return items
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def entry_of(item: Item) -> Entry:
    """Return the entry in `item`, a DynamoDB item of the log (also as a stream record's new image).

    Raises MalformedMessage if it lacks an attribute or its body is not of its kind's shape.
    """
    try:
        return Entry(
            call_id=item["pk"]["S"].removeprefix("CALL#"),
            seq=_seq(item),
            at=item["at"]["S"],
            tenant=item["tenant"]["S"],
            body=decode_body(item["kind"]["S"], item["body"]["S"]),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise MalformedMessage(f"entry: {type(error).__name__}", kind="entry") from error


def partition(call_id: str) -> str:
    """Return the partition key of a call, the same in Calls and Subscriptions."""
    return f"CALL#{call_id}"


def _sort(seq: int) -> str:
    return f"LOG#{seq:010d}"


_LAST = "LOG#9999999999"


def _seq(item: Item) -> int:
    return int(item["sk"]["S"].removeprefix("LOG#"))
