"""`python -m bench.endurance`: an hour of 100 calls beside a subscriber that never reads and a DynamoDB that throttles.

The bridge is its own process on one core. Calls last four minutes and are followed by others, so that what a call
leaves behind would be seen. Turns without and with the two faults alternate, and each turn's figures stand beside
those of the turn before it: so what drifts over an hour is no difference between them. In a faulty turn one call has a
subscriber who takes no post, ever, and DynamoDB refuses everything for 5 s out of every 15.

The exit status is 1 if a byte, a final or a number of a log is missing, or if the load itself was late.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import platform
import random
import re
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import uvloop
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from bench.bridge import MEDIA_URL, measured_bridge
from bench.discarding import Arrivals, Session, utterance
from bench.load import FRAME_S, Caller
from bench.measured import MeasuredProcess, leave_its_core
from bench.services import Services, added_ms, serving

CALL_S = 240.0
FOLLOWED = 10  # calls with a subscriber, to whom partials are posted
PARTIAL_EVERY_S = 0.5
FINAL_EVERY_S = 5.0
THROTTLED_S = 5.0
EVERY_S = 15.0
SETTLING_S = 15.0  # at the beginning of each turn; its figures belong to neither
TRUSTED_LATENESS_S = 0.02
NEVER_READS = "never-reads"
GRACE_S = 30.0
_SAID_AT = re.compile(rb"at(\d+)us")
console = Console(highlight=False, width=120)


@dataclass(slots=True)
class Turn:
    """What was measured while DynamoDB and the subscribers were all well, or not."""

    faulty: bool
    added_ms: list[float] = field(default_factory=list)  # a chunk of audio, to Gladia
    shown_ms: list[float] = field(default_factory=list)  # a partial, from Gladia to a subscriber who reads
    late_s: list[float] = field(default_factory=list)  # the load's own lateness
    refused: int = 0  # requests by DynamoDB
    cpu_share: float = 0.0
    memory_kb: int = 0

    @property
    def is_trusted(self) -> bool:
        """Whether the load was on time."""
        return quantile(self.late_s, 0.99) <= TRUSTED_LATENESS_S


@dataclass(slots=True)
class Kept:
    """What there is of one call at the end."""

    said: int = 0
    finals: int = 0
    tokens: dict[int, str] = field(default_factory=dict)  # by number
    ended_legs: int = 0
    conflicts: int = 0
    missing_bytes: int = 0

    def write(self, number: int, kind: str, token: str) -> None:
        """Take an entry in; the same one comes again if its answer came too late."""
        if number in self.tokens:
            self.conflicts += self.tokens[number] != token
            return
        self.tokens[number] = token
        self.finals += kind == "utterance"
        self.ended_legs += kind == "leg.ended"

    def problem(self) -> str | None:
        """Say what is missing, if anything is."""
        if self.missing_bytes:
            return f"{self.missing_bytes} bytes of audio are missing"
        if self.finals != self.said:
            return f"{self.finals} of {self.said} finals are in the log"
        if sorted(self.tokens) != list(range(1, len(self.tokens) + 1)):
            return "the log's numbers have a hole"
        if self.conflicts:
            return f"{self.conflicts} entries stand where others stood"
        if self.ended_legs != len(("inbound", "outbound")):
            return f"{self.ended_legs} legs ended"
        return None


class FaultyServices(Services):
    """A Gladia whose words tell when they were said, and an AWS that fails while `turn` is a faulty one."""

    def __init__(self) -> None:
        super().__init__(speaks=True)
        self.turn = Turn(faulty=False)
        self.measures = False
        self.kept: dict[str, Kept] = {}
        self.left_unread = 0
        self.wrote = asyncio.Event()  # an entry
        self._begin = time.monotonic()

    async def _speak(self, session: Session, call_id: str, arrivals: Arrivals) -> None:
        kept = self.kept.setdefault(call_id, Kept())
        await asyncio.sleep(random.random() * FINAL_EVERY_S)  # noqa: S311
        steps = round(FINAL_EVERY_S / PARTIAL_EVERY_S)
        for number in range(1_000_000):
            for step in range(1, steps + 1):
                await asyncio.sleep(PARTIAL_EVERY_S)
                is_final = step == steps
                if not is_final and not is_followed(call_id):
                    continue
                words = [*(f" word{place}" for place in range(step)), f" at{time.monotonic_ns() // 1000}us"]
                said = utterance(number % 2, number, words, at_s=arrivals.received / 16_000, is_final=is_final)
                kept.said += is_final
                session.send_text(said)

    def _post(self, connection: str, body: bytes) -> bool:
        if connection == NEVER_READS:
            self.left_unread += 1
            return False
        if self.measures:
            self.turn.shown_ms += [age_ms(at) for at in _SAID_AT.findall(body)]
        return True

    def _aws(self, target: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        if self.turn.faulty and (time.monotonic() - self._begin) % EVERY_S < THROTTLED_S:
            self.turn.refused += 1
            kind = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
            return "400 Bad Request", {"__type": kind}
        return super()._aws(target, body)

    def _answer(self, target: str, body: dict[str, Any]) -> dict[str, Any]:
        if target == "PutItem" and body["TableName"] == "Calls":
            self._keep(body["Item"])
        if target == "Query" and body["TableName"] == "Subscriptions":
            return self._subscribers(body)
        return super()._answer(target, body)

    def _keep(self, item: dict[str, Any]) -> None:
        kept = self.kept.setdefault(item["pk"]["S"].removeprefix("CALL#"), Kept())
        kept.write(int(item["sk"]["S"].removeprefix("LOG#")), item["kind"]["S"], item["token"]["S"])
        self.wrote.set()

    def _subscribers(self, body: dict[str, Any]) -> dict[str, Any]:
        partition = body["ExpressionAttributeValues"][":pk"]
        call_id = partition["S"].removeprefix("CALL#")
        names = [call_id] if is_followed(call_id) else []
        if self.turn.faulty and slot_of(call_id) == 0:
            names.append(NEVER_READS)
        items = [
            {
                "pk": partition, "sk": {"S": f"CONNECTION#{name}"}, "connection_id": {"S": name},
                "tenant": {"S": "bench"}, "expires_at": {"N": "9999999999"},
            }
            for name in names
        ]  # fmt: skip
        return {"Items": items, "Count": len(items)}


@dataclass(slots=True)
class Slot:
    """A place on the bridge, taken by one call after another."""

    number: int
    calls: int = 0
    caller: Caller | None = None
    next: Caller | None = None

    async def dial(self) -> None:
        """Have the next call's media stream open, before this one ends."""
        caller = Caller(f"CA{self.number}-{self.calls}", MEDIA_URL)
        self.calls += 1
        await caller.open()
        self.next = caller

    def send(self) -> None:
        """Send the next 20 ms of both tracks."""
        if self.caller is None:
            self.caller, self.next = self.next, None
        if self.caller is not None:
            self.caller.send(len(self.caller.sent_at_s))

    def ends_at(self, tick: int, calls: int) -> bool:
        """Return whether this slot's call ends with this tick; the slots' calls end one after another."""
        ticks = round(CALL_S / FRAME_S)
        return tick % ticks == (self.number + 1) * ticks // calls - 1


