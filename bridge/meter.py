"""What the process counts and measures of itself, as lines of CloudWatch's embedded metric format.

Nothing in it tells calls apart: there is one dimension, the service, whatever is counted.
Source: Amazon CloudWatch, "Specification: Embedded metric format".
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

import msgspec

from bridge.durations import Durations

SERVICE = "bridge"
PULSE_S = 0.1


Unit: TypeAlias = Literal["Count", "Bytes", "Seconds", "Milliseconds"]


class Kind(Enum):
    """How what is said of a metric becomes one number a line."""

    ADDED = "what was added since the last line"
    SUM = "the sum of what all sources say now"
    LARGEST = "the largest of what any source says now"
    SLOWEST = "the longest of the durations since the last line"
    P99 = "the duration that 99 of 100 since the last line stayed within"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; `of` is the name under which the code speaks of it, its own unless several are made of one."""

    name: str
    unit: Unit
    kind: Kind
    means: str
    of: str = ""


def _added(name: str, means: str, unit: Unit = "Count") -> Metric:
    return Metric(name, unit, Kind.ADDED, means, name)


def _now(name: str, means: str, unit: Unit = "Count") -> Metric:
    return Metric(name, unit, Kind.SUM, means, name)


def _slowest(name: str, means: str) -> tuple[Metric, Metric]:
    return (
        Metric(f"{name}_max_s", "Seconds", Kind.SLOWEST, means, f"{name}_s"),
        Metric(f"{name}_p99_s", "Seconds", Kind.P99, "the same, but for the slowest hundredth", f"{name}_s"),
    )


# What a dialect calls a message that makes no sense; other kinds are counted together.
MALFORMED = ("base64", "error", "format", "json", "length", "order", "shape", "source", "track", "other")

METRICS: tuple[Metric, ...] = (
    _now("live", "media streams that are being relayed"),
    _added("heard_bytes", "audio delivered by carriers", "Bytes"),
    _added("filled_bytes", "silence put where a carrier delivered nothing", "Bytes"),
    _added("dropped_bytes", "audio that came too late to be placed, or again", "Bytes"),
    _added("sent_bytes", "audio given to Gladia", "Bytes"),
    _added("acknowledged_bytes", "audio that Gladia has taken", "Bytes"),
    _added("gaps", "spans of audio that never came"),
    _added("gap_ms", "how long they are", "Milliseconds"),
    *_slowest("final", "from the end of an utterance, by its time in the call, to its decision for the log"),
    *_slowest("late", "how much later than asked the process came back to its work: what it adds to each frame"),
    _added("legs_ended", "parties whose audio is over, all their words in the log"),
    _added("legs_incomplete", "of these, parties of whom Gladia did not take all that was heard"),
    _now("unacknowledged_s", "audio that waits to be acknowledged, all media streams together", "Seconds"),
    Metric("unacknowledged_max_s", "Seconds", Kind.LARGEST, "the most of it of one media stream", "unacknowledged_s"),
    _added("sessions", "Gladia sessions asked for"),
    _now("sessions_open", "Gladia sessions in use, each of them one of the plan's"),
    _added("reconnects", "sockets opened again on a session"),
    _added("sessions_parted", "sessions that ended in mid-call, another going on"),
    _added("sessions_failed", "media streams whose transcript failed"),
    _added("rollovers", "sessions replaced before their three hours were over"),
    _added("recovered", "utterances that came from a stored result, as the end of a session was not seen"),
    _now("slots_waiting", "calls that wait for one of the plan's sessions"),
    _added("slots_refused", "calls that went on without live words for want of one"),
    _added("hand_overs", "media streams handed to another task"),
    _now("entries_waiting", "entries decided and not yet written, in memory or on disk"),
    _now("spill_bytes", "what of that is on disk", "Bytes"),
    _added("entries_written", "entries written to logs"),
    _added("entries_spilled", "entries that had to go to the disk"),
    _added("entries_refused", "entries that DynamoDB will never take"),
    _added("entries_lost", "entries for which there was no place, or no time at the end"),
    _added("log_delays", "attempts to write that failed and were made again"),
    *_slowest("log_write", "from an entry's decision to its being written"),
    _added("partials_shown", "posts of partials to one subscriber"),
    _added("partials_skipped", "posts left out, as the subscriber was busy, resting or had no turn"),
    _added("partials_failed", "posts that failed or took too long"),
    _added("hooks_asked", "times that a hook was asked about something said"),
    _added("hooks_skipped", "times that it was not, as too many were being asked"),
    _added("hooks_failed", "times that the function that asks could not be invoked"),
    _added("malformed_from_gladia", "messages from Gladia that made no sense"),
    *(_added(f"malformed_{kind}", f"messages from carriers that made no sense, by kind: {kind}") for kind in MALFORMED),
)

_NAMES = frozenset(metric.of for metric in METRICS)
_COUNTED = frozenset(metric.of for metric in METRICS if metric.kind is Kind.ADDED)
_TIMED = frozenset(metric.of for metric in METRICS if metric.kind in {Kind.SLOWEST, Kind.P99})

