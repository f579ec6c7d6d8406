"""What is done for one call that no bridge attends to. Everything may be repeated, and be cut off anywhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from callscribe.call import fold
from callscribe.entries import TWILIO, Body, Entry, timestamp
from callscribe.errors import MalformedMessage, Refused, Unavailable
from callscribe.in_progress import InProgress
from callscribe.lane_record import LaneRecord
from callscribe.log import Log
from callscribe.sessions import STALE_MS, Sessions
from callscribe.stored_result import Stored, fetch
from callscribe.twilio_rest import CallOver, CallState, TwilioRest, carrying
from functions.ports import Ask, Perform
from functions.sweep.closing import close
from functions.sweep.ending import Ending, ending_by, ending_in, unknown_ending

# A media stream that was asked for is there within a second or two. Less than a minute, as the sweep comes each minute.
AGAIN_AFTER_MS = 20_000
# Gladia ends a session that it gets no audio for after half a minute, and Twilio and Gladia are seldom away for longer.
GIVE_UP_MS = 10 * 60_000
# No phone call at Twilio lasts a day.
LONGEST_CALL = timedelta(hours=25)

# A PBX whose bridge died opens another media stream within seconds, or never: nobody else can have it do so.
COME_BACK_MS = 60_000

NOT_TOLD = "twilio does not say whether the call goes on"


class Outcome(StrEnum):
    """What became of a call, and what is counted."""

    ATTENDED = "attended"  # a bridge has it, after all
    GOES_ON = "goes on"
    ASKED = "asked"  # for another media stream
    ASKED_BEFORE = "asked before"  # and it may still come
    WAITS = "waits"  # for Gladia to finish, or a PBX to come back
    CLOSED = "closed"
    GIVEN_UP = "given up"  # closed without all that should be known


@dataclass(frozen=True, slots=True)
class Care:
    """The services that calls are looked after with."""

    calls_table: str
    sessions: Sessions
    perform: Perform
    ask: Ask
    twilio: Callable[[], TwilioRest]  # raises Unavailable or Refused, as the next two do
    gladia: Callable[[], tuple[str, str]]  # address and key
    media_stream_url: Callable[[LaneRecord, datetime], str]

    def look_after(self, call_id: str, *, alive: Collection[str], now: datetime) -> Outcome:
        """Do what the call needs. `alive` are the tasks of the bridge whose heart beats.

        Raises CallscribeError, or botocore's ClientError for what DynamoDB will not do: the next run goes on from
        wherever this one came to.
        """
        now_ms = round(1000 * now.timestamp())
        records = self.perform(self.sessions.find(call_id))
        if any(is_attended(record, alive, now_ms=now_ms) for record in records):
            return Outcome.ATTENDED
        entries = self.perform(Log(self.calls_table, call_id).read_all())
        if is_of_trunk(entries, records) and now_ms - max([0, *(each.at_ms for each in records)]) < COME_BACK_MS:
            return Outcome.WAITS
        standing: Ending | CallState | None
        try:
            standing = self._standing(call_id, entries, records)
        except (Unavailable, Refused, MalformedMessage):
            if not is_hopeless(entries, records, now=now):
                raise
            # With lanes, the call may go on for all that is known; only what was heard of it is brought to an end.
            standing = None if records else unknown_ending(entries, records)
        if isinstance(standing, CallState):
            if records and standing.in_progress:
                return self._ask_for_audio(records, now)
            return Outcome.GOES_ON
        return self._close(call_id, entries, records, standing, now)

    def _standing(self, call_id: str, entries: list[Entry], records: list[LaneRecord]) -> Ending | CallState:
        if (told := ending_in(entries)) is not None:
            return told
        if is_of_trunk(entries, records):
            return unknown_ending(entries, records)  # its media streams were all that told of it
        started = fold(entries[:1]).started
        account = next((record.account for record in records), started.account if started else "")
        if not account:
            raise Refused("nobody knows whose call it is")
        state = self.ask(self.twilio().fetch_call(account, call_id))
        if isinstance(state, CallOver):
            return unknown_ending(entries, records)
        return ending_by(state) if state.over else state

    def _ask_for_audio(self, records: list[LaneRecord], now: datetime) -> Outcome:
        record = records[0]
        now_ms = round(1000 * now.timestamp())
        steps = self.sessions.ask(record.call_id, by="sweep", now_ms=now_ms, again_after_ms=AGAIN_AFTER_MS)
        if not self.perform(steps):
            return Outcome.ASKED_BEFORE
        # Without a name: what Twilio says to one that it takes to be in use is not documented.
        started = self.ask(
            self.twilio().start_stream(
                record.account,
                record.call_id,
                url=self.media_stream_url(record, now),
                track=carrying(leg.track for each in records for leg in each.legs),
            )
        )
        return Outcome.GOES_ON if isinstance(started, CallOver) else Outcome.ASKED

    def _close(
        self, call_id: str, entries: list[Entry], records: list[LaneRecord], ending: Ending | None, now: datetime
    ) -> Outcome:
        writer = _Writer(self, call_id, entries, records, now)
        outcome = Outcome.CLOSED if ending is not None else Outcome.GIVEN_UP
        for record in records:
            stored, failure = self._stored(record)
            if failure is not None and not stored.settled and not is_hopeless(entries, [record], now=now):
                outcome = Outcome.WAITS
                continue
            if ending is None:
                failure = f"{failure}; {NOT_TOLD}" if failure else NOT_TOLD
            writer.close(record, stored, None if ending is None else ending.at_ms, failure)
            if failure is not None and outcome is Outcome.CLOSED:
                outcome = Outcome.GIVEN_UP
        if ending is not None and ending.entry is not None:
            # Its writer may have died before the list of calls was told.
            self.perform(InProgress(self.calls_table).show(ending.entry))
        elif ending is not None and outcome is not Outcome.WAITS:
            writer.append(ending.body, "call.ended")
        return outcome

    def _stored(self, record: LaneRecord) -> tuple[Stored, str | None]:
        """Return what Gladia has kept of the lane's session, and why that isn't all, if it isn't."""
        if not record.session_id:
            return Stored("done"), None  # nothing was ever sent
        try:
            stored = self.ask(fetch(*self.gladia(), record.session_id))
        except (Unavailable, Refused) as error:
            return Stored("processing"), str(error)
        except MalformedMessage:
            return Stored("processing"), "gladia's stored result can't be read"
        if stored.status == "queued" and not record.sent:
            return stored, None  # it waits for audio, and gets none
        return stored, None if stored.status == "done" else f"gladia's stored result: {stored.status}"