class Hour:
    """The run: the load, its clock, its turns."""

    def __init__(self, services: FaultyServices, bridge: MeasuredProcess, *, calls: int, turn_s: float) -> None:
        self._services = services
        self._bridge = bridge
        self._slots = [Slot(number) for number in range(calls)]
        self._turn_s = turn_s
        self._closing: set[asyncio.Task[None]] = set()
        self.turns: list[Turn] = []

    async def run(self, *, pairs: int, progress: Progress) -> None:
        """Talk for `pairs` of turns; return once every call is over and its log ought to be written."""
        await asyncio.gather(*(slot.dial() for slot in self._slots))
        talking = asyncio.create_task(self._talk())
        task = progress.add_task("calls", total=pairs * 2 * self._turn_s)
        for number in range(pairs * 2):
            await self._measure(Turn(faulty=number % 2 == 1), progress, task)
        self._services.turn = Turn(faulty=False)
        talking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await talking
        for slot in self._slots:
            self._hang_up(slot)
            # Another call may have been dialled, and not have said a word yet.
            slot.caller, slot.next = slot.next, None
            self._hang_up(slot)
        await asyncio.gather(*self._closing)
        async with asyncio.timeout(GRACE_S):
            while any(kept.problem() for kept in self._services.kept.values()):
                await self._services.wrote.wait()
                self._services.wrote.clear()

    async def _measure(self, turn: Turn, progress: Progress, task: Any) -> None:
        self._services.turn = turn
        self.turns.append(turn)
        begin, cpu_s = time.monotonic(), self._bridge.cpu_s()
        while (elapsed := time.monotonic() - begin) < self._turn_s:
            await asyncio.sleep(1)
            self._services.measures = elapsed >= SETTLING_S
            self._collect()
            progress.update(task, advance=1, description=f"{len(self._services.kept)} calls, turn {len(self.turns)}")
        self._services.measures = False
        turn.cpu_share = (self._bridge.cpu_s() - cpu_s) / (time.monotonic() - begin)
        turn.memory_kb = self._bridge.memory_kb()

    def _collect(self) -> None:
        for slot in self._slots:
            if slot.caller is not None and (arrivals := self._services.sessions.get(slot.caller.call_id)):
                chunks, arrivals.at_s = arrivals.at_s, []
                if self._services.measures:
                    self._services.turn.added_ms += added_ms(slot.caller, chunks)

    async def _talk(self) -> None:
        groups = [self._slots[place::10] for place in range(10)]
        begin = time.monotonic()
        tick = 0
        while True:
            for place, group in enumerate(groups):
                due = begin + tick * FRAME_S + place * FRAME_S / 10
                await asyncio.sleep(max(due - time.monotonic(), 0))
                if self._services.measures:
                    self._services.turn.late_s.append(time.monotonic() - due)
                for slot in group:
                    slot.send()
                    self._turn_over(slot, tick)
            tick += 1

    def _turn_over(self, slot: Slot, tick: int) -> None:
        if slot.ends_at(tick + round(1 / FRAME_S), len(self._slots)):
            self._keep(asyncio.create_task(slot.dial()))
        elif slot.ends_at(tick, len(self._slots)):
            self._hang_up(slot)

    def _hang_up(self, slot: Slot) -> None:
        if slot.caller is not None:
            slot.caller.hang_up()
            self._keep(asyncio.create_task(self._close(slot.caller)))
        slot.caller = None  # the next one comes with the next frame

    async def _close(self, caller: Caller) -> None:
        await caller.close()
        arrivals = self._services.sessions[caller.call_id]
        async with asyncio.timeout(GRACE_S):
            await arrivals.ended.wait()
        del self._services.sessions[caller.call_id]
        self._services.kept[caller.call_id].missing_bytes = len(caller.sent_at_s) * 320 - arrivals.received

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def slot_of(call_id: str) -> int:
    """Return the place a call has."""
    return int(call_id.removeprefix("CA").partition("-")[0])


