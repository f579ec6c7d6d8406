"""Counts as a table for people, grouped by what one wants to know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from bridge.meter import METRICS

_BYTES_A_SECOND = 8000  # of one track


@dataclass(frozen=True, slots=True)
class Row:
    """What is told of one metric or, added up, of several; `alarming` is what is shown in red."""

    what: str
    metrics: tuple[str, ...]
    form: Callable[[float], str]
    alarming: Callable[[float], bool] = lambda _value: False

    def value(self, counts: Mapping[str, float]) -> float:
        """Return the number that is shown."""
        return sum(counts[name] for name in self.metrics)


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _audio(value: float) -> str:
    minutes, seconds = divmod(value / _BYTES_A_SECOND, 60)
    return f"{minutes:,.0f} min {seconds:04.1f} s"


def _seconds(value: float) -> str:
    return f"{value:.1f} s"


def _milliseconds(value: float) -> str:
    return f"{value * 1000:,.0f} ms"


def _mib(value: float) -> str:
    return f"{value / 2**20:,.1f} MiB"


def _any(value: float) -> bool:
    return value > 0


_MALFORMED = tuple(
    metric.name for metric in METRICS if metric.name.startswith("malformed_") and metric.name != "malformed_from_gladia"
)

# In red: what docs/metrics.md calls worth an alarm.
GROUPS: Mapping[str, tuple[Row, ...]] = {
    "Calls": (
        Row("media streams now", ("live",), _count),
        Row("calls that wait for a session now", ("slots_waiting",), _count),
        Row("went on without live words", ("slots_refused",), _count, _any),
        Row("handed to another task", ("hand_overs",), _count),
    ),
    "Audio": (
        Row("heard, all tracks", ("heard_bytes",), _audio),
        Row("never came: spans", ("gaps",), _count),
        Row("never came: how long", ("gap_ms",), lambda value: _audio(value * _BYTES_A_SECOND / 1000)),
        Row("never came: silence instead", ("filled_bytes",), _audio),
        Row("came too late, or again", ("dropped_bytes",), _audio),
        Row("messages without sense", _MALFORMED, _count),
        Row("the process late, 99 of 100 within", ("late_p99_s",), _milliseconds),
        Row("the latest", ("late_max_s",), _milliseconds),
    ),
    "Gladia": (
        Row("audio sent", ("sent_bytes",), _audio),
        Row("audio acknowledged", ("acknowledged_bytes",), _audio),
        Row("waits to be acknowledged now", ("unacknowledged_s",), _seconds),
        Row("the most of one media stream", ("unacknowledged_max_s",), _seconds, lambda value: value > 10),
        Row("sessions in use now", ("sessions_open",), _count),
        Row("sessions asked for", ("sessions",), _count),
        Row("replaced before three hours", ("rollovers",), _count),
        Row("ended in mid-call", ("sessions_parted",), _count),
        Row("sockets opened again", ("reconnects",), _count),
        Row("finals after their words, 99 of 100 within", ("final_p99_s",), _milliseconds),
        Row("the slowest", ("final_max_s",), _milliseconds),
        Row("transcripts that failed", ("sessions_failed",), _count, _any),
        Row("utterances from stored results", ("recovered",), _count),
        Row("messages without sense", ("malformed_from_gladia",), _count),
    ),
    "Log": (
        Row("parties that are done", ("legs_ended",), _count),
        Row("of these not complete", ("legs_incomplete",), _count),
        Row("entries written", ("entries_written",), _count),
        Row("written within, 99 of 100", ("log_write_p99_s",), _milliseconds),
        Row("the slowest", ("log_write_max_s",), _milliseconds),
        Row("attempts made again", ("log_delays",), _count),
        Row("entries that wait now", ("entries_waiting",), _count),
        Row("entries that went to disk", ("entries_spilled",), _count),
        Row("on disk now", ("spill_bytes",), _mib),
        Row("entries refused", ("entries_refused",), _count, _any),
        Row("entries lost", ("entries_lost",), _count, _any),
    ),
    "Partials": (
        Row("posted", ("partials_shown",), _count),
        Row("left out", ("partials_skipped",), _count),
        Row("failed", ("partials_failed",), _count),
    ),
    "Hooks": (
        Row("asked", ("hooks_asked",), _count),
        Row("left out", ("hooks_skipped",), _count),
        Row("not asked, as Lambda failed", ("hooks_failed",), _count),
    ),
}


def table(counts: Mapping[str, float]) -> Table:
    """Return `counts` (as `local.counts.lines.total` has them) for people."""
    shown = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    shown.add_column(style="bold")
    shown.add_column()
    shown.add_column(justify="right")
    for group, what, value, alarming in _cells(counts):
        shown.add_row(group, what, Text(value, style="bold red" if alarming else ""))
    return shown


def _cells(counts: Mapping[str, float]) -> Iterator[tuple[str, str, str, bool]]:
    for group, rows in GROUPS.items():
        for place, row in enumerate(rows):
            value = row.value(counts)
            yield group if place == 0 else "", row.what, row.form(value), row.alarming(value)
