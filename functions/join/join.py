"""What is joined in a run, in which order. May be cut off anywhere and repeated: no search misses a call by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from typing import Protocol

from callscribe.archive import PREFIX
from callscribe.joined import (
    AGE,
    STALE_PREFIX,
    STATE_KEY,
    day_of,
    day_prefix,
    decode_state,
    encode_state,
    joined_key,
    parse_stale,
    tenant_of,
)

# A tenant's day is begun only with so much time left; most take seconds.
LEAST_S = 300.0


class Bucket(Protocol):
    """The archive. Each method raises Unavailable."""

    def get(self, key: str) -> bytes | None:
        """Return a file; None if there is none."""

    def put(self, key: str, body: bytes) -> None:
        """Put a file there, in place of the one that is."""

    def folders(self, prefix: str) -> list[str]:
        """Return the prefixes one level below `prefix`, each with a slash at its end, in order."""

    def versions(self, prefix: str) -> list[tuple[str, str]]:
        """Return each version that there is of files that begin with `prefix`: key and version, by keys."""

    def delete_version(self, key: str, version: str) -> None:
        """Delete this version of a file for ever; others stay."""


@dataclass(slots=True)
class Report:
    """What a run has done."""

    joined: int = 0  # days of tenants
    calls: int = 0
    unreadable: int = 0  # files
    is_over: bool = True  # whether nothing is left to do


@dataclass(frozen=True, slots=True)
class Join:
    """Joins days in the archive."""

    bucket: Bucket
    # Makes one file of those below a prefix, at a key; returns how many were joined, and how many made no sense.
    merge: Callable[[str, str], tuple[int, int]]
    time_left_s: Callable[[], float]
    report: Report = field(default_factory=Report)

    def run(self, *, now: datetime) -> Report:
        """Join each day that is over and was not joined yet, then those that are stale."""
        through = decode_state(self.bucket.get(STATE_KEY))
        last = now.date() - AGE
        days = filter(None, map(day_of, self.bucket.folders(f"{PREFIX}/")))
        for day in sorted(day for day in days if day <= last and (through is None or day > through)):
            if not self._join_all(day, self.bucket.folders(day_prefix(day))):
                return self.report
            through = day
            self.bucket.put(STATE_KEY, encode_state(day))
        for key, versions in groupby(self.bucket.versions(f"{STALE_PREFIX}/"), key=itemgetter(0)):
            found = parse_stale(key)
            if found is not None and through is not None and found[1] <= through:
                tenant, day = found
                if not self._join_all(day, [f"{day_prefix(day)}tenant={tenant}/"]):
                    return self.report
            # A day that is to be joined yet is not stale. A mark that was made after these versions stays.
            for _, version in versions:
                self.bucket.delete_version(key, version)
        return self.report

    def _join_all(self, day: date, folders: Iterable[str]) -> bool:
        """Join each of the day's `folders`; return whether there was time for all of them."""
        for folder in folders:
            if self.time_left_s() < LEAST_S:
                self.report.is_over = False
                return False
            calls, unreadable = self.merge(folder, joined_key(day, tenant_of(folder)))
            self.report.joined += 1
            self.report.calls += calls
            self.report.unreadable += unreadable
        return True
