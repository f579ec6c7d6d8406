"""What a program does with callscribe: list, read, export and follow calls."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, Self, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from callscribe.calls_list import CallSummary
from callscribe.client.connection import Leave, happenings
from callscribe.client.errors import CannotFollow, RequestFailed
from callscribe.client.link import Link, Refusal, Seen
from callscribe.decoding import NOT_DECODABLE
from callscribe.entries import Entry, decode_body
from callscribe.errors import Unavailable
from callscribe.http_answers import (
    CallDetail,
    CallsPage,
    LogPage,
    ProblemDocument,
    SearchedCall,
    SearchPage,
    StreamAnswer,
    TicketAnswer,
)
from callscribe.second_transcript import SecondTranscript

T = TypeVar("T")

SEARCH_S = 1.0  # between two looks at a search that goes on

TIMEOUT_S = 30.0
# A lost connection needs another ticket, and a client that is gone should not leave one that lasts.
TICKET_S = 3600


class Callscribe:
    """One deployment, with the API key of one tenant."""

    def __init__(self, url: str, *, key: str) -> None:
        """`url` is the HTTP API's, as the stack's output `ApiUrl` has it; `key` may be an issuer's token as well."""
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/"), headers={"authorization": f"Bearer {key}"}, timeout=TIMEOUT_S
        )

    async def __aenter__(self) -> Self:
        """Begin."""
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close what is open."""
        await self._http.__aexit__(kind, error, trace)

    async def calls(
        self,
        *,
        status: Literal["in-progress", "ended"] | None = None,
        number: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> AsyncIterator[CallSummary]:
        """Give the calls that are asked for, newest first, for as long as somebody asks. Raises RequestFailed."""
        asked: dict[str, str | None] = {
            "status": status,
            "number": number,
            "since": None if since is None else since.isoformat(),
            "until": None if until is None else until.isoformat(),
            "limit": "200",
        }
        query = {name: value for name, value in asked.items() if value is not None}
        while True:
            page = await self._get("/v1/calls", CallsPage, **query)
            for call in page.calls:
                yield call
            if page.next is None:
                return
            query["next"] = page.next

    async def call(self, call_id: str) -> CallDetail:
        """Return how a call stands. Raises RequestFailed."""
        return await self._get(_path(call_id), CallDetail)

    async def log(self, call_id: str, *, after: int = 0) -> AsyncIterator[Entry]:
        """Give the entries of a call's log from number `after + 1` on, as far as it goes. Raises RequestFailed."""
        following: int | None = after
        while following is not None:
            page = await self._get(f"{_path(call_id)}/log", LogPage, after=str(following))
            for entry in page.entries:
                yield Entry(call_id, entry.seq, entry.at, "", decode_body(entry.kind, bytes(entry.body)))
            following = page.next

    async def transcript(self, call_id: str, form: Literal["json", "vtt", "srt", "text", "csv"] = "json") -> str:
        """Return what was said. Raises RequestFailed."""
        answer = await self._ask("GET", f"{_path(call_id)}/transcript", params={"format": form})
        return answer.text

    async def second_pass(self, call_id: str) -> SecondTranscript:
        """Return what the call's recording says, and where the live words differ from it. Raises RequestFailed."""
        return await self._get(f"{_path(call_id)}/second-pass", SecondTranscript)

    async def search(self, text: str) -> AsyncGenerator[SearchedCall, None]:
        """Give the calls in which `text` (docs/archive.md) was said, newest first, for as long as somebody asks.

        Raises RequestFailed.
        """
        asked: dict[str, str] = {"q": text, "limit": "20"}
        while True:
            page = await self._get("/v1/search", SearchPage, **asked)
            while not page.over:
                await asyncio.sleep(SEARCH_S)
                page = await self._get("/v1/search", SearchPage, search=page.search, limit=asked["limit"])
            for call in page.calls:
                yield call
            if page.next is None:
                return
            asked["next"] = page.next

    async def start_stream(
        self,
        call_id: str,
        *,
        account: str | None = None,
        tracks: Literal["both_tracks", "inbound_track", "outbound_track"] | None = None,
    ) -> str:
        """Begin to transcribe a call that is on the line; return its media stream's name. Raises RequestFailed."""
        asked = {"account": account, "tracks": tracks}
        body = {name: value for name, value in asked.items() if value is not None}
        answer = await self._ask("POST", f"{_path(call_id)}/streams", json=body)
        return _decode(answer, StreamAnswer).media_stream

    async def stop_stream(self, call_id: str, media_stream: str) -> None:
        """Stop transcribing it. Raises RequestFailed."""
        await self._ask("DELETE", f"{_path(call_id)}/streams/{quote(media_stream, safe='')}")

    async def ticket(self, *calls: str, seconds: int = TICKET_S) -> TicketAnswer:
        """Return leave for a client of yours to follow `calls`, or all calls without any. Raises RequestFailed."""
        body: dict[str, Any] = {"seconds": seconds, **({"calls": calls} if calls else {})}
        return _decode(await self._ask("POST", "/v1/tickets", json=body), TicketAnswer)

    async def follow(self, call_id: str, *, after: int = 0) -> AsyncGenerator[Seen, None]:
        """Give what happens in a call from entry `after + 1` on: entries in order, partials in between, for ever.

        Raises CannotFollow if it may not be followed.
        """
        link = Link(jitter=random.random)
        link.follow(call_id, after=after)
        async with aclosing(happenings(link, lambda: self._leave(call_id))) as seen:
            async for each in seen:
                if isinstance(each, Refusal):
                    raise CannotFollow(f"the push service refused: {each.message}")
                yield each

    async def watch(self) -> AsyncGenerator[Seen, None]:
        """Give, for ever, what begins and ends the tenant's calls, each a CallTold; Watching when that is certain.

        A connection that was lost may have missed some: after each Watching, list the calls in progress.
        """
        link = Link(jitter=random.random)
        link.watch()
        async with aclosing(happenings(link, self._leave)) as seen:
            async for each in seen:
                if isinstance(each, Refusal):
                    raise CannotFollow(f"the push service refused: {each.message}")
                yield each

    async def _leave(self, *calls: str) -> Leave:
        try:
            ticket = await self.ticket(*calls)
        except RequestFailed as error:
            if error.status in {0, httpx.codes.TOO_MANY_REQUESTS} or error.status >= 500:
                raise Unavailable(str(error)) from error
            raise CannotFollow(str(error)) from error
        return Leave(ticket.url, datetime.fromisoformat(ticket.expires_at).timestamp() - time.time())

    async def _get(self, path: str, shape: type[T], **query: str) -> T:
        return _decode(await self._ask("GET", path, params=query), shape)

    async def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            answer = await self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            where = self._http.base_url
            raise RequestFailed(f"{where} can't be reached: {type(error).__name__}", status=0, code="") from error
        if answer.is_success:
            return answer
        try:
            problem = msgspec.json.decode(answer.content, type=ProblemDocument)
        except NOT_DECODABLE:
            text = f"the HTTP API answered {answer.status_code}"
            raise RequestFailed(text, status=answer.status_code, code="") from None
        raise RequestFailed(problem.detail, status=answer.status_code, code=problem.code)


def _path(call_id: str) -> str:
    return f"/v1/calls/{quote(call_id, safe='')}"


def _decode(answer: httpx.Response, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.content, type=shape)
    except NOT_DECODABLE as error:
        raise RequestFailed(f"the HTTP API's answer is no {shape.__name__}", status=0, code="malformed") from error
