"""A process on a core of its own, and the operating system's account of it."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.process import Process

CORE = 0
QUIET_S = 0.5


@dataclass(frozen=True, slots=True)
class MeasuredProcess:
    """The process `pid`, under its leash."""

    pid: int

    def cpu_s(self) -> float:
        """Return the CPU time that all its threads have used, their own and the kernel's for them, to the nanosecond.

        Source: POSIX, `clock_getcpuclockid`. What `/proc` tells is in steps of ten milliseconds.
        """
        clock = ctypes.c_int()
        if error := ctypes.CDLL(None).clock_getcpuclockid(self.pid, ctypes.byref(clock)):
            raise ProcessLookupError(error, os.strerror(error))
        return time.clock_gettime(clock.value)

    def memory_kb(self) -> int:
        """Return what it has in memory."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


def busy_s() -> tuple[float, float]:
    """Return how long `CORE`, and all the others together, have been busy, whoever with, in steps of ten milliseconds.

    Source: proc_stat(5); of the ticks the fourth and fifth are idle ones.
    """
    busy: dict[str, float] = {}
    for line in Path("/proc/stat").read_text(encoding="ascii").splitlines():
        name, *ticks = line.split()
        if name.startswith("cpu"):
            busy[name] = sum(int(each) for each in (*ticks[:3], *ticks[5:8])) / os.sysconf("SC_CLK_TCK")
    own = busy[f"cpu{CORE}"]
    return own, busy["cpu"] - own


async def quiet(*, within_s: float) -> None:
    """Return when others leave the cores alone, or after so long."""
    deadline_s = time.monotonic() + within_s
    before = sum(busy_s())
    while time.monotonic() < deadline_s:
        await asyncio.sleep(QUIET_S)
        now = sum(busy_s())
        if now - before < QUIET_S / 10:
            return
        before = now


@contextlib.asynccontextmanager
async def measured(
    name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
) -> AsyncIterator[MeasuredProcess]:
    """Run a process on `CORE` that says "listening" once it listens; what it prints is in a temporary file."""
    process = Process(
        f"the {name}",
        command,
        log=Path(tempfile.gettempdir()) / f"callscribe-bench-{name}.log",
        environment={"PATH": os.environ["PATH"], **(environment or {})},
        ready=lambda line: "ready" if line.get("message") == "listening" else None,
    )
    async with process as leash:
        pid = _child_of(leash.pid)
        _keep_to_core(pid)
        yield MeasuredProcess(pid)


def leave_its_core() -> None:
    """Keep this process, the load, off the core that is measured."""
    os.sched_setaffinity(0, os.sched_getaffinity(0) - {CORE})


def python(module: str) -> list[str]:
    """Return the command that runs a module of this project."""
    return [sys.executable, "-m", module]


def _keep_to_core(pid: int) -> None:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {CORE})


def _child_of(leash_pid: int) -> int:
    children = Path(f"/proc/{leash_pid}/task/{leash_pid}/children").read_text(encoding="ascii").split()
    return int(children[0])