def is_followed(call_id: str) -> bool:
    """Return whether a call has a subscriber who reads."""
    return slot_of(call_id) < FOLLOWED


def age_ms(said_at: bytes) -> float:
    """Return how long ago a word was said."""
    return (time.monotonic_ns() / 1000 - int(said_at)) / 1000


def quantile(values: list[float], share: float) -> float:
    """Return the value below which `share` of `values` are; NaN of none."""
    return sorted(values)[int(len(values) * share)] if values else float("nan")


def tables(turns: list[Turn]) -> Table:
    """Return one row a turn."""
    table = Table(title_justify="left", title_style="bold")
    for name in ("turn", "CPU", "audio p50", "p99", "partials p50", "p99", "refused", "load p99", "memory"):
        table.add_column(name, justify="left" if name == "turn" else "right", no_wrap=True)
    for turn in turns:
        table.add_row(
            "[red]faulty[/]" if turn.faulty else "calm",
            f"{turn.cpu_share:.0%}",
            f"{quantile(turn.added_ms, 0.5):.1f} ms",
            f"{quantile(turn.added_ms, 0.99):.1f} ms",
            f"{quantile(turn.shown_ms, 0.5):.1f} ms",
            f"{quantile(turn.shown_ms, 0.99):.1f} ms",
            str(turn.refused),
            f"{quantile(turn.late_s, 0.99) * 1000:.1f} ms" + ("" if turn.is_trusted else " [red]![/]"),
            f"{turn.memory_kb / 1024:.0f} MB",
        )
    return table


def ratios(turns: list[Turn], of: str) -> str:
    """Return the p99 of each faulty turn over that of the calm turn before it: median, and range."""
    pairs = list(zip(turns[::2], turns[1::2], strict=True))
    values = [quantile(getattr(bad, of), 0.99) / quantile(getattr(calm, of), 0.99) for calm, bad in pairs]
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


async def main() -> int:
    """Run, print; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.endurance", description=__doc__)
    parser.add_argument("--calls", type=int, default=100, help="at once")
    parser.add_argument("--turn", type=float, default=300.0, metavar="SECONDS")
    parser.add_argument("--pairs", type=int, default=6, help="of a calm and a faulty turn")
    arguments = parser.parse_args()
    leave_its_core()
    services = FaultyServices()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(serving(services))
        bridge = await stack.enter_async_context(measured_bridge(services.url))
        hour = Hour(services, bridge, calls=arguments.calls, turn_s=arguments.turn)
        progress = stack.enter_context(Progress(*columns, console=console))
        with contextlib.suppress(TimeoutError):  # what is missing is said below
            await hour.run(pairs=arguments.pairs, progress=progress)
    return report(services, hour.turns, arguments.calls)


def report(services: FaultyServices, turns: list[Turn], calls: int) -> int:
    """Print what came of it; return the exit status."""
    console.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    console.print(tables(turns))
    console.print(f"{len(services.kept)} calls, {calls} at once; {services.left_unread} posts that nobody took")
    console.print(f"p99 of faulty turns over calm ones: audio {ratios(turns, 'added_ms')}, "
                  f"partials {ratios(turns, 'shown_ms')}")  # fmt: skip
    problems = {call: problem for call, kept in services.kept.items() if (problem := kept.problem())}
    for call, problem in problems.items():
        console.print(f"{call}: {problem}", style="red")
    finals = sum(kept.finals for kept in services.kept.values())
    console.print(f"{finals} finals, each in its log once" if not problems else f"{len(problems)} calls are not whole")
    return 1 if problems or not all(turn.is_trusted for turn in turns) else 0


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
