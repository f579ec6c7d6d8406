"""The operations of the HTTP API, in one table: what is routed, what is documented, what is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from msgspec import Struct

from callscribe.http_answers import CallDetail, CallsPage, LogPage, SearchPage, StreamAnswer, TicketAnswer
from callscribe.second_transcript import SecondTranscript
from functions.calls import reading, searching, streams, ticketing
from functions.calls.questions import (
    CallsQuestion,
    LogQuestion,
    SearchQuestion,
    StreamQuestion,
    TicketQuestion,
    TranscriptQuestion,
)
from functions.calls.service import Asked, Reply, Service

NAMED = {
    "call_id": "the call; with Twilio its CallSid",
    "media_stream": "the media stream; with Twilio its StreamSid",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path. Parts of the path in braces are among NAMED."""

    name: str
    method: str
    path: str
    act: Callable[[Service, Asked], Reply]
    query: type[Struct] | None = None
    body: type[Struct] | None = None
    answer: type[Struct] | None = None
    status: HTTPStatus = HTTPStatus.OK
    also: tuple[HTTPStatus, ...] = ()  # other statuses of the same answer
    problems: tuple[HTTPStatus, ...] = ()

    @property
    def summary(self) -> str:
        """What it does, in one sentence."""
        return (self.act.__doc__ or "").strip().splitlines()[0].rstrip(".")


_CALL = (HTTPStatus.NOT_FOUND,)

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        name="listCalls",
        method="GET",
        path="/v1/calls",
        act=reading.list_calls,
        query=CallsQuestion,
        answer=CallsPage,
    ),
    Operation(
        name="readCall",
        method="GET",
        path="/v1/calls/{call_id}",
        act=reading.read_call,
        answer=CallDetail,
        problems=_CALL,
    ),
    Operation(
        name="readLog",
        method="GET",
        path="/v1/calls/{call_id}/log",
        act=reading.read_log,
        query=LogQuestion,
        answer=LogPage,
        problems=_CALL,
    ),
    Operation(
        name="readTranscript",
        method="GET",
        path="/v1/calls/{call_id}/transcript",
        act=reading.read_transcript,
        query=TranscriptQuestion,
        problems=_CALL,
    ),
    Operation(
        name="readSecondPass",
        method="GET",
        path="/v1/calls/{call_id}/second-pass",
        act=reading.read_second_pass,
        answer=SecondTranscript,
        problems=_CALL,
    ),
    Operation(
        name="search",
        method="GET",
        path="/v1/search",
        act=searching.search,
        query=SearchQuestion,
        answer=SearchPage,
        also=(HTTPStatus.ACCEPTED,),
        problems=_CALL,
    ),
    Operation(
        name="startStream",
        method="POST",
        path="/v1/calls/{call_id}/streams",
        act=streams.start_stream,
        body=StreamQuestion,
        answer=StreamAnswer,
        status=HTTPStatus.ACCEPTED,
        problems=(*_CALL, HTTPStatus.CONFLICT),
    ),
    Operation(
        name="stopStream",
        method="DELETE",
        path="/v1/calls/{call_id}/streams/{media_stream}",
        act=streams.stop_stream,
        status=HTTPStatus.NO_CONTENT,
        problems=_CALL,
    ),
    Operation(
        name="makeTicket",
        method="POST",
        path="/v1/tickets",
        act=ticketing.make_ticket,
        body=TicketQuestion,
        answer=TicketAnswer,
        status=HTTPStatus.CREATED,
    ),
)
