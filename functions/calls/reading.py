"""Reading calls: the list, one call, its log, its transcript."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus

from msgspec import Raw
from msgspec.structs import replace

from callscribe.call import Call, Leg, fold
from callscribe.calls_list import CallsList, Place, Wanted
from callscribe.entries import Entry, encode_body, timestamp
from callscribe.errors import MalformedMessage
from callscribe.exports.formats import FORMATS
from callscribe.http_answers import CallDetail, CallsPage, LegDetail, LogEntry, LogPage
from callscribe.log import Log
from callscribe.second_pass import BatchReady
from callscribe.second_transcript import decode
from functions.calls.problems import Problem, malformed, no_such_call
from functions.calls.questions import CallsQuestion, LogQuestion, TranscriptQuestion
from functions.calls.service import Asked, Reply, Service, reply


def list_calls(service: Service, asked: Asked) -> Reply:
    """List the tenant's calls, newest first."""
    question: CallsQuestion = asked.question
    try:
        start = None if question.next is None else Place.parse(question.next)
    except MalformedMessage as error:
        raise malformed(str(error), field="next") from error
    wanted = Wanted(
        status=question.status, number=question.number, since=_moment(question.since), until=_moment(question.until)
    )
    calls, place = service.perform(
        CallsList(service.calls_table).page(asked.tenant, wanted, limit=question.limit, start=start)
    )
    return reply(CallsPage(calls=tuple(calls), next=None if place is None else str(place)))


def read_call(service: Service, asked: Asked) -> Reply:
    """Tell how a call stands, and what is known of each party's audio."""
    return reply(_detail(asked.call_id, fold(service.log(asked.call_id, asked.tenant))))


def read_log(service: Service, asked: Asked) -> Reply:
    """Read a call's log from a number on."""
    question: LogQuestion = asked.question
    log = Log(service.calls_table, asked.call_id)
    first = service.perform(log.read(limit=1))
    if not first or first[0].tenant != asked.tenant:
        raise no_such_call()
    entries = service.perform(log.read(after=question.after, limit=question.limit))
    is_end = len(entries) < question.limit
    return reply(
        LogPage(
            call_id=asked.call_id,
            entries=tuple(map(_entry, entries)),
            next=None if is_end else entries[-1].seq,
        )
    )


def read_transcript(service: Service, asked: Asked) -> Reply:
    """Read what was said, as JSON, WebVTT, SRT, text or CSV."""
    question: TranscriptQuestion = asked.question
    form = FORMATS[question.format]
    entries = list(service.log(asked.call_id, asked.tenant))
    name = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in asked.call_id)
    return Reply(
        media_type=form.media_type,
        body=form.write(asked.call_id, entries),
        headers={"content-disposition": f'inline; filename="{name}.{form.suffix}"'},
    )


def read_second_pass(service: Service, asked: Asked) -> Reply:
    """Read what Gladia made of the call's recording, and where the live words differ from it.

    Without the times of words, which the file in the archive has: of a call of hours they are megabytes.
    """
    passes = [entry.body for entry in service.log(asked.call_id, asked.tenant) if isinstance(entry.body, BatchReady)]
    file = service.file(passes[-1].transcript) if passes else None
    if file is None:
        raise Problem(HTTPStatus.NOT_FOUND, "no-second-pass", "there is no second pass of this call", field="call_id")
    document = decode(file)
    lines = tuple(replace(line, utterance=replace(line.utterance, words=())) for line in document.lines)
    return reply(replace(document, lines=lines))


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp(moment)


def _entry(entry: Entry) -> LogEntry:
    return LogEntry(seq=entry.seq, kind=entry.kind, at=entry.at, body=Raw(encode_body(entry.body)))


def _detail(call_id: str, call: Call) -> CallDetail:
    started = call.started
    return CallDetail(
        call_id=call_id,
        seq=call.seq,
        status="in-progress" if call.ended is None else "ended",
        provider=started.provider if started else "",
        direction=started.direction if started else "",
        from_number=started.from_number if started else "",
        to_number=started.to_number if started else "",
        metadata=started.metadata if started else {},
        started_at=call.started_at or "",
        duration_ms=None if call.ended is None else call.ended.duration_ms,
        reason=None if call.ended is None else call.ended.reason,
        failure=None if call.failed is None else call.failed.reason,
        complete=call.complete,
        settled=call.settled,
        utterances=call.utterances,
        legs=tuple(map(_leg, call.legs)),
    )


def _leg(leg: Leg) -> LegDetail:
    return LegDetail(
        leg=leg.started.leg,
        party=leg.started.party,
        track=leg.started.track,
        codec=leg.started.codec,
        media_stream=leg.started.media_stream,
        complete=leg.complete,
        gap_ms=sum(gap.end_ms - gap.start_ms for gap in leg.gaps),
        ledger=None if leg.ended is None else leg.ended.ledger,
    )
