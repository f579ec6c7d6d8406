"""Searching the archive. A search that takes longer than a request may is asked for again by its ticket."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime, timedelta
from http import HTTPStatus

import msgspec
from msgspec import Struct

from callscribe.decoding import NOT_DECODABLE
from callscribe.entries import timestamp
from callscribe.http_answers import SearchedCall, SearchMoment, SearchPage
from callscribe.search_query import QueryError, parse
from callscribe.search_sql import FoundCall, Moment, calls, statement
from callscribe.tickets import InvalidTicket, Ticket, sign, verify
from functions.calls.problems import Problem, malformed
from functions.calls.questions import SearchQuestion
from functions.calls.service import Asked, Reply, Service, reply
from functions.secrets import signing_keys

WAIT_S = 8.0  # most searches are over by then; API Gateway gives a request 29 s
LIFE = timedelta(hours=1)
LONGEST_CHARACTERS = 2000
WORDS = "words"


class Place(Struct, frozen=True, array_like=True):
    """Where a page ends: its last call."""

    started_at: str
    call_id: str


def search(service: Service, asked: Asked) -> Reply:
    """Find calls by what was said in them, by whom, when and how."""
    question: SearchQuestion = asked.question
    if (question.q is None) == (question.search is None):
        raise malformed("either q, what to look for, or search, of an answer that was not over", field="q")
    keys = signing_keys(service.signing_secret())
    if question.search is not None:
        return _found(service, _of_ticket(question.search, keys, asked), question.search)
    try:
        query = parse(question.q or "", today=asked.now.date())
    except QueryError as error:
        raise malformed(str(error), field="q") from error
    # One more than is wanted tells whether there are others.
    after = _place(question.next)
    source = service.joined(asked.tenant).source(tenant=asked.tenant, since=query.since, until=query.until)
    written = statement(query, tenant=asked.tenant, table=source, limit=question.limit + 1, after=after).text
    started = service.queries.start(written)
    # What a search's rows don't say, the ticket keeps: whether there are moments, and how many calls were asked for.
    ticket = Ticket(
        use="search",
        tenant=asked.tenant,
        calls=(started,),
        expires_at=int((asked.now + LIFE).timestamp()),
        id=f"{WORDS if query.is_of_words else 'calls'}/{question.limit}",
    )
    return _found(service, ticket, sign(ticket, keys[0]))


def _found(service: Service, ticket: Ticket, text: str) -> Reply:
    """Answer what a search has found, or that it goes on."""
    (query_id,) = ticket.calls or ("",)
    rows = service.queries.rows(query_id, wait_s=WAIT_S)
    if rows is None:
        waiting = reply(SearchPage(search=text, over=False), HTTPStatus.ACCEPTED)
        return Reply(status=waiting.status, body=waiting.body, headers={"retry-after": "1"})
    kind, _, limit = ticket.id.partition("/")
    found = list(calls(rows, is_of_words=kind == WORDS))
    page, more = found[: int(limit)], found[int(limit) :]
    last = Place(page[-1].started_at, page[-1].call_id) if more else None
    return reply(
        SearchPage(
            search=text, over=True, calls=tuple(map(_shown, page)), next=None if last is None else _written(last)
        )
    )


def _shown(call: FoundCall) -> SearchedCall:
    link = f"#call={call.call_id}"
    return SearchedCall(
        call_id=call.call_id,
        started_at=timestamp(datetime.fromisoformat(call.started_at)),
        duration_ms=call.duration_ms,
        direction=call.direction,
        from_number=call.from_number,
        to_number=call.to_number,
        link=link,
        moments=tuple(_moment(moment, link) for moment in call.moments),
    )


def _moment(moment: Moment, link: str) -> SearchMoment:
    return SearchMoment(**msgspec.structs.asdict(moment), link=f"{link}&t={moment.start_ms // 1000}")


def _of_ticket(text: str, keys: tuple[str, ...], asked: Asked) -> Ticket:
    """Return the ticket of a search of the tenant's. Raises Problem."""
    try:
        ticket = verify(text, keys, use="search", now_s=asked.now.timestamp())
    except InvalidTicket as error:
        raise _no_such_search() from error
    if ticket.tenant != asked.tenant or len(ticket.calls or ()) != 1:
        raise _no_such_search()
    return ticket


def _no_such_search() -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "no-such-search", "there is no such search, or not any more", field="search")


def _written(place: Place) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _place(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    try:
        padded = text[:LONGEST_CHARACTERS] + "=" * (-len(text) % 4)
        place = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=Place)
    except (*NOT_DECODABLE, binascii.Error, ValueError) as error:
        raise malformed("next is not that of an answer", field="next") from error
    return place.started_at, place.call_id
