"""What a run came to: counts, the calls that failed, and a table of it all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct
from rich.table import Table

from bench.chaos.judge import Verdict
from bench.chaos.observation import Observation
from bench.chaos.run import Afterwards

_WORST = 20
_EXAMPLES = 10


class Outcome(Struct, frozen=True, tag="outcome"):
    """One call's verdict, and what it had to stand; also as JSON, from one process to another."""

    verdict: Verdict
    faults: dict[str, int]
    seconds: float

    @classmethod
    def of(cls, seen: Observation, verdict: Verdict) -> Outcome:
        """Return the outcome of the call that was `seen`."""
        return cls(verdict, dict(seen.faults), round(seen.seconds, 3))


@dataclass(slots=True)
class Tally:
    """All outcomes so far. `outside` is what went wrong beside the calls."""

    seed: int
    calls: int = 0
    failed: list[Outcome] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    excused: Counter[str] = field(default_factory=Counter)
    sums: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    examples: dict[str, list[int]] = field(default_factory=dict)  # some calls for each excuse
    outside: list[str] = field(default_factory=list)
    late_s: float = 0.0  # the worst of all workers

    def add(self, outcome: Outcome) -> None:
        """Count a call in."""
        verdict = outcome.verdict
        self.calls += 1
        self.faults.update(outcome.faults)
        self.excused.update(verdict.excused)
        for reason in [reason for reason, count in verdict.excused.items() if count]:
            if len(examples := self.examples.setdefault(reason, [])) < _EXAMPLES:
                examples.append(verdict.number)
        self.seconds.append(outcome.seconds)
        for name in (
            "bytes_said",
            "bytes_lost",
            "bytes_repeated",
            "gap_bytes",
            "words",
            "words_missing",
            "words_twice",
        ):
            self.sums[name] += getattr(verdict, name)
        self.sums["sessions"] += verdict.sessions
        self.sums["reconnects"] += verdict.reconnects
        self.sums["undisturbed"] += not outcome.faults
        if verdict.problems:
            self.failed.append(outcome)

    def end(self, afterwards: Afterwards) -> None:
        """Take in what a worker says when its calls are over."""
        self.outside += afterwards.outside
        self.late_s = max(self.late_s, afterwards.late_s)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost or repeated where there was a way, in any call."""
        return not self.failed and not self.outside

    def quantile_s(self, part: float) -> float:
        """Return how long calls took, from the first webhook to the last entry."""
        return sorted(self.seconds)[min(len(self.seconds) - 1, int(part * len(self.seconds)))] if self.seconds else 0.0

    def replay(self, number: int) -> str:
        """Return the command that places one call of the run again, alone."""
        return f"python -m bench.chaos --seed {self.seed} --only {number}"

    def document(self) -> dict[str, Any]:
        """Return the whole report, for a file."""
        return {
            "seed": self.seed,
            "calls": self.calls,
            "totals": dict(self.sums),
            "faults": dict(self.faults),
            "excused": [
                {"reason": reason, "count": count, "calls": self.examples[reason]}
                for reason, count in self.excused.items()
                if count
            ],
            "outside": self.outside,
            "failed": [
                {
                    "number": outcome.verdict.number,
                    "problems": outcome.verdict.problems,
                    "faults": outcome.faults,
                    "replay": self.replay(outcome.verdict.number),
                }
                for outcome in sorted(self.failed, key=lambda each: each.verdict.number)
            ],
        }


def tables(tally: Tally, *, elapsed_s: float) -> list[Table]:
    """Return the report as tables for a terminal."""
    shown = [_totals(tally, elapsed_s), _counts("What struck", "times", tally.faults)]
    excused = Counter({reason: count for reason, count in tally.excused.items() if count})
    if excused:
        shown.append(_counts("What nobody could have kept", "bytes or words", excused))
    if tally.failed:
        worst = Table(title=f"Calls that failed: {len(tally.failed)}", title_justify="left", title_style="bold red")
        worst.add_column("call", justify="right")
        worst.add_column("problems")
        for outcome in sorted(tally.failed, key=lambda each: -each.verdict.bytes_lost)[:_WORST]:
            worst.add_row(str(outcome.verdict.number), "\n".join(outcome.verdict.problems))
        worst.caption = f"again: {tally.replay(tally.failed[0].verdict.number)}"
        shown.append(worst)
    return shown


def _totals(tally: Tally, elapsed_s: float) -> Table:
    table = Table(title=f"Chaos, seed {tally.seed}", title_justify="left", title_style="bold", show_header=False)
    table.add_column("what")
    table.add_column("count", justify="right")
    sums = tally.sums
    for what, count in (
        ("calls", f"{tally.calls} ({tally.calls / elapsed_s * 60:.0f} a minute)"),
        ("of them without any fault", sums["undisturbed"]),
        ("bytes that carriers said", sums["bytes_said"]),
        ("bytes lost", sums["bytes_lost"]),
        ("bytes repeated", sums["bytes_repeated"]),
        ("bytes never delivered, in gaps of the log", sums["gap_bytes"]),
        ("words that Gladia said or stored", sums["words"]),
        ("words missing in the log", sums["words_missing"]),
        ("words there twice", sums["words_twice"]),
        ("sessions", sums["sessions"]),
        ("sockets opened again", sums["reconnects"]),
        ("seconds a call, p50", f"{tally.quantile_s(0.5):.1f}"),
        ("seconds a call, p99", f"{tally.quantile_s(0.99):.1f}"),
        ("seconds that the harness itself was late, at the worst", f"{tally.late_s:.2f}"),
        ("calls that failed", len(tally.failed)),
    ):
        table.add_row(what, str(count))
    return table


def _counts(title: str, unit: str, counts: Counter[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("what")
    table.add_column(unit, justify="right")
    for what, count in sorted(counts.items()):
        table.add_row(what, str(count))
    return table
