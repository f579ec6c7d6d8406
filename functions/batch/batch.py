"""Takes a call's second pass a step further. May be cut off anywhere and repeated: the log is as if it had run once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from callscribe.entries import CallStarted, Entry
from callscribe.errors import MalformedMessage, Refused, Unavailable
from callscribe.exchange import HttpRequest
from callscribe.gladia_batch import MOST_S, Uploaded, fetch, start
from callscribe.second_pass import BatchFailed, BatchStarted, RecordingStarted
from callscribe.second_transcript import encode
from callscribe.settings import settings_in_force
from callscribe.twilio_recordings import Recordings, asked_for, recording_token
from callscribe.twilio_rest import CallOver
from functions.batch.due import NO_RECORDING, Await, Collect, GiveUp, Nothing, Record, Transcribe, due
from functions.batch.outcome import MADE, outcome
from functions.fact import Fact
from functions.ports import Ask
from functions.whole_log import WholeLog

# Recordings are there minutes after a call, transcripts minutes after that; whatever is down is seldom so for longer.
PATIENCE = timedelta(hours=2)


class Outcome(StrEnum):
    """What became of a step, and what is counted."""

    NOTHING = "nothing"
    RECORDED = "recorded"  # is being, that is
    STARTED = "started"
    WAITS = "waits"
    DONE = "done"
    FAILED = "failed"


class Transfer(Protocol):
    """Carries a recording to Gladia."""

    def __call__(self, source: HttpRequest, *, filename: str, is_public: bool) -> Uploaded:
        """Carry what `source` answers; with `is_public` only from an address that anybody can reach.

        Raises Unavailable, MalformedMessage, and Refused for what will never be taken.
        """


@dataclass(frozen=True, slots=True)
class Batch:
    """The services that second passes are made with."""

    log: WholeLog
    ask: Ask
    gladia: Callable[[], tuple[str, str]]  # address and key; raises Unavailable or Refused
    recordings: Callable[[], Recordings]  # at Twilio; raises Unavailable or Refused
    status_callback: str  # where Twilio tells of recordings
    callback: Callable[[str, str, datetime], str]  # where Gladia tells that a call's job is over, by tenant and call
    transfer: Transfer
    keep: Callable[[str, bytes], None]  # puts a file into the archive; raises Unavailable

    def step(self, call_id: str, seq: int | None, *, now: datetime) -> Outcome:
        """Do what entry `seq` of the call's log asks for; None for what tells of its job alone.

        Raises Unavailable for what another attempt may bring, and botocore's ClientError for what AWS will not do.
        """
        entries = self.log.read(call_id)
        step = due(entries, seq)
        match step:
            case Nothing():
                return Outcome.NOTHING
            case Record():
                return self._record(entries, now)
            case GiveUp(reason=reason):
                return self._give_up(entries, reason, now)
        try:
            match step:
                case Await():
                    return self._await(entries, step, now)
                case Transcribe():
                    return self._transcribe(entries, step, now)
                case Collect():
                    return self._collect(entries, step, now)
        except Refused as error:
            return self._give_up(entries, str(error), now)
        except (Unavailable, MalformedMessage) as error:
            # Not the message of what is malformed, which may quote what was said.
            reason = str(error) if isinstance(error, Unavailable) else f"malformed: {error.kind}"
            return self._patient(entries, step.since, reason, now)

    def _record(self, entries: Sequence[Entry], now: datetime) -> Outcome:
        """Have the call recorded, unless an attempt whose answer was lost has done so."""
        first, at = entries[0], self.recordings()
        account = _account(first)
        try:
            recording = asked_for(self.ask(at.of_call(account, first.call_id)))
            if recording is None:
                found = self.ask(at.start(account, first.call_id, status_callback=self.status_callback))
                if isinstance(found, CallOver):
                    return Outcome.NOTHING
                recording = found
        except Refused as error:
            return self._give_up(entries, str(error), now)
        self.log.append(entries, [Fact(RecordingStarted(recording=recording.sid), "recording")], now)
        return Outcome.RECORDED

    def _await(self, entries: Sequence[Entry], step: Await, now: datetime) -> Outcome:
        """Ask Twilio for what has become of the recording, should its callback be late or lost."""
        if step.recording is None:
            return self._patient(entries, step.since, NO_RECORDING, now)
        found = self.ask(self.recordings().fetch(_account(entries[0]), step.recording))
        if isinstance(found, CallOver):
            return self._give_up(entries, NO_RECORDING, now)
        if (ended := found.ended) is None:
            return self._patient(entries, step.since, "the recording was not ready", now)
        self.log.append(entries, [Fact(ended, recording_token(ended))], now)
        if ended.status == "absent":
            return self._give_up(entries, NO_RECORDING, now)
        return self._transcribe(entries, Transcribe(ended, None, step.since), now)

    def _transcribe(self, entries: Sequence[Entry], step: Transcribe, now: datetime) -> Outcome:
        """Carry the recording to Gladia, and have it transcribed."""
        first = entries[0]
        if step.place is not None:
            source, name = HttpRequest("GET", step.place, {}), step.place.partition("?")[0]
        elif step.recording is not None:
            at = self.recordings()
            source = at.audio(_account(first), step.recording.recording, channels=step.recording.channels)
            name = step.recording.recording
        else:
            raise ValueError("a recording is Twilio's or at a place")
        uploaded = self.transfer(source, filename=f"{first.call_id}.wav", is_public=step.place is not None)
        if uploaded.audio_s is not None and uploaded.audio_s > MOST_S:
            raise Refused(f"the recording is longer than the {MOST_S // 60} minutes that Gladia takes")
        job = self.ask(
            start(
                *self.gladia(),
                uploaded.audio_url,
                languages=_languages(first),
                is_mono=uploaded.channels < 2,
                callback_url=self.callback(first.tenant, first.call_id, now),
                call_id=first.call_id,
            )
        )
        self.log.append(entries, [Fact(BatchStarted(job=job, recording=name), "batch/started")], now)
        return Outcome.STARTED

    def _collect(self, entries: Sequence[Entry], step: Collect, now: datetime) -> Outcome:
        """Take what Gladia has made of the recording into the archive and the log."""
        recorded = self.ask(fetch(*self.gladia(), step.job.job))
        if not recorded.settled:
            return self._patient(entries, step.since, "Gladia had no result", now)
        if recorded.status == "error":
            raise Refused(f"Gladia could not transcribe the recording: error {recorded.error_code}")
        found = outcome(entries, recorded, step.job, step.recording)
        self.keep(found.key, encode(found.document))
        told = {entry.body for entry in entries if isinstance(entry.body, MADE)}
        self.log.append(entries, [fact for fact in found.facts if fact.body not in told], now)
        return Outcome.DONE

    def _patient(self, entries: Sequence[Entry], since: str, reason: str, now: datetime) -> Outcome:
        if now - datetime.fromisoformat(since) < PATIENCE:
            return Outcome.WAITS
        return self._give_up(entries, f"{reason}, for {PATIENCE // timedelta(hours=1)} hours", now)

    def _give_up(self, entries: Sequence[Entry], reason: str, now: datetime) -> Outcome:
        self.log.append(entries, [Fact(BatchFailed(reason=reason), "batch/failed")], now)
        return Outcome.FAILED


def _account(first: Entry) -> str:
    return first.body.account if isinstance(first.body, CallStarted) else ""


def _languages(first: Entry) -> list[str]:
    """Return the languages that the number's settings give Gladia live."""
    try:
        gladia = settings_in_force(first.body.settings).gladia if isinstance(first.body, CallStarted) else {}
    except Refused:
        return []
    match gladia.get("language_config"):
        case {"languages": list(languages)}:
            return [language for language in languages if isinstance(language, str)]
    return []
