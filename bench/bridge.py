"""The bridge as a process of its own on one core, and the operating system's account of it."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from local.process import Process

PORT = 18_080
MEDIA_URL = f"ws://127.0.0.1:{PORT}"
CORE = 0


@dataclass(frozen=True, slots=True)
class MeasuredBridge:
    """The process `pid`, under its leash."""

    pid: int

    def cpu_s(self) -> float:
        """Return the CPU time it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_kb(self) -> int:
        """Return what it has in memory."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


@contextlib.asynccontextmanager
async def measured_bridge(services_url: str) -> AsyncIterator[MeasuredBridge]:
    """Run a bridge on `CORE`, listening at `MEDIA_URL`; Gladia and AWS are at `services_url`."""
    environment = {
        "PATH": os.environ["PATH"],
        "CALLS_TABLE": "Calls",
        "SUBSCRIPTIONS_TABLE": "Subscriptions",
        "SESSIONS_TABLE": "Sessions",
        "KEYS_TABLE": "Keys",
        "PUSH_ENDPOINT": f"{services_url}/live",
        "MEDIA_URL": MEDIA_URL,
        "GLADIA_URL": services_url,
        "GLADIA_SECRET": "GLADIA",
        "TWILIO_SECRET": "TWILIO",
        "SIGNING_SECRET": "SIGNING",
        "HOST": "127.0.0.1",
        "PORT": str(PORT),
        "DRAIN_S": "3",
        "AWS_ENDPOINT_URL": services_url,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    process = Process(
        "the bridge",
        [sys.executable, "-m", "bridge"],
        log=Path(tempfile.gettempdir()) / "callscribe-bench-bridge.log",
        environment=environment,
        ready=lambda line: "ready" if line.get("message") == "listening" else None,
    )
    async with process as leash:
        pid = _child_of(leash.pid)
        os.sched_setaffinity(pid, {CORE})
        yield MeasuredBridge(pid)


def leave_its_core() -> None:
    """Keep this process, the load, off the core that is measured."""
    os.sched_setaffinity(0, os.sched_getaffinity(0) - {CORE})


def _child_of(leash_pid: int) -> int:
    children = Path(f"/proc/{leash_pid}/task/{leash_pid}/children").read_text(encoding="ascii").split()
    return int(children[0])
