"""A call's log for those who look at it as a whole, and add what it lacks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from callscribe.entries import Entry, timestamp
from callscribe.log import Log
from functions.fact import Fact
from functions.ports import Perform


@dataclass(frozen=True, slots=True)
class WholeLog:
    """The logs of all calls. Every method raises Unavailable, and botocore's ClientError for what AWS will not do."""

    table: str
    perform: Perform

    def read(self, call_id: str) -> list[Entry]:
        """Return all that the call's log has; nothing for a call that there is none of."""
        return self.perform(Log(self.table, call_id).read_all())

    def append(self, entries: Sequence[Entry], facts: Iterable[Fact], now: datetime) -> list[Entry]:
        """Append what `entries`, the whole log, lacks, and return the log as it is then.

        What others have written meanwhile is not written again.
        """
        log, known = Log(self.table, entries[0].call_id), list(entries)
        others = False
        for fact in facts:
            # Tokens are looked for from `tail` on: from the last entry that has been looked at.
            tail = known[-1].seq
            steps = log.append(fact.body, at=timestamp(now), tenant=entries[0].tenant, token=fact.token, tail=tail)
            entry = self.perform(steps)
            if entry.seq == tail + 1:
                known.append(entry)
            else:
                others = True
        return self.read(entries[0].call_id) if others else known
