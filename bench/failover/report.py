"""What the runs came to, as a table for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from rich.table import Table

from bench.failover.run import Outcome

_MOST_LINES = 12


def table(outcomes: Iterable[Outcome]) -> Table:
    """Return a column for each run."""
    shown = list(outcomes)
    out = Table(title="Calls that changed hands", title_justify="left", title_style="bold")
    out.add_column("what")
    for outcome in shown:
        out.add_column(outcome.run.how, justify="right")
    columns = [list(_cells(outcome)) for outcome in shown]
    for row in zip(*columns, strict=True):
        out.add_row(row[0][0], *(cell for _, cell in row))
    return out


def problems(outcomes: Iterable[Outcome]) -> list[str]:
    """Return the first of what went wrong, a line each."""
    lines = [
        *(f"{outcome.run.how}: {problem}" for outcome in outcomes for problem in outcome.problems),
        *(
            f"{outcome.run.how}: {verdict.call_id[-4:]}: {problem}"
            for outcome in outcomes
            for verdict in outcome.verdicts
            for problem in verdict.problems
        ),
    ]
    more = [f"and {len(lines) - _MOST_LINES} more"] if len(lines) > _MOST_LINES else []
    return lines[:_MOST_LINES] + more


def _cells(outcome: Outcome) -> Iterator[tuple[str, str]]:
    verdicts = outcome.verdicts
    again = [verdict.again_s for verdict in verdicts if verdict.again_s is not None]
    yield "calls", str(len(verdicts))
    yield "calls that had to move", str(len(outcome.moved))
    yield "seconds until it went on in another media stream, p50", _seconds(median(again) if again else None)
    yield "seconds until it went on in another media stream, most", _seconds(max(again, default=None))
    yield "frames that no bridge heard", str(sum(verdict.real_frames for verdict in verdicts))
    yield "of them sent, and lost on the way", str(sum(verdict.in_flight_frames for verdict in verdicts))
    yield "frames told as gaps, less these", str(_surplus(outcome))
    yield "frames where log and truth differ", str(sum(verdict.unlike_frames for verdict in verdicts))
    yield "bytes lost and not told", str(sum(verdict.lost_bytes for verdict in verdicts))
    yield "bytes repeated", str(sum(verdict.repeated_bytes for verdict in verdicts))
    yield "Gladia sessions a call, most", str(max((verdict.sessions for verdict in verdicts), default=0))
    yield "ms that a word is off its place, most", str(max((verdict.off_ms for verdict in verdicts), default=0))
    yield "seconds from SIGTERM to the process's end", _seconds(outcome.exit_s)
    yield "calls with anything wrong", str(sum(bool(verdict.problems) for verdict in verdicts))


def _surplus(outcome: Outcome) -> int:
    return sum(verdict.told_frames - verdict.real_frames for verdict in outcome.verdicts)


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def is_clean(outcomes: Sequence[Outcome]) -> bool:
    """Whether every run was as promised."""
    return all(outcome.is_clean for outcome in outcomes)
