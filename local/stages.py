"""What a start takes, stage by stage; stages may overlap."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from rich.table import Table

T = TypeVar("T")

BAR = 30


async def together(*work: Coroutine[Any, Any, Any]) -> list[Any]:
    """Do all at once and return the results in order; where one fails, the others are over before its error is told."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


class Stage(msgspec.Struct, frozen=True):
    """One stage, in seconds since the process was started."""

    name: str
    began_s: float
    ended_s: float


class Stages:
    """The stages of this process's start, in the order of their ends."""

    def __init__(self, *, clock: Callable[[], float] | None = None) -> None:
        """`clock` tells the seconds since the process was started."""
        self._clock = clock or since_start
        self._ended: list[Stage] = []

    @property
    def ended(self) -> tuple[Stage, ...]:
        """Those that are over."""
        return tuple(self._ended)

    def now(self) -> float:
        """Return the seconds since the process was started."""
        return self._clock()

    @contextlib.contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Take what happens while inside for a stage; one that fails is none."""
        began_s = self._clock()
        yield
        self.end(name, began_s)

    async def during(self, name: str, work: Awaitable[T]) -> T:
        """Await `work` as a stage, and return its result."""
        with self.timed(name):
            return await work

    def steps(self, of: str) -> Callable[[str], None]:
        """Return what is to be told what begins, so that each step is a stage of its own until the next one begins.

        Steps are alike by their first word. The last to be told, an end, is no step.
        """
        running: list[tuple[str, float]] = []

        def begins(what: str) -> None:
            kind = what.partition(" ")[0]
            if running and running[-1][0] == kind:
                return
            if running:
                step, began_s = running[-1]
                self.end(f"{of}: {step}", began_s)
            running.append((kind, self._clock()))

        return begins

    def end(self, name: str, began_s: float, *, ended_s: float | None = None) -> None:
        """Note a stage that began then, and is over now if it doesn't say since when."""
        self._ended.append(Stage(name, began_s, self._clock() if ended_s is None else ended_s))

    def table(self) -> Table:
        """Return the stages by their beginnings, each with a bar of its place in the whole."""
        whole_s = max((stage.ended_s for stage in self._ended), default=0.0) or 1.0
        table = Table("stage", "began", "took", title="From the command to the first word")
        table.add_column("", no_wrap=True)
        for stage in sorted(self._ended, key=lambda stage: (stage.began_s, stage.ended_s)):
            before, after = (round(BAR * each / whole_s) for each in (stage.began_s, stage.ended_s))
            bar = " " * before + "█" * max(1, after - before)
            table.add_row(stage.name, f"{stage.began_s:.1f} s", f"{stage.ended_s - stage.began_s:.1f} s", bar)
        return table

    def write(self, path: Path) -> None:
        """Write them as JSON."""
        path.write_bytes(msgspec.json.encode(self._ended))


def since_start() -> float:
    """Return the seconds since this process was started, by Linux's account to a hundredth."""
    fields = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    began_s = int(fields[19]) / os.sysconf("SC_CLK_TCK")  # proc_pid_stat(5): since the machine's start
    return time.clock_gettime(time.CLOCK_BOOTTIME) - began_s
