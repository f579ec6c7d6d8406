"""`python -m bench.rude`: what peers that misbehave cost the calls beside them.

Twenty calls talk through a bridge on one core; beside them peers that never send a byte after the upgrade, that never
close, that send ten times faster than anybody speaks, and that ask to be let in with wrong credentials, hundreds of
times a second. What is measured is how long each 100 ms of the twenty calls takes from its last frame to Gladia,
alone and beside each kind in turns.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import os
import platform
import statistics
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field

import uvloop
from rich.console import Console
from rich.table import Table

from bench.bridge import MEDIA_URL, measured_bridge
from bench.load import Caller, talk
from bench.measured import leave_its_core
from bench.services import Services, added_ms, serving
from callscribe.requests import Item
from callscribe.trunks import NewTrunk, Trunks, new_trunk

CALLS = 20
SECONDS = 8.0
ROUNDS = 3
TRUSTED_LATENESS_S = 0.02
TRUNK = "rude"
FRAME_S = 0.02
SETTLE_S = 3.0
console = Console(highlight=False, width=110)


class TrunkServices(Services):
    """Services that know one trunk."""

    def __init__(self, new: NewTrunk) -> None:
        super().__init__(speaks=False)
        self._item: Item = next(iter(Trunks("Keys").add(new))).arguments["Item"]

    def _answer(self, target: str, body: dict[str, object]) -> dict[str, object]:
        is_it = target == "GetItem" and body.get("Key") == {name: self._item[name] for name in ("pk", "sk")}
        return {"Item": self._item} if is_it else super()._answer(target, body)


@dataclass(slots=True)
class Rude:
    """Peers of one kind, while they go on."""

    secret: str
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    sent: int = 0  # messages, or attempts
    are_there: asyncio.Event = field(default_factory=asyncio.Event)  # all have come that will

    async def upgrade(self, secret: str, call: str) -> asyncio.StreamReader:
        """Ask for a media stream; the answer is still to be read."""
        host, _, port = MEDIA_URL.removeprefix("ws://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        self.writers.append(writer)
        login = base64.b64encode(f"{TRUNK}:{secret}".encode()).decode()
        lines = (
            f"GET /asterisk/{TRUNK}?call={call} HTTP/1.1", f"Host: {host}:{port}", "Connection: Upgrade",
            "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            f"Authorization: Basic {login}", "", "",
        )  # fmt: skip
        writer.write("\r\n".join(lines).encode())
        return reader

    async def fork(self, number: int) -> asyncio.StreamWriter:
        """Open a media stream that has begun."""
        reader = await self.upgrade(self.secret, f"rude-{number}")
        await reader.readuntil(b"\r\n\r\n")
        start = {"event": "MEDIA_START", "channel_id": f"rude-{number}", "format": "ulaw"}
        self.writers[-1].write(_frame(json.dumps(start).encode(), opcode=1))
        return self.writers[-1]

    def close(self) -> None:
        """Leave."""
        for writer in self.writers:
            writer.close()


async def silent(rude: Rude) -> None:
    """Open a hundred sockets and never send a byte."""
    for number in range(100):
        await rude.upgrade(rude.secret, f"silent-{number}")
        rude.sent += 1
    rude.are_there.set()


async def endless(rude: Rude) -> None:
    """Begin thirty media streams, say a second each, and never close one."""
    for number in range(30):
        writer = await rude.fork(number)
        for _ in range(50):
            writer.write(_SPEECH)
            rude.sent += 1
    await asyncio.sleep(SETTLE_S)  # what their beginning costs is what calls cost that begin
    rude.are_there.set()


async def tenfold(rude: Rude) -> None:
    """Send on five media streams, ten times as fast as anybody speaks."""
    writers = [await rude.fork(number) for number in range(5)]
    rude.are_there.set()
    for _ in itertools.count():
        for writer in writers:
            writer.write(10 * _SPEECH)
            rude.sent += 10
        await asyncio.sleep(FRAME_S)


async def flood(rude: Rude) -> None:
    """Ask with wrong credentials, 400 times a second: some hundred calls of a PBX whose secret is a wrong one."""
    rude.are_there.set()
    for _ in itertools.count():
        for _ in range(8):
            with contextlib.suppress(ConnectionError):
                await rude.upgrade("wrong", "flood")
            rude.sent += 1
        while len(rude.writers) > 100:
            rude.writers.pop(0).close()
        await asyncio.sleep(FRAME_S)


KINDS: dict[str, Callable[[Rude], Coroutine[None, None, None]] | None] = {
    "alone": None,
    "100 that never send a byte": silent,
    "30 that never close": endless,
    "5 that send ten times real time": tenfold,
    "wrong credentials, 400 a second": flood,
}


@dataclass(frozen=True, slots=True)
class Round:
    """What one round measured."""

    added_ms: tuple[float, ...]
    late_s: float
    is_complete: bool
    sent: int


@contextlib.asynccontextmanager
async def beside(kind: str, secret: str) -> AsyncIterator[Rude]:
    """Let peers of that kind go on meanwhile."""
    rude, be = Rude(secret), KINDS[kind]
    being = asyncio.create_task(be(rude)) if be is not None else None
    try:
        if being is not None:
            await rude.are_there.wait()
        yield rude
    finally:
        if being is not None:
            being.cancel()
        rude.close()


async def measure(kind: str) -> Round:
    """Run one round."""
    new = new_trunk("bench", TRUNK, at="2026-11-26T09:15:02.417Z")
    services = TrunkServices(new)
    async with serving(services), measured_bridge(services.url):
        callers = [Caller(f"CA{number}", MEDIA_URL) for number in range(CALLS)]
        await asyncio.gather(*(caller.open() for caller in callers))
        async with beside(kind, new.secret) as rude:
            late_s = await talk(callers, seconds=SECONDS)
            sent = rude.sent
        for caller in callers:
            caller.hang_up()
        await asyncio.gather(*(caller.close() for caller in callers))
        async with asyncio.timeout(10):
            await asyncio.gather(*(services.sessions[caller.call_id].ended.wait() for caller in callers))
        added = [value for caller in callers for value in added_ms(caller, services.sessions[caller.call_id].at_s)]
        is_complete = all(
            services.sessions[caller.call_id].received == 320 * len(caller.sent_at_s) for caller in callers
        )
    return Round(tuple(added), late_s, is_complete, sent)


async def main() -> int:
    """Measure in turns and print; return the exit status."""
    leave_its_core()
    rounds: dict[str, list[Round]] = {kind: [] for kind in KINDS}
    for number in range(ROUNDS):
        for kind in KINDS:
            with console.status(f"round {number + 1} of {ROUNDS}: {kind}"):
                rounds[kind].append(await measure(kind))
    table = Table(title=f"{CALLS} calls beside peers that misbehave", title_justify="left", title_style="bold")
    for name in ("beside", "they sent", "added p50", "p99", "p99 of the rounds", "complete"):
        table.add_column(name, justify="left" if name == "beside" else "right", no_wrap=True)
    untrusted = 0
    for kind, measured in rounds.items():
        late_s = max(each.late_s for each in measured)
        if late_s > TRUSTED_LATENESS_S:
            console.print(f"{kind}: not trusted, the load was up to {late_s * 1000:.0f} ms late")
            untrusted += 1
            continue
        quantiles = statistics.quantiles([value for each in measured for value in each.added_ms], n=100)
        each_p99 = [statistics.quantiles(each.added_ms, n=100)[98] for each in measured]
        table.add_row(
            kind,
            str(statistics.median_low(each.sent for each in measured)),
            f"{quantiles[49]:.1f} ms",
            f"{quantiles[98]:.1f} ms",
            f"{min(each_p99):.1f} to {max(each_p99):.1f} ms",
            "yes" if all(each.is_complete for each in measured) else "NO",
        )
    console.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    console.print(table)
    is_complete = all(each.is_complete for measured in rounds.values() for each in measured)
    return 0 if is_complete and not untrusted else 1


def _frame(data: bytes, *, opcode: int) -> bytes:
    """Return a client's frame, with a mask of zeros."""
    size = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0x80 | 126]) + len(data).to_bytes(2)
    return bytes([0x80 | opcode]) + size + bytes(4) + data


_SPEECH = _frame(b"\x7e" * 160, opcode=2)


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
