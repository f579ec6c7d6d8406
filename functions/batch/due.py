"""What the second pass of a call needs next, told by the call's log alone.

A call whose recording is asked for: `recording.started` while it goes on. When its live transcript is all there is to
have of it (`transcript.ready`) and lacks something, or a second pass is always wanted: the recording's end, then
`batch.started`, then `batch.ready` or `batch.failed`, which end it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from callscribe.after_call import TranscriptReady
from callscribe.call import Call, fold
from callscribe.entries import TWILIO, BatchWanted, Entry, LegStarted, SessionWaiting
from callscribe.errors import Refused
from callscribe.second_pass import BatchFailed, BatchReady, BatchStarted, RecordingEnded, RecordingStarted
from callscribe.settings import SecondPass, settings_in_force

NO_RECORDING = "the call was not recorded"

# Any of these says that somebody is on the line.
_ANSWERED = (LegStarted, SessionWaiting, BatchWanted)


@dataclass(frozen=True, slots=True)
class Nothing:
    """This entry asks for nothing, or not any more."""


@dataclass(frozen=True, slots=True)
class Record:
    """Have Twilio record the call from now on."""


@dataclass(frozen=True, slots=True)
class Await:
    """The recording's end is not known yet. `recording` is the one to ask Twilio about, None if only it can tell."""

    recording: str | None
    since: str  # ISO 8601


@dataclass(frozen=True, slots=True)
class Transcribe:
    """Give the recording to Gladia: Twilio's, or the one at `place`."""

    recording: RecordingEnded | None
    place: str | None
    since: str


@dataclass(frozen=True, slots=True)
class Collect:
    """Ask Gladia for what has become of the job."""

    job: BatchStarted
    recording: RecordingEnded | None  # None of a recording that isn't Twilio's
    since: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """There will be no second pass, though there should be."""

    reason: str


Step: TypeAlias = Nothing | Record | Await | Transcribe | Collect | GiveUp


def due(entries: Sequence[Entry], seq: int | None) -> Step:
    """Return what entry `seq` of the log `entries` asks for; None for what tells of the job alone.

    Of the entries that would ask for the same, the first does, so that of two events at once one acts.
    """
    call = fold(entries)
    if call.started is None or _last(entries, BatchReady, BatchFailed):
        return Nothing()
    if (job := _last(entries, BatchStarted)) is not None and isinstance(job.body, BatchStarted):
        return Collect(job.body, _ended(entries, job.body.recording), job.at)
    second_pass = _settings(call)
    ready = next((entry for entry in entries if isinstance(entry.body, TranscriptReady)), None)
    if ready is not None and ready.seq == seq:
        return _after_the_call(entries, call, second_pass, ready)
    if second_pass is not None and second_pass.recording == "ask" and _asks(entries, call, seq):
        return Record()
    return Nothing()


def _asks(entries: Sequence[Entry], call: Call, seq: int | None) -> bool:
    """Return whether entry `seq` is the one by which the recording of a call that goes on is asked for."""
    first = next((entry for entry in entries if isinstance(entry.body, _ANSWERED)), None)
    is_asked = _last(entries, RecordingStarted, RecordingEnded) is not None
    return first is not None and first.seq == seq and call.ended is None and not is_asked and _is_twilios(call)


def _after_the_call(entries: Sequence[Entry], call: Call, second_pass: SecondPass | None, ready: Entry) -> Step:
    answered = call.ended is not None and call.ended.reason == "completed"
    if not answered or (second_pass is None and call.batch_wanted is None):
        return Nothing()
    if second_pass is None:
        return GiveUp("the number's settings have no second pass")
    if second_pass.when == "needed" and call.complete:
        return Nothing()
    if (place := second_pass.place(ready.call_id)) is not None:
        return Transcribe(None, place, ready.at)
    asked = _last(entries, RecordingStarted)
    recording = asked.body.recording if asked is not None and isinstance(asked.body, RecordingStarted) else None
    ended = _ended(entries, recording)
    if ended is not None:
        return Transcribe(ended, None, ready.at) if ended.status == "completed" else GiveUp(NO_RECORDING)
    if recording is None and second_pass.recording == "ask":
        return GiveUp(NO_RECORDING)
    return Await(recording, ready.at)


def _settings(call: Call) -> SecondPass | None:
    try:
        return settings_in_force(call.started.settings).second_pass if call.started else None
    except Refused:
        return None  # those of an older version


def _is_twilios(call: Call) -> bool:
    return call.started is not None and call.started.provider == TWILIO


def _ended(entries: Sequence[Entry], recording: str | None) -> RecordingEnded | None:
    """Return the end of `recording`; of any, the last, if it is None."""
    ends = [entry.body for entry in entries if isinstance(entry.body, RecordingEnded)]
    return next((end for end in reversed(ends) if recording is None or end.recording == recording), None)


def _last(entries: Sequence[Entry], *kinds: type) -> Entry | None:
    return next((entry for entry in reversed(entries) if isinstance(entry.body, kinds)), None)
