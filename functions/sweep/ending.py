"""How a phone call ended, as its log or Twilio tells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from callscribe.entries import CallEnded, Entry, Utterance
from callscribe.lane_record import LaneRecord
from callscribe.twilio_rest import CallState

UNKNOWN = "unknown"  # the reason of an end that nobody can tell of


@dataclass(frozen=True, slots=True)
class Ending:
    """The phone call is over. `at_ms` is when it ended, POSIX; None if nobody knows."""

    body: CallEnded
    at_ms: int | None
    entry: Entry | None = None  # that tells of it, if the log has one


def ending_in(entries: Iterable[Entry]) -> Ending | None:
    """Return the end that a log tells of, None if it tells of none."""
    for entry in entries:
        if isinstance(entry.body, CallEnded):
            return Ending(entry.body, _posix_ms(entry.at), entry)
    return None


def ending_by(state: CallState) -> Ending:
    """Return the end that Twilio tells of."""
    duration_ms = 1000 * (state.duration_s or 0)
    at_ms = None if state.ended_at is None else round(1000 * state.ended_at.timestamp())
    return Ending(CallEnded(reason=state.status, duration_ms=duration_ms), at_ms)


def unknown_ending(entries: Sequence[Entry], records: Sequence[LaneRecord]) -> Ending:
    """Return the end of a call that Twilio does not know, or not any more: it lasted as long as it was heard."""
    said = [entry.body.end_ms for entry in entries if isinstance(entry.body, Utterance)]
    heard = [record.offset_ms + record.position_ms for record in records]
    return Ending(CallEnded(reason=UNKNOWN, duration_ms=max([0, *said, *heard])), None)


def _posix_ms(at: str) -> int | None:
    try:
        return round(1000 * datetime.fromisoformat(at).timestamp())
    except ValueError:
        return None
