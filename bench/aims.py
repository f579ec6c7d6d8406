"""What the bridge is to reach, and what it reaches."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.results import Measured, Results, ratios
from bench.subjects import EVERYTHING, FLOOR, PIPECAT, RELAY

RELAY_TIMES_FLOOR = 2.5
EVERYTHING_TIMES_FLOOR = 5.0
TIMES_LESS_THAN_PIPECAT = 12.0
P99_MS = {0.7: 5.0, 0.9: 15.0}  # by share of a core
NEAR = 0.07  # what passes for such a share
FLAT = 0.10
FLAT_FROM, FLAT_TO = 50, 500  # calls
CALL_KB = 64.0


@dataclass(frozen=True, slots=True)
class Aim:
    """One of them."""

    text: str
    found: str
    is_met: bool

    @classmethod
    def unmeasured(cls, text: str) -> Aim:
        """Return one of which nothing is known, which is not met."""
        return cls(text, "not measured", is_met=False)


def aims(results: Results) -> Iterator[Aim]:
    """Yield all of them."""
    yield _times_floor(results, RELAY.name, RELAY_TIMES_FLOOR)
    yield _times_floor(results, EVERYTHING.name, EVERYTHING_TIMES_FLOOR)
    yield from _times_pipecat(results)
    for share in P99_MS:
        yield _p99(results, share)
    yield _flat(results)
    for subject in (RELAY.name, EVERYTHING.name):
        yield _memory(results, subject)


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Return the median of `values`, and their range."""
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def _times_floor(results: Results, subject: str, most: float) -> Aim:
    text = f"{subject}: at most {most:g} times the floor"
    floors = {each.case.calls: each for each in results.trusted(FLOOR.name)}
    pairs = [(each, floors[each.case.calls]) for each in results.unfilled(subject) if each.case.calls in floors]
    if not pairs:
        return Aim.unmeasured(text)
    most_loaded, floor = pairs[-1]
    times = ratios(most_loaded, floor)
    found = f"{spread(times)} with {most_loaded.case.calls} calls, {most_loaded.cpu_share:.0%} of a core"
    return Aim(text, found, statistics.median(times) <= most)


def _times_pipecat(results: Results) -> Iterator[Aim]:
    text = f"relay alone: at least {TIMES_LESS_THAN_PIPECAT:g} times fewer CPU seconds a call than Pipecat"
    pipecat, ours = results.trusted(PIPECAT.name), results.unfilled(RELAY.name)
    if not pipecat or not ours:
        yield Aim.unmeasured(text)
        return
    last = pipecat[-1]
    for which, like in (
        ("with as many calls", [each for each in ours if each.case.calls == last.case.calls]),
        ("each with its core well used", ours[-1:]),
    ):
        if not like:
            yield Aim.unmeasured(f"{text}, {which}")
            continue
        times = ratios(last, like[0])
        found = f"{spread(times)}: {last.case.calls} calls beside {like[0].case.calls}"
        yield Aim(f"{text}, {which}", found, statistics.median(times) >= TIMES_LESS_THAN_PIPECAT)


def _p99(results: Results, share: float) -> Aim:
    text = f"relay alone: added p99 under {P99_MS[share]:g} ms at {share:.0%} of a core"
    told = [each for each in results.trusted(RELAY.name) if abs(each.cpu_share - share) <= NEAR]
    nearest = min(told, key=lambda each: abs(each.cpu_share - share), default=None)
    if nearest is None or (added := nearest.added_ms()) is None:
        return Aim.unmeasured(text)
    found = f"{added[1]:.1f} ms with {nearest.case.calls} calls, {nearest.cpu_share:.0%} of a core"
    return Aim(text, found, added[1] < P99_MS[share])


def _flat(results: Results) -> Aim:
    text = f"relay alone: CPU a call flat within {FLAT:.0%} from {FLAT_FROM} to {FLAT_TO} calls"
    between = [each for each in results.unfilled(RELAY.name) if FLAT_FROM <= each.case.calls <= FLAT_TO]
    if len(between) < 2:
        return Aim.unmeasured(text)
    cpu = [statistics.median(each.cpu_ms()) for each in between]
    off = max(cpu) / min(cpu) - 1
    reached = between[-1].case.calls
    found = f"{off:.0%}: {min(cpu):.2f} to {max(cpu):.2f} ms a second, {between[0].case.calls} to {reached} calls"
    if reached < FLAT_TO:
        found += "; a core takes no more"
    return Aim(text, found, off <= FLAT and reached >= FLAT_TO)


def _memory(results: Results, subject: str) -> Aim:
    text = f"{subject}: under {CALL_KB:g} KB of memory a call"
    told = results.unfilled(subject)
    if not told:
        return Aim.unmeasured(text)
    last: Measured = told[-1]
    return Aim(text, f"{last.call_kb():.0f} KB with {last.case.calls} calls", last.call_kb() < CALL_KB)
