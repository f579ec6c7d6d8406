"""The calls of a tenant, newest first: the index `by-start` of the table Calls, page by page.

It holds the heads of calls (see `callscribe.head`).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Literal, Self

import msgspec
from msgspec import Struct, field

from callscribe import head
from callscribe.decoding import NOT_DECODABLE
from callscribe.errors import MalformedMessage
from callscribe.log import Steps, partition
from callscribe.requests import Item, Request

INDEX = "by-start"
# Calls that a filter leaves out are read all the same: a page may have fewer than asked for, and a place to go on from.
REQUESTS_A_PAGE = 10
EXAMINED = 200

Status = Literal["in-progress", "ended"]
_FIRST, _LAST = "0", ":"  # before and after every time in ISO 8601


class CallSummary(Struct, frozen=True, kw_only=True):
    """What a list shows of a call. `failure` says why its transcript is not complete, if that is known."""

    call_id: str
    status: Status
    provider: str
    direction: str
    from_number: str = field(name="from")
    to_number: str = field(name="to")
    started_at: str
    ended_at: str | None = None
    duration_ms: int | None = None
    reason: str | None = None
    parties: tuple[str, ...] = ()
    failure: str | None = None


class Place(Struct, frozen=True):
    """Where in the list a page ended."""

    started_at: str
    call_id: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the place that `text` was made of. Raises MalformedMessage."""
        try:
            return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=cls)
        except (*NOT_DECODABLE, ValueError) as error:
            raise MalformedMessage("this is no place in a list of calls", kind="place") from error

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which calls: of this status, with this number on either side, started from `since` on and before `until`."""

    status: Status | None = None
    number: str | None = None
    since: str | None = None
    until: str | None = None

    def arguments(self, list_partition: str) -> dict[str, Any]:
        """Return the query's arguments for the calls in that partition."""
        values: Item = {
            ":list": {"S": list_partition},
            ":since": {"S": self.since or _FIRST},
            ":until": {"S": self.until or _LAST},
        }
        names = {"#list": "list"}
        filters = []
        if self.status is not None:
            filters.append("#status = :status")
            names["#status"] = "status"
            values[":status"] = {"S": self.status}
        if self.number is not None:
            filters.append("(#from = :number OR #to = :number)")
            names |= {"#from": "from", "#to": "to"}
            values[":number"] = {"S": self.number}
        return {
            "KeyConditionExpression": "#list = :list AND started_at BETWEEN :since AND :until",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
            **({"FilterExpression": " AND ".join(filters)} if filters else {}),
        }

    def includes(self, item: Item) -> bool:
        """Return whether an answer's item is meant: a query has both ends of its range."""
        started_at: str = item["started_at"]["S"]
        return started_at != self.until


@dataclass(frozen=True, slots=True)
class CallsList:
    """The list in `table`."""

    table: str

    def page(
        self, tenant: str, wanted: Wanted, *, limit: int, start: Place | None = None
    ) -> Steps[tuple[list[CallSummary], Place | None]]:
        """Return at most `limit` calls after `start`, and where to go on; None at the list's end.

        The index may be some seconds behind.
        """
        list_partition = head.list_partition(tenant)
        found: list[Item] = []
        after = None if start is None else _index_key(list_partition, start)
        for _ in range(REQUESTS_A_PAGE):
            answer = yield Request(
                "query",
                {
                    "TableName": self.table,
                    "IndexName": INDEX,
                    "ScanIndexForward": False,
                    "Limit": EXAMINED,
                    **wanted.arguments(list_partition),
                    **({"ExclusiveStartKey": after} if after else {}),
                },
            )
            found += filter(wanted.includes, answer["Items"])
            after = answer.get("LastEvaluatedKey")
            if after is None or len(found) > limit:
                break
        shown = [_summary(item) for item in found[:limit]]
        if len(found) > limit:
            return shown, Place(shown[-1].started_at, shown[-1].call_id)
        return shown, None if after is None else Place(after["started_at"]["S"], _call_id(after))


def _index_key(list_partition: str, place: Place) -> Item:
    return {
        "pk": {"S": partition(place.call_id)},
        "sk": {"S": "HEAD"},
        "list": {"S": list_partition},
        "started_at": {"S": place.started_at},
    }


def _call_id(item: Item) -> str:
    call_id: str = item["pk"]["S"]
    return call_id.removeprefix("CALL#")


def _summary(item: Item) -> CallSummary:
    def text(name: str) -> Any:
        return item[name]["S"] if name in item else None

    return CallSummary(
        call_id=_call_id(item),
        status=text("status"),
        provider=text("provider"),
        direction=text("direction"),
        from_number=text("from"),
        to_number=text("to"),
        started_at=text("started_at"),
        ended_at=text("ended_at"),
        duration_ms=int(item["duration_ms"]["N"]) if "duration_ms" in item else None,
        reason=text("reason"),
        parties=tuple(sorted(item["parties"]["SS"])) if "parties" in item else (),
        failure=text("failure"),
    )
