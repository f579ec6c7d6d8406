"""What the operations stand on, and what one of them is given and gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from callscribe.entries import Entry
from callscribe.joined import Joined
from callscribe.log import PAGE_ENTRIES, Log
from callscribe.twilio_rest import TwilioRest
from functions.calls.problems import no_such_call
from functions.ports import Ask, Perform

JSON = "application/json"


class Queries(Protocol):
    """Runs SQL over the archive. Each method raises Unavailable, and Refused for what the engine will not do."""

    def start(self, sql: str) -> str:
        """Begin a statement and return its id."""

    def rows(self, query: str, *, wait_s: float) -> list[list[str]] | None:
        """Return the rows of a statement as text; None if it is not over within `wait_s`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Tables, secrets and settings. Each callable returns a text, and raises Unavailable or Refused."""

    calls_table: str
    perform: Perform
    ask: Ask
    twilio: Callable[[], TwilioRest]
    settings: Callable[[], str]
    media_url: Callable[[], str]
    signing_secret: Callable[[], str]
    queries: Queries
    joined: Callable[[str], Joined]  # what a tenant's searches read joined; raises Unavailable
    file: Callable[[str], bytes | None]  # of the archive, by its key; raises Unavailable
    push_url: str
    stream_status_url: str  # where Twilio tells of media streams

    def log(self, call_id: str, tenant: str) -> Iterator[Entry]:
        """Yield the log of a call of that tenant. Raises Problem if it has none."""
        after = 0
        while True:
            page = self.perform(Log(self.calls_table, call_id).read(after=after))
            if after == 0 and (not page or page[0].tenant != tenant):
                raise no_such_call()
            yield from page
            if len(page) < PAGE_ENTRIES:
                return
            after = page[-1].seq


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request of somebody whom we know: what stands in its path, and the question that its operation takes."""

    tenant: str
    now: datetime
    path: Mapping[str, str] = field(default_factory=dict)
    question: Any = None

    @property
    def call_id(self) -> str:
        """The call that it is about."""
        return self.path["call_id"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is answered if all goes well."""

    status: HTTPStatus = HTTPStatus.OK
    media_type: str = JSON
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def reply(answer: Struct, status: HTTPStatus = HTTPStatus.OK) -> Reply:
    """Return `answer` as JSON."""
    return Reply(status=status, body=msgspec.json.encode(answer).decode())
