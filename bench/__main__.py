"""`python -m bench`: how many calls a core of the bridge carries, and what delay it adds.

The bridge runs as its own process on one core; the load, a Gladia that discards and an AWS that agrees run on the
other. CPU time is the operating system's own account of the bridge's process.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import statistics
import sys
import time
from dataclasses import dataclass

import uvloop
from rich.console import Console
from rich.table import Table

from bench.bridge import MEDIA_URL, leave_its_core, measured_bridge
from bench.load import Caller, talk
from bench.services import Services, added_ms, serving

SECONDS = 10.0
ROUNDS = 3
# What is measured, whether Gladia speaks and somebody follows, and with how many calls at once.
CASES = (("relay alone", False, (25, 100)), ("log and partials too", True, (10, 25)))
# Beyond this the load itself was late, and the table would tell of it and not of the bridge.
TRUSTED_LATENESS_S = 0.02
console = Console(highlight=False, width=100)


@dataclass(frozen=True, slots=True)
class Round:
    """What one round measured."""

    calls: int
    cpu_share: float  # of one core
    added_ms: tuple[float, ...]  # from the last frame of a chunk to the chunk's arrival at Gladia
    late_s: float  # p99 of the load's own lateness
    complete: bool  # whether Gladia received every byte
    memory_kb: int  # of the process, at the end

    @property
    def calls_a_core(self) -> float:
        """How many such calls would fill a core."""
        return self.calls / self.cpu_share


async def measure(calls: int, *, everything: bool) -> Round:
    """Run one round."""
    services = Services(speaks=everything)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(serving(services))
        bridge = await stack.enter_async_context(measured_bridge(services.url))
        callers = [Caller(f"CA{number}", MEDIA_URL) for number in range(calls)]
        await asyncio.gather(*(caller.open() for caller in callers))
        before = bridge.cpu_s()
        began = time.monotonic()
        late_s = await talk(callers, seconds=SECONDS)
        cpu_share = (bridge.cpu_s() - before) / (time.monotonic() - began)
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


async def main() -> int:
    """Measure and print; return the exit status."""
    leave_its_core()
    table = Table(title="The bridge on one core", title_justify="left", title_style="bold")
    for name in ("what", "calls", "CPU of a core", "calls a core", "added p50", "p99", "memory"):
        table.add_column(name, justify="left" if name == "what" else "right", no_wrap=True)
    untrusted = 0
    for what, everything, counts in CASES:
        for calls in counts:
            rounds = []
            for number in range(ROUNDS):
                with console.status(f"{what}, {calls} calls, round {number + 1} of {ROUNDS}"):
                    rounds.append(await measure(calls, everything=everything))
            if any(each.late_s > TRUSTED_LATENESS_S or not each.complete for each in rounds):
                late = max(each.late_s for each in rounds)
                console.print(f"{what}, {calls} calls: not trusted, the load was up to {late * 1000:.0f} ms late")
                untrusted += 1
                continue
            table.add_row(what, str(calls), *_cells(rounds))
    console.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    console.print(table)
    return 1 if untrusted else 0


def _cells(rounds: list[Round]) -> tuple[str, ...]:
    densities = [each.calls_a_core for each in rounds]
    added = [value for each in rounds for value in each.added_ms]
    quantiles = statistics.quantiles(added, n=100)
    return (
        f"{statistics.median(each.cpu_share for each in rounds):.0%}",
        f"{statistics.median(densities):.0f} ({min(densities):.0f} to {max(densities):.0f})",
        f"{quantiles[49]:.1f} ms",
        f"{quantiles[98]:.1f} ms",
        f"{max(each.memory_kb for each in rounds) / 1024:.0f} MB",
    )


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
