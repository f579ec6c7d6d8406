"""What the HTTP API answers: written by the function `calls`, read by clients."""

from __future__ import annotations

from msgspec import Raw, Struct
from msgspec import field as named

from callscribe.calls_list import CallSummary
from callscribe.entries import Ledger
from callscribe.search_sql import Moment


class CallsPage(Struct, frozen=True, kw_only=True):
    """Calls, newest first. `next` asks for the page after this one; without it this is the last."""

    calls: tuple[CallSummary, ...]
    next: str | None = None


class LegDetail(Struct, frozen=True, kw_only=True):
    """One party's audio. `gap_ms` never came; `ledger` is there once the leg has ended."""

    leg: str
    party: str
    track: str
    codec: str
    media_stream: str
    complete: bool
    gap_ms: int
    ledger: Ledger | None = None


class CallDetail(Struct, frozen=True, kw_only=True):
    """A call as of entry `seq` of its log.

    `complete` claims that all audio of every party was heard; `settled` that nothing will follow.
    """

    call_id: str
    seq: int
    status: str  # in-progress, ended
    provider: str
    direction: str
    from_number: str = named(name="from")
    to_number: str = named(name="to")
    metadata: dict[str, str]
    started_at: str
    duration_ms: int | None = None
    reason: str | None = None
    failure: str | None = None
    complete: bool
    settled: bool
    utterances: int
    legs: tuple[LegDetail, ...]


class LogEntry(Struct, frozen=True, kw_only=True):
    """One entry of a call's log; what is in `body` depends on `kind`."""

    seq: int
    kind: str
    at: str
    body: Raw


class LogPage(Struct, frozen=True, kw_only=True):
    """Entries in order. `next` is the `after` to go on with; without it the log's end, so far, is reached."""

    call_id: str
    entries: tuple[LogEntry, ...]
    next: int | None = None


class TicketAnswer(Struct, frozen=True, kw_only=True):
    """A ticket for the WebSocket at `url`, which it is already in, until `expires_at`; a secret."""

    ticket: str
    url: str
    expires_at: str


class SearchMoment(Moment, frozen=True, kw_only=True):
    """Something that was said and is looked for; `link` is where on the page it is, after the page's address."""

    link: str


class SearchedCall(Struct, frozen=True, kw_only=True):
    """A call in which all that is looked for was found; of a search for calls alone there are no moments."""

    call_id: str
    started_at: str
    duration_ms: int
    direction: str
    from_number: str = named(name="from")
    to_number: str = named(name="to")
    link: str
    moments: tuple[SearchMoment, ...]


class SearchPage(Struct, frozen=True, kw_only=True):
    """Calls that were found, newest first; as long as it is not `over`, ask for `search` again in a second.

    `next` asks for the page after this one; without it this is the last.
    """

    search: str
    over: bool
    calls: tuple[SearchedCall, ...] = ()
    next: str | None = None


class ProblemDocument(Struct, frozen=True, kw_only=True):
    """Why a request was not done; `code` is for programs, `field` is the one that is wrong, `detail` is for people.

    Source: RFC 9457, "Problem Details for HTTP APIs".
    """

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    field: str | None = None


class StreamAnswer(Struct, frozen=True, kw_only=True):
    """The media stream that was asked for; its words come when it is open."""

    call_id: str
    media_stream: str
