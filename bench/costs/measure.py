"""`python -m bench.costs.measure`: recorded calls through a bridge, one after another, and what each asks of AWS.

The bridge is the process that is deployed, in real time; Gladia is the emulated one, with Whisper; DynamoDB is in
memory and counts DynamoDB's own units. One subscriber follows each call. Two and a half minutes in all.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp import web
from rich.console import Console
from rich.table import Table

from bench.chaos.aws import Aws
from bench.chaos.plan import CallPlan
from bench.chaos.world import TENANT, World
from bench.costs.units import Count, CountedTables
from callscribe.call import fold
from callscribe.entries import CallEnded, timestamp
from callscribe.log import Log
from callscribe.messages import frames, message_of
from local.audio import recorded_call
from local.gladia.server import EmulatedGladia
from local.gladia.settings import Settings
from local.gladia.whisper.recogniser import WhisperRecogniser
from local.twilio import Placement, place

RECORDED = ("numbers", "voicemail", "queue", "talkover")
SETTLE_S = 60.0
_TABLES = ("Calls", "Subscriptions", "Sessions")


@dataclass(slots=True)
class Asked:
    """What one call came to."""

    name: str
    seconds: float
    kinds: Counter[str] = field(default_factory=Counter)  # entries
    frame_bytes: int = 0  # that a subscriber is posted of entries
    posts: int = 0  # of partials
    post_bytes: int = 0
    counts: dict[tuple[str, str, str], Count] = field(default_factory=dict)


class CountedAws(Aws):
    """AWS that counts the bytes of partials too."""

    def __init__(self, tables: CountedTables, *, auth_token: str) -> None:
        super().__init__(tables, auth_token=auth_token)
        self.posts: list[int] = []
        self.asked = asyncio.Event()

    async def _ask(self, request: web.Request) -> web.StreamResponse:
        answer = await super()._ask(request)
        self.asked.set()
        return answer

    async def _post(self, request: web.Request) -> web.StreamResponse:
        self.posts.append(len(await request.read()))
        return await super()._post(request)


class Counted(World):
    """A world in which requests are counted, and words are recognised."""

    def __init__(self) -> None:
        super().__init__(Settings(), name="costs")
        self.gladia = EmulatedGladia(WhisperRecogniser())
        self.tables = CountedTables(*_TABLES, written=self._written)
        self.counting = CountedAws(self.tables, auth_token=self.account.auth_token)
        self.aws = self.counting

    async def _status(self, request: web.Request) -> web.Response:
        """Close the log with the requests that `functions.voice` makes."""
        form = await request.post()
        log = Log("Calls", request.match_info["call"])
        ended = CallEnded(reason=str(form["CallStatus"]), duration_ms=int(str(form["CallDuration"])) * 1000)
        self._perform(log.read(limit=1))
        self._perform(log.append(ended, at=timestamp(datetime.now(UTC)), tenant=TENANT, token="call.ended", tail=0))  # noqa: S106
        return web.Response()


async def measure(world: Counted, name: str, number: int) -> Asked:
    """Place a recorded call, and return what it came to when its log is at its end."""
    recorded = recorded_call(name)
    plan = CallPlan(
        number=number, call_id=f"CA{number:032x}", frames=0, session="per_stream", twilio=(), aws=(), subscriber="reads"
    )
    watch = world.expect(plan)
    world.tables.counts.clear()
    world.counting.posts.clear()
    placement = Placement(
        voice_url=f"{world.url}/voice/{plan.call_id}",
        status_url=f"{world.url}/status/{plan.call_id}",
        from_number="+12025550101",
        to_number="+12025550102",
        inbound_audio=recorded.caller.audio,
        outbound_audio=recorded.agent.audio,
        allow_insecure=True,
        call_sid=plan.call_id,
    )
    await place(placement, account=world.account, switchboard=world.switchboard)
    async with asyncio.timeout(SETTLE_S):
        await watch.until(lambda: fold(each.entry for each in watch.log).settled)
        await _is_forgotten(world, plan.call_id)
    entries = [each.entry for each in watch.log]
    return Asked(
        name=name,
        seconds=recorded.duration_s,
        kinds=Counter(entry.kind for entry in entries),
        frame_bytes=sum(len(frame) for entry in entries for frame in frames([message_of(entry)])),
        posts=len(world.counting.posts),
        post_bytes=sum(world.counting.posts),
        counts=dict(world.tables.counts),
    )


async def _is_forgotten(world: Counted, call_id: str) -> None:
    """Wait until the call's slot is given back and its lane forgotten, with a last look for audio left beside it."""
    sessions = world.tables.tables["Sessions"].partitions
    last = ("Sessions", "Query", "CALL PART")
    while sessions.get(f"CALL#{call_id}") or sessions.get("SLOTS") or last not in world.tables.counts:
        world.counting.asked.clear()
        await world.counting.asked.wait()


async def main() -> int:
    """Measure the calls that are asked for, and print what they came to."""
    parser = argparse.ArgumentParser(description="Measure what recorded calls ask of AWS.")
    parser.add_argument("calls", nargs="*", default=RECORDED, help="recorded calls; English ones")
    names: list[str] = parser.parse_args().calls
    console = Console(highlight=False, width=120)
    async with Counted() as world:
        asked = []
        for number, name in enumerate(names, start=1):
            with console.status(f"{name}, {number} of {len(names)}"):
                asked.append(await measure(world, name, number))
        unknown = world.aws.unsupported
    console.print(_calls(asked), _requests(asked))
    for each in unknown:
        console.print(f"AWS was asked what it does not know: {each}")
    return 1 if unknown else 0


def _calls(asked: list[Asked]) -> Table:
    table = Table("call", "seconds", "entries", "utterances", "item bytes", "frame bytes", "posts of partials", "bytes",
                  title="Recorded calls", title_justify="left")  # fmt: skip
    for each in [*asked, _sum(asked)]:
        table.add_row(
            each.name, f"{each.seconds:.1f}", str(each.kinds.total()), str(each.kinds["utterance"]),
            f"{each.counts['Calls', 'PutItem', 'CALL LOG'].item_bytes:,}", f"{each.frame_bytes:,}",
            f"{each.posts:,}", f"{each.post_bytes:,}",
        )  # fmt: skip
    return table


def _requests(asked: list[Asked]) -> Table:
    table = Table("table", "operation", "of", "requests", "read units", "write units", "in indexes", "bytes each",
                  title="Requests to DynamoDB, all these calls", title_justify="left")  # fmt: skip
    for (name, operation, of), count in sorted(_sum(asked).counts.items()):
        table.add_row(
            name, operation, of, str(count.requests), f"{count.read_units:g}", str(count.write_units),
            str(count.index_units), f"{count.item_bytes / count.requests:.0f}",
        )  # fmt: skip
    return table


def _sum(asked: list[Asked]) -> Asked:
    total = Asked("all", 0.0)
    counts: defaultdict[tuple[str, str, str], Count] = defaultdict(Count)
    for each in asked:
        total.seconds += each.seconds
        total.kinds += each.kinds
        total.frame_bytes += each.frame_bytes
        total.posts += each.posts
        total.post_bytes += each.post_bytes
        for key, count in each.counts.items():
            for name in ("requests", "read_units", "write_units", "index_units", "item_bytes"):
                setattr(counts[key], name, getattr(counts[key], name) + getattr(count, name))
    total.counts = dict(counts)
    return total


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