@dataclass(slots=True)
class _Writer:
    """Appends to one call's log, after the entries that were read of it."""

    care: Care
    call_id: str
    entries: list[Entry]
    records: Sequence[LaneRecord]
    now: datetime

    def close(self, record: LaneRecord, stored: Stored, ended_at_ms: int | None, failure: str | None) -> None:
        """Write what is due of the lane, then forget it."""
        for fact in close(record, self.entries, stored=stored, ended_at_ms=ended_at_ms, failure=failure):
            self.append(fact.body, fact.token)
        self.care.perform(self.care.sessions.forget(record.call_id, record.lane, owner=record.owner))

    def append(self, body: Body, token: str) -> None:
        tenant = self.entries[0].tenant if self.entries else self.records[0].tenant
        tail = self.entries[-1].seq if self.entries else 0
        steps = Log(self.care.calls_table, self.call_id).append(
            body, at=timestamp(self.now), tenant=tenant, token=token, tail=tail
        )
        self.entries.append(self.care.perform(steps))


def is_attended(record: LaneRecord, alive: Collection[str], *, now_ms: int) -> bool:
    """Whether a bridge has the lane: its owner lives and has not let go, or somebody wrote of it a moment ago."""
    return now_ms - record.at_ms <= STALE_MS or (record.owner in alive and not record.released)


def is_of_trunk(entries: Sequence[Entry], records: Sequence[LaneRecord]) -> bool:
    """Whether nobody can be asked how the call stands."""
    started = fold(entries[:1]).started
    providers = [record.provider for record in records] + ([started.provider] if started else [])
    return any(provider != TWILIO for provider in providers)


def is_hopeless(entries: Sequence[Entry], records: Sequence[LaneRecord], *, now: datetime) -> bool:
    """Whether it has been tried for long enough to learn what is not known of a call."""
    if records:
        return round(1000 * now.timestamp()) - max(record.at_ms for record in records) > GIVE_UP_MS
    try:
        return bool(entries) and now - datetime.fromisoformat(entries[0].at) > LONGEST_CALL
    except (TypeError, ValueError):
        return False
