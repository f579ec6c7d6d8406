"""Lines of counts, and what several of them come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.meter import METRICS, Kind, Metric


@dataclass(frozen=True, slots=True)
class Line:
    """What the bridge told at `at_s` (seconds since 1970), by metric; one that is missing was not told."""

    at_s: float
    values: Mapping[str, float]


def total(lines: Sequence[Line]) -> dict[str, float]:
    """Return what `lines` come to, by metric: what was added, summed; present values, the newest; else the largest."""
    ordered = sorted(lines, key=lambda line: line.at_s)
    return {metric.name: _of(metric, [line.values[metric.name] for line in ordered if metric.name in line.values])
            for metric in METRICS}  # fmt: skip


def _of(metric: Metric, values: Sequence[float]) -> float:
    if not values:
        return 0
    match metric.kind:
        case Kind.ADDED:
            return sum(values)
        case Kind.SUM:
            return values[-1]
        case Kind.LARGEST | Kind.SLOWEST | Kind.P99:
            return max(values)
