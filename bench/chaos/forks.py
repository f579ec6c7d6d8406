"""`python -m bench.chaos.forks`: calls that Twilio does not carry, by every kind of sender, with its quirks by seed.

Each call is two parties who say words that the audio itself spells out, so that a byte that is lost, repeated or given
to the other party is a word that is wrong. Every word has to be in the log, once, said by its party, with no gap told,
as none of the quirks loses anything.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import uvloop
from rich.console import Console
from rich.table import Table

from bench.chaos.world import World
from bench.ports import free_port
from callscribe.call import fold
from callscribe.entries import Entry, LegGap
from callscribe.transcript import transcript
from local.gladia.scripted import silence, spoken
from local.gladia.settings import Settings
from local.peers.call import PARTIES, Fork, Kind, forks, send, whole
from local.peers.door import Door
from local.peers.quirks import QUIRKS, Quirky
from local.peers.rtp import RtpManner
from local.peers.unforked import offer_rtp, record

TRUNK = "chaos"
AT_ONCE = 12
WORDS = ("good morning", "yes please", "one moment", "it is blue", "thank you", "goodbye now")
console = Console(highlight=False, width=110)


@dataclass(frozen=True, slots=True)
class Planned:
    """One call."""

    number: int
    kind: Kind
    seed: int

    @property
    def call(self) -> str:
        """Its name."""
        return f"{self.kind.value}-{self.number}"

    @property
    def sides(self) -> tuple[bytes, bytes]:
        """What both parties say, in turns with pauses of all lengths."""
        chance = random.Random(self.seed)  # noqa: S311 - a simulated talk
        sides = [silence(20 * chance.randrange(50)), b""]
        for _ in range(chance.randrange(2, 5)):
            speaker = chance.randrange(2)
            begin = max(map(len, sides)) + len(silence(20 * chance.randrange(20, 60)))
            sides[speaker] += silence((begin - len(sides[speaker])) // 8) + spoken(chance.choice(WORDS))
        first, second = whole([side + silence(600) for side in sides])
        return first, second

    @property
    def parties(self) -> tuple[str, str]:
        """Who they are in the log: those of SignalWire and of recordings are Twilio's."""
        return PARTIES if self.kind not in (Kind.SIGNALWIRE, Kind.SIPREC) else ("caller", "callee")


def plan(calls: int, seed: int) -> list[Planned]:
    """Return so many calls, of all kinds in turns."""
    kinds = [kind for kind in Kind if kind is not Kind.AUDIOSOCKET]  # which has one party, and no quirks on TCP
    return [Planned(number, kinds[number % len(kinds)], 1000 * seed + number) for number in range(calls)]


async def place(planned: Planned, world: World, secret: str) -> list[str]:
    """Place a call; return what is wrong with its log."""
    sides = planned.sides
    door = Door(world.media_url, TRUNK, secret)
    if planned.kind is Kind.SIPREC:
        await record(replace(door, url=f"sip:127.0.0.1:{world.sip_port}"), planned.call, sides, _manner(planned))
    elif planned.kind is Kind.RTP:
        await offer_rtp(door, planned.call, sides, _manner(planned))
    else:
        opened = forks(planned.kind, planned.call, TRUNK, sides)
        quirky = [
            Fork(Quirky(fork.peer, QUIRKS[planned.kind], planned.seed + place), fork.sides)
            for place, fork in enumerate(opened)
        ]
        together = asyncio.Barrier(len(quirky))
        await asyncio.gather(*(send(fork, door, together=together) for fork in quirky))
    return judge(planned, sides, await world.ended(f"{TRUNK}.{planned.call}"))


def _manner(planned: Planned) -> RtpManner:
    chance = random.Random(planned.seed)  # noqa: S311 - a simulated network
    return RtpManner(
        packet_ms=chance.choice([10, 20, 60]),
        overtaken=chance.choice([0, 0.1]),
        is_silence_sent=chance.random() < 0.5,
        seed=planned.seed,
    )


def judge(planned: Planned, sides: Sequence[bytes], entries: Sequence[Entry]) -> list[str]:
    """Return what is wrong with a log."""
    call = fold(entries)
    lines = transcript(entries)
    problems = [] if call.settled else ["it has not ended"]
    for party, side in zip(planned.parties, sides, strict=True):
        heard = " ".join(line.said.text for line in lines if line.party == party)
        if (said := _words(side)) != heard:
            problems.append(f"{party} said {said!r}, the log has {heard!r}")
    gaps = [entry.body for entry in entries if isinstance(entry.body, LegGap)]
    if gaps:
        problems.append(f"{len(gaps)} gaps: {gaps[0].cause}, {gaps[0].start_ms} to {gaps[0].end_ms} ms")
    return problems


def _words(side: bytes) -> str:
    """Return what a side says."""
    parts = side.split(b"\xfc")[1:]
    return " ".join(part[: part.index(0x1F)].decode() for part in parts)


async def run(planned: Sequence[Planned], *, at_once: int = AT_ONCE) -> dict[Planned, list[str]]:
    """Place all calls, `at_once` of them at a time; return what is wrong with each."""
    turns = asyncio.Semaphore(at_once)
    found: dict[Planned, list[str]] = {}
    async with World(Settings(), name="forks", sip_port=free_port()) as world:
        secret = world.add_trunk(TRUNK, networks=["127.0.0.0/8"])
        with console.status("") as status:

            async def one(each: Planned) -> None:
                async with turns:
                    found[each] = await place(each, world, secret)
                    status.update(f"{len(found)} of {len(planned)} calls, {sum(map(bool, found.values()))} wrong")

            await asyncio.gather(*map(one, planned))
    return found


def main() -> int:
    """Place the calls and print what became of them; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.chaos.forks")
    parser.add_argument("--calls", type=int, default=220)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    found = uvloop.run(run(plan(arguments.calls, arguments.seed)))
    table = Table(title="Calls with the quirks of their senders", title_justify="left", title_style="bold")
    for name in ("sender", "quirks", "calls", "wrong"):
        table.add_column(name, justify="left" if name in {"sender", "quirks"} else "right")
    for kind in sorted({planned.kind for planned in found}):
        of_it = [problems for planned, problems in found.items() if planned.kind is kind]
        quirks = "packets of 10 to 60 ms, overtaken, pauses not sent"
        if kind in QUIRKS:
            quirks = ", ".join(quirk.name.lower().replace("_", " ") for quirk in QUIRKS[kind] if quirk.name)
        table.add_row(kind.value, quirks, str(len(of_it)), str(sum(map(bool, of_it))))
    console.print(table)
    for planned, problems in found.items():
        for problem in problems:
            console.print(f"{planned.call}, seed {planned.seed}: {problem}", style="red", markup=False)
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
