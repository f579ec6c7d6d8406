"""`python -m bench`: how many calls a core of the bridge carries, and what delay it adds.

The bridge runs as its own process on one core; the load, a Gladia that discards and an AWS that agrees run on the
other. CPU time is the operating system's own account of the bridge's process. What is compared takes turns, so that a
machine that changes its pace changes it for all.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import uvloop
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from bench.bridge import MEDIA_URL, measured_bridge
from bench.floor import measured_floor
from bench.load import Caller, talk
from bench.measured import MeasuredProcess, leave_its_core
from bench.services import Services, added_ms, serving

SECONDS = 10.0
ROUNDS = 5
FLOOR, RELAY, EVERYTHING = "the floor", "relay alone", "log and partials too"
# What is measured, and with how many calls at once.
CASES = tuple(
    (what, calls)
    for what, counts in ((FLOOR, (10, 25, 100)), (RELAY, (25, 100)), (EVERYTHING, (10, 25)))
    for calls in counts
)
# Beyond this the load itself was late, and the table would tell of it and not of the bridge.
TRUSTED_LATENESS_S = 0.02
# Rounds that differ by more tell of the machine.
TRUSTED_SPREAD = 1.6
console = Console(highlight=False, width=132)


@dataclass(frozen=True, slots=True)
class Round:
    """What one round measured."""

    calls: int
    cpu_share: float  # of one core
    added_ms: tuple[float, ...]  # from the last frame of a chunk to the chunk's arrival at Gladia; the floor has none
    late_s: float  # p99 of the load's own lateness
    complete: bool  # whether Gladia received every byte
    memory_kb: int  # of the process, at the end

    @property
    def calls_a_core(self) -> float:
        """How many such calls would fill a core."""
        return self.calls / self.cpu_share


async def measure(what: str, calls: int) -> Round:
    """Run one round."""
    return await (_measure_floor(calls) if what == FLOOR else _measure_bridge(calls, speaks=what == EVERYTHING))


async def _measure_floor(calls: int) -> Round:
    async with measured_floor() as floor:
        callers, cpu_share, late_s = await _talked(floor, calls)
        memory_kb = floor.memory_kb()
        for caller in callers:
            caller.leave()
    return Round(calls, cpu_share, (), late_s, complete=True, memory_kb=memory_kb)


async def _measure_bridge(calls: int, *, speaks: bool) -> Round:
    services = Services(speaks=speaks)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(serving(services))
        bridge = await stack.enter_async_context(measured_bridge(services.url))
        callers, cpu_share, late_s = await _talked(bridge, calls)
        memory_kb = bridge.memory_kb()
        for caller in callers:
            caller.hang_up()
        await asyncio.gather(*(caller.close() for caller in callers))
        async with asyncio.timeout(10):
            await asyncio.gather(*(services.sessions[caller.call_id].ended.wait() for caller in callers))
        added = [value for caller in callers for value in added_ms(caller, services.sessions[caller.call_id].at_s)]
        expected = round(SECONDS / 0.02) * 320
        complete = all(services.sessions[caller.call_id].received == expected for caller in callers)
    return Round(calls, cpu_share, tuple(added), late_s, complete, memory_kb)


async def _talked(process: MeasuredProcess, calls: int) -> tuple[list[Caller], float, float]:
    """Return the callers, still there, the share of a core that they took, and the p99 of how late they were."""
    callers = [Caller(f"CA{number}", MEDIA_URL) for number in range(calls)]
    await asyncio.gather(*(caller.open() for caller in callers))
    before, began = process.cpu_s(), time.monotonic()
    late_s = await talk(callers, seconds=SECONDS)
    return callers, (process.cpu_s() - before) / (time.monotonic() - began), late_s


def distrust(rounds: Sequence[Round]) -> str:
    """Return why these rounds of one case are not to be told of; empty if they are."""
    late_s = max(each.late_s for each in rounds)
    if late_s > TRUSTED_LATENESS_S:
        return f"the load was up to {late_s * 1000:.0f} ms late"
    if not all(each.complete for each in rounds):
        return "what came out is not what went in"
    shares = [each.cpu_share for each in rounds]
    if max(shares) > TRUSTED_SPREAD * min(shares):
        return f"rounds took from {min(shares):.0%} to {max(shares):.0%} of a core"
    return ""


async def main() -> int:
    """Measure and print; return the exit status."""
    leave_its_core()
    measured: dict[tuple[str, int], list[Round]] = {case: [] for case in CASES}
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), console=console, transient=True
    ) as progress:
        task = progress.add_task("", total=ROUNDS * len(CASES))
        for number in range(ROUNDS):
            for what, calls in CASES:
                progress.update(task, description=f"round {number + 1} of {ROUNDS}: {what}, {calls} calls")
                measured[what, calls].append(await measure(what, calls))
                progress.advance(task)
    console.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    untrusted = {case: reason for case, rounds in measured.items() if (reason := distrust(rounds))}
    for (what, calls), reason in untrusted.items():
        console.print(f"{what}, {calls} calls: not trusted, {reason}")
    console.print(_table({case: rounds for case, rounds in measured.items() if case not in untrusted}))
    return 1 if untrusted else 0


def _table(measured: dict[tuple[str, int], list[Round]]) -> Table:
    table = Table(title="The bridge on one core", title_justify="left", title_style="bold")
    for name in ("what", "calls", "CPU of a core", "calls a core", "times the floor", "added p50", "p99", "memory"):
        table.add_column(name, justify="left" if name == "what" else "right", no_wrap=True)
    for (what, calls), rounds in measured.items():
        floor = measured.get((FLOOR, calls), [])
        table.add_row(what, str(calls), *_cells(rounds, [] if what == FLOOR else floor))
    return table


def _cells(rounds: list[Round], floor: list[Round]) -> tuple[str, ...]:
    ratios = [each.cpu_share / other.cpu_share for each, other in zip(rounds, floor, strict=False)]
    added = [value for each in rounds for value in each.added_ms]
    quantiles = statistics.quantiles(added, n=100) if added else []
    return (
        f"{statistics.median(each.cpu_share for each in rounds):.1%}",
        _spread([each.calls_a_core for each in rounds], digits=0),
        _spread(ratios, digits=1) if ratios else "",
        f"{quantiles[49]:.1f} ms" if quantiles else "",
        f"{quantiles[98]:.1f} ms" if quantiles else "",
        f"{max(each.memory_kb for each in rounds) / 1024:.0f} MB",
    )


def _spread(values: list[float], *, digits: int) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
