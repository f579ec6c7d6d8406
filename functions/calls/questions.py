"""What can be asked: the query of each operation, or its body, and how they are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Struct

from callscribe.calls_list import Status
from callscribe.decoding import NOT_DECODABLE
from callscribe.log import PAGE_ENTRIES
from callscribe.messages import After, CallId
from functions.calls.problems import malformed

CallIds: TypeAlias = Annotated[tuple[CallId, ...], Meta(min_length=1, max_length=50)]
Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
TicketSeconds: TypeAlias = Annotated[int, Meta(ge=60, le=7200)]

_Question = TypeVar("_Question", bound=Struct)


class Asking(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all questions: a misspelt name is told, and nothing is done."""


class CallsQuestion(Asking, frozen=True, kw_only=True):
    """Which calls to list: of this status, with this number on either side, begun from `since` on, before `until`."""

    status: Status | None = None
    number: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    since: Moment | None = None
    until: Moment | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    next: str | None = None  # of the page before


class LogQuestion(Asking, frozen=True, kw_only=True):
    """Which entries: from number `after + 1` on."""

    after: After = 0
    limit: Annotated[int, Meta(ge=1, le=PAGE_ENTRIES)] = PAGE_ENTRIES


class TranscriptQuestion(Asking, frozen=True, kw_only=True):
    """In which format the transcript is wanted."""

    format: Literal["json", "vtt", "srt", "text", "csv"] = "json"


class SearchQuestion(Asking, frozen=True, kw_only=True):
    """What to look for (`q`, docs/archive.md), or a search that is under way; and how many calls at most."""

    q: str | None = None
    search: str | None = None  # of an answer that was not over
    limit: Annotated[int, Meta(ge=1, le=50)] = 20
    next: str | None = None  # of the page before


class TicketQuestion(Asking, frozen=True, kw_only=True):
    """Leave to follow these calls, or all of the tenant's without any, for so many seconds."""

    calls: CallIds | None = None
    seconds: TicketSeconds = 3600


class StreamQuestion(Asking, frozen=True, kw_only=True):
    """How to begin transcribing a call that is on the line.

    `account` is Twilio's (`AC…`), needed for a call that callscribe has not heard of. `tracks` are the number's own
    unless they are said.
    """

    account: Annotated[str, Meta(pattern="^AC[0-9a-f]{32}$")] | None = None
    tracks: Literal["both_tracks", "inbound_track", "outbound_track"] | None = None


def of_query(query: Mapping[str, str], shape: type[_Question]) -> _Question:
    """Return the question in a query string's parameters. Raises Problem."""
    try:
        return msgspec.convert(dict(query), shape, strict=False)
    except msgspec.ValidationError as error:
        raise _malformed(error) from error


def of_body(body: bytes, shape: type[_Question]) -> _Question:
    """Return the question in a JSON body; an empty one asks for the defaults. Raises Problem."""
    try:
        return msgspec.json.decode(body or b"{}", type=shape)
    except NOT_DECODABLE as error:
        raise _malformed(error) from error


def _malformed(error: Any) -> Exception:
    # The decoder's words name the field and what was expected, never the value: "Expected `int` - at `$.limit`".
    text = str(error)
    named = re.search(r"(?:unknown field `([^`]*)`|- at `\$\.(\w+)[^`]*`)$", text)
    return malformed(text, field=named and (named[1] or named[2]))