Totals: TypeAlias = Callable[[], Mapping[str, float]]
"""Running totals and present values by name, of one source; names that the table lacks are passed over."""


class Meter:
    """The process's own counts; shared by all that runs in it, on one event loop."""

    def __init__(self, namespace: str = "callscribe") -> None:
        """`namespace` is CloudWatch's; the metrics of two deployments in one would be one another's."""
        self._namespace = namespace
        self._counts: Counter[str] = Counter()
        self._durations = {name: Durations() for name in _TIMED}
        self._followed: set[Followed] = set()

    def count(self, name: str, n: int = 1) -> None:
        """Add `n` to a metric that is counted. Raises KeyError for a name that the table lacks."""
        if name not in _COUNTED:
            raise KeyError(name)
        self._counts[name] += n

    def count_malformed(self, kind: str) -> None:
        """Add a message from a carrier that made no sense."""
        self.count(f"malformed_{kind if kind in MALFORMED else 'other'}")

    def observe(self, name: str, seconds: float) -> None:
        """Add a duration. Raises KeyError for a name that the table lacks."""
        self._durations[name].add(seconds)

    def gauge(self, name: str, read: Callable[[], float]) -> Followed:
        """Ask `read` for the present value at each line. Raises KeyError for a name that the table lacks."""
        if name not in _NAMES:
            raise KeyError(name)
        return self.follow(lambda: {name: read()})

    def follow(self, totals: Totals, *, since_now: bool = False) -> Followed:
        """Ask `totals` at each line, and once more when what is returned is closed or left as a context.

        What of it is counted enters by how much it grew; what is a present value is added to that of other sources.
        """
        followed = Followed(self, totals)
        if since_now:  # what it has come to was counted elsewhere
            followed.skip()
        self._followed.add(followed)
        return followed

    def line(self, now: float) -> dict[str, Any]:
        """Return the document for the time since the last one; `now` is in seconds since 1970."""
        present = [followed.read() for followed in self._followed]
        values = {metric.name: self._value(metric, present) for metric in METRICS}
        self._counts.clear()
        for durations in self._durations.values():
            durations.clear()
        return {
            "_aws": {
                "Timestamp": round(now * 1000),
                "CloudWatchMetrics": [
                    {
                        "Namespace": self._namespace,
                        "Dimensions": [["service"]],
                        "Metrics": [{"Name": metric.name, "Unit": metric.unit} for metric in METRICS],
                    }
                ],
            },
            "service": SERVICE,
            **values,
        }

    def take(self, name: str, growth: float) -> None:
        """Add what a followed source has grown by; only for what is counted."""
        self._counts[name] += round(growth)

    def forget(self, followed: Followed) -> None:
        """Ask this source no more."""
        self._followed.discard(followed)

    def _value(self, metric: Metric, present: list[Mapping[str, float]]) -> float:
        match metric.kind:
            case Kind.ADDED:
                return self._counts[metric.of]
            case Kind.SUM:
                return round(sum(values.get(metric.of, 0) for values in present), 3)
            case Kind.LARGEST:
                return round(max((values.get(metric.of, 0) for values in present), default=0), 3)
            case Kind.SLOWEST:
                return round(self._durations[metric.of].longest, 3)
            case Kind.P99:
                return round(self._durations[metric.of].within(0.99), 3)


class Followed:
    """One source of totals, until it is closed."""

    def __init__(self, meter: Meter, totals: Totals) -> None:
        self._meter = meter
        self._totals = totals
        self._before: dict[str, float] = {}

    def read(self) -> Mapping[str, float]:
        """Give the meter what was added since the last time; return the totals."""
        totals = self._totals()
        for name in _COUNTED & totals.keys():
            self._meter.take(name, totals[name] - self._before.get(name, 0))
            self._before[name] = totals[name]
        return totals

    def skip(self) -> None:
        """Count only what is added from now on."""
        totals = self._totals()
        self._before = {name: totals[name] for name in _COUNTED & totals.keys()}

    def close(self) -> None:
        """Give the last of it, and be asked no more."""
        self.read()
        self._meter.forget(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


async def report(meter: Meter, write: Callable[[str], object], *, every_s: float) -> None:
    """Write a line each `every_s` until cancelled, and a last one then."""
    try:
        while True:
            await asyncio.sleep(every_s)
            write(_text(meter))
    finally:
        write(_text(meter))


async def feel_pulse(meter: Meter, *, every_s: float = PULSE_S, clock: Callable[[], float] = time.monotonic) -> None:
    """Measure, until cancelled, how late this process comes back to its work, by `clock` in seconds."""
    while True:
        due = clock() + every_s
        await asyncio.sleep(every_s)
        meter.observe("late_s", max(0.0, clock() - due))


def _text(meter: Meter) -> str:
    return msgspec.json.encode(meter.line(time.time())).decode() + "\n"
