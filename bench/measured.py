"""A process on a core of its own, and the operating system's account of it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from local.process import Process

CORE = 0


@dataclass(frozen=True, slots=True)
class MeasuredProcess:
    """The process `pid`, under its leash."""

    pid: int

    def cpu_s(self) -> float:
        """Return the CPU time it has used, its own and the kernel's for it."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_kb(self) -> int:
        """Return what it has in memory."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


@contextlib.asynccontextmanager
async def measured(process: Process) -> AsyncIterator[MeasuredProcess]:
    """Run `process` on `CORE`."""
    async with process as leash:
        pid = _child_of(leash.pid)
        os.sched_setaffinity(pid, {CORE})
        yield MeasuredProcess(pid)


def leave_its_core() -> None:
    """Keep this process, the load, off the core that is measured."""
    os.sched_setaffinity(0, os.sched_getaffinity(0) - {CORE})


def _child_of(leash_pid: int) -> int:
    children = Path(f"/proc/{leash_pid}/task/{leash_pid}/children").read_text(encoding="ascii").split()
    return int(children[0])
