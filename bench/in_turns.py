"""CPU time of this process for the same thing done in several ways, in turns."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping

from rich.console import Console
from rich.table import Table

ROUNDS = 7
TIMES = 300  # in each round, which takes tens of milliseconds at least

Way = Callable[[], Awaitable[object]]


async def cpu_us(ways: Mapping[str, Way], *, rounds: int = ROUNDS, times: int = TIMES) -> dict[str, list[float]]:
    """Return the microseconds that each way took each time, a figure a round; a first round is thrown away."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, way in ways.items():
            began = time.process_time()
            for _ in range(times):
                await way()
            found[name].append(1e6 * (time.process_time() - began) / times)
    return {name: measured for name, (_warm, *measured) in found.items()}


def show(title: str, found: Mapping[str, list[float]]) -> None:
    """Print a table: medians, and the range over the rounds."""
    table = Table(title, "CPU time", title=f"{platform.machine()}, Python {platform.python_version()}")
    for name, measured in found.items():
        table.add_row(name, f"{statistics.median(measured):.0f} us ({min(measured):.0f} to {max(measured):.0f})")
    Console().print(table)
