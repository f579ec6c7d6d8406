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
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import uvloop
from aiohttp import web
from rich.console import Console
from rich.table import Table

from bench.load import Caller, talk
from bench.services import Services
from local.process import Process

CHUNK_BYTES = 1600  # 100 ms of both tracks
SECONDS = 10.0
ROUNDS = 3
# What is measured, whether Gladia speaks and somebody follows, and with how many calls at once.
CASES = (("relay alone", False, (25, 100)), ("log and partials too", True, (10, 25)))
# Beyond this the load itself was late, and the table would tell of it and not of the bridge.
TRUSTED_LATENESS_S = 0.02
PORT = 18_080
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
        runner = web.AppRunner(services.app(), access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        services.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        media_url = f"ws://127.0.0.1:{PORT}"
        bridge = await stack.enter_async_context(_bridge(services.url, media_url))
        pid = _child_of(bridge.pid)
        os.sched_setaffinity(pid, {0})
        callers = [Caller(f"CA{number}", media_url) for number in range(calls)]
        await asyncio.gather(*(caller.open() for caller in callers))
        before = _cpu_s(pid)
        began = time.monotonic()
        late_s = await talk(callers, seconds=SECONDS)
        cpu_share = (_cpu_s(pid) - before) / (time.monotonic() - began)
        memory_kb = _memory_kb(pid)
        for caller in callers:
            caller.hang_up()
        await asyncio.gather(*(caller.close() for caller in callers))
        async with asyncio.timeout(10):
            await asyncio.gather(*(services.sessions[caller.call_id].ended.wait() for caller in callers))
        added = [value for caller in callers for value in _added_ms(caller, services)]
        expected = round(SECONDS / 0.02) * 320
        complete = all(services.sessions[caller.call_id].received == expected for caller in callers)
    return Round(calls, cpu_share, tuple(added), late_s, complete, memory_kb)


def _bridge(services_url: str, media_url: str) -> Process:
    environment = {
        "PATH": os.environ["PATH"],
        "CALLS_TABLE": "Calls",
        "SUBSCRIPTIONS_TABLE": "Subscriptions",
        "SESSIONS_TABLE": "Sessions",
        "PUSH_ENDPOINT": f"{services_url}/live",
        "MEDIA_URL": media_url,
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
    return Process(
        "the bridge",
        [sys.executable, "-m", "bridge"],
        log=Path(tempfile.gettempdir()) / "callscribe-bench-bridge.log",
        environment=environment,
        ready=lambda line: "ready" if line.get("message") == "listening" else None,
    )


def _added_ms(caller: Caller, services: Services) -> list[float]:
    # The first second is left out: sessions are still being opened, and their first words are a backlog.
    chunks = services.sessions[caller.call_id].at_s
    added = []
    for received, at_s in chunks:
        last_frame = received // 320 - 1
        if received % CHUNK_BYTES == 0 and last_frame > 50:
            added.append((at_s - caller.sent_at_s[last_frame]) * 1000)
    return added


def _child_of(leash_pid: int) -> int:
    children = Path(f"/proc/{leash_pid}/task/{leash_pid}/children").read_text(encoding="ascii").split()
    return int(children[0])


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


async def main() -> int:
    """Measure and print; return the exit status."""
    os.sched_setaffinity(0, os.sched_getaffinity(0) - {0})
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
