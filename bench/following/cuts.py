"""A client whose connections are cut at random moments while the call goes on."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable
from contextlib import aclosing

from bench.following.service import OVER, FollowingService, began, leg, said
from callscribe.client import Callscribe
from callscribe.entries import Entry

CALL = "CA1"


async def cut_off(
    service: FollowingService,
    client: Callscribe,
    cuts: int,
    *,
    seed: int = 1,
    done: Callable[[], None] = lambda: None,
) -> tuple[list[int], int]:
    """Return the numbers of the entries that the client was given, and how many the log has.

    `done` is told of each cut.
    """
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret

    async def follow() -> list[int]:
        seen = []
        async with aclosing(client.follow(CALL)) as following:
            async for each in following:
                if isinstance(each, Entry):
                    seen.append(each.seq)
                    if each.kind == "call.ended":
                        break
        return seen

    async def talk() -> None:
        for number in itertools.count():
            entries = await service.append(CALL, said("agent", f"line {number}", number=number, start_ms=number))
            if chance.random() < 0.2:  # Lambda brings some again
                await service.push(*entries)

    await service.append(CALL, began(), leg("agent"))
    following, talking = asyncio.create_task(follow()), asyncio.create_task(talk())
    for _ in range(cuts):
        service.connected.clear()
        await service.connected.wait()
        for _ in range(chance.randrange(6)):
            await asyncio.sleep(0)
        service.cut()
        done()
    talking.cancel()
    await asyncio.wait({talking})
    (last,) = await service.append(CALL, OVER)
    return await following, last.seq


async def late(service: FollowingService, client: Callscribe, entries: int) -> list[int]:
    """Return those numbers of a log of so many entries after which a client that joins has not exactly the rest."""
    call = "CA2"
    for number in range(entries - 1):
        service.write(call, began() if number == 0 else said("agent", f"line {number}", number=number, start_ms=number))
    service.write(call, OVER)
    wrong = []
    for after in range(entries):
        seen: list[int] = []
        async with aclosing(client.follow(call, after=after)) as following:
            async for each in following:
                seen += [each.seq] if isinstance(each, Entry) else []
                if seen and seen[-1] == entries:
                    break
        if seen != list(range(after + 1, entries + 1)):
            wrong.append(after)
    return wrong
