"""Brings one call that is over to its end. May be cut off anywhere and repeated: the log is as if it had run once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from callscribe.after_call import Summary, TranscriptReady
from callscribe.archive import key_of, pack, rows
from callscribe.call import fold
from callscribe.entries import Entry
from callscribe.errors import MalformedMessage, Refused, Unavailable
from callscribe.joined import may_be_joined, stale_key
from callscribe.sessions_heard import SessionHeard, sessions_heard
from callscribe.stored_result import Stored, fetch
from functions.fact import Fact
from functions.finish.due import figures, ready, said
from functions.ports import Ask
from functions.whole_log import WholeLog

# Gladia's result is there within seconds of a session's end, and Gladia is seldom away for longer.
PATIENCE = timedelta(minutes=15)


class Outcome(StrEnum):
    """What became of a call, and what is counted."""

    UNKNOWN = "unknown"  # there is no such log
    NOT_OVER = "not over"  # the entry that ends it brings another event
    WAITS = "waits"  # for Gladia
    DONE = "done"
    DONE_BEFORE = "done before"


@dataclass(frozen=True, slots=True)
class Finish:
    """The services that a call is finished with."""

    log: WholeLog
    ask: Ask
    gladia: Callable[[], tuple[str, str]]  # address and key; raises Unavailable or Refused
    keep: Callable[[str, bytes], None]  # puts a file into the archive; raises Unavailable

    def finish(self, call_id: str, *, now: datetime) -> Outcome:
        """Write what the call's log lacks, keep the call as a file, and say so in the log.

        Raises Unavailable, and botocore's ClientError for what AWS will not do: the next run goes on from there.
        """
        entries = self.log.read(call_id)
        call = fold(entries)
        if call.started is None:
            return Outcome.UNKNOWN
        if not call.settled:
            return Outcome.NOT_OVER
        told = [entry.body for entry in entries if isinstance(entry.body, TranscriptReady)]
        unknown: Sequence[str] = told[-1].unknown if told else ()
        if not told:
            found = self._reconcile(entries, now)
            if found is None:
                return Outcome.WAITS
            entries, unknown = found
        due = figures(entries)
        if not due and ready(entries, call, unknown=unknown) is None:
            return Outcome.DONE_BEFORE
        self._keep(self.log.append(entries, due, now), unknown, now)
        return Outcome.DONE

    def _keep(self, entries: list[Entry], unknown: Sequence[str], now: datetime) -> None:
        """Put the call whose log is `entries` into the archive, and say so."""
        call = fold(entries)
        # Without what tells of the file itself, or it would be another file after each time that it is told of.
        kept = [entry for entry in entries if not isinstance(entry.body, TranscriptReady)]
        self.keep(key_of(call, entries[0].call_id, entries[0].tenant), pack(rows(kept)))
        day = date.fromisoformat((call.started_at or "1970-01-01")[:10])
        if may_be_joined(day, today=now.date()):
            # After the file: until it is told, searches find the call as it was.
            self.keep(stale_key(day, entries[0].tenant), b"")
        if (fact := ready(entries, call, unknown=unknown)) is not None:
            self.log.append(entries, [fact], now)

    def _reconcile(self, entries: list[Entry], now: datetime) -> tuple[list[Entry], list[str]] | None:
        """Append what Gladia knows and the log doesn't; return the log, and what stays unknown; None if it may come."""
        patient = now - _last_change(entries) < PATIENCE
        unknown: list[str] = []
        for session in sessions_heard(entries):
            stored, why = self._stored(session)
            if not stored.settled and patient:
                return None
            if why or stored.status != "done":
                unknown.append(f"session {session.id}: {why or stored.status}")
            entries = self.log.append(entries, _facts(session, entries, stored), now)
        return entries, unknown

    def _stored(self, session: SessionHeard) -> tuple[Stored, str]:
        """Return what Gladia has of the session, and why there is nothing."""
        try:
            return self.ask(fetch(*self.gladia(), session.id)), ""
        except (Unavailable, Refused) as error:
            return Stored("queued"), str(error)
        except MalformedMessage as error:
            return Stored("queued"), f"malformed: {error.kind}"  # the message may quote what was said


def _facts(session: SessionHeard, entries: Sequence[Entry], stored: Stored) -> list[Fact]:
    facts = [Fact(utterance, utterance.id) for utterance in session.lacking(said(entries), stored)]
    told = {entry.body.session for entry in entries if isinstance(entry.body, Summary)}
    if stored.summary and session.id not in told:
        facts.append(Fact(Summary(text=stored.summary, session=session.id), f"{session.id}/summary"))
    return facts


def _last_change(entries: Sequence[Entry]) -> datetime:
    """Return when the log was last written, by the writer's own clock."""
    return max(datetime.fromisoformat(entry.at) for entry in entries)
