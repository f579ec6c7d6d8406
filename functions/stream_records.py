"""Records of the stream of Calls, as Lambda hands them over, and the entries in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from callscribe.entries import Entry
from callscribe.errors import MalformedMessage
from callscribe.log import entry_of

Record: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """An entry that was appended, and its place in the batch: Lambda can resume at `sequence_number`."""

    position: int
    sequence_number: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class Batch:
    """The entries of one batch: a call's in the order in which they were written."""

    calls: dict[str, list[Written]]
    malformed: int  # records that hold no entry of ours and never will

    def age_s(self, now_s: float) -> float | None:
        """Return how long ago the oldest entry was decided, by its own time; None if there is none that says."""
        decided = [_posix_s(written.entry.at) for calls in self.calls.values() for written in calls]
        known = [at_s for at_s in decided if at_s is not None]
        return max(0.0, now_s - min(known)) if known else None


def _posix_s(at: str) -> float | None:
    """Return an entry's time in seconds since 1970; None if it tells none."""
    try:
        return datetime.fromisoformat(at).timestamp()
    except ValueError:
        return None


def read(records: Iterable[Record]) -> Batch:
    """Return the entries in `records`, whose order is the stream's.

    Heads, changes and removals are passed over, as the mapping's filter does already. A malformed record is counted
    and passed over too, since Lambda would bring it back until it expires, and all after it.
    """
    calls: dict[str, list[Written]] = {}
    malformed = 0
    for position, record in enumerate(records):
        try:
            if record["eventName"] != "INSERT" or "kind" not in record["dynamodb"]["NewImage"]:
                continue
            entry = entry_of(record["dynamodb"]["NewImage"])
            written = Written(position, record["dynamodb"]["SequenceNumber"], entry)
        except (MalformedMessage, KeyError, TypeError):
            malformed += 1
            continue
        calls.setdefault(entry.call_id, []).append(written)
    return Batch(calls, malformed)
