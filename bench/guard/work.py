"""`python -m bench.guard.work NAME`: one piece of work, of which callgrind counts the second half.

The first half is what is done once, and what the interpreter learns.
"""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable

from bench.guard.audio import hot_path
from bench.guard.reference import Libraries
from bench.guard.writing import Once, finals, posts
from bench.load import media

TICKS = range(200)  # of 20 ms: whole chunks
TIMES = 100  # finals, and posts
AUDIO, FINAL, POST, LIBRARIES = "audio", "final", "post", "libraries"


def _made() -> None:
    """Make what is said, once: that is no work of the bridge's."""
    for tick in TICKS:
        media(tick)


async def _audio() -> None:
    _made()
    async with hot_path() as say:
        middle = len(TICKS) // 2
        say(TICKS[:middle])
        _tell(await _counted(lambda: _now(say(TICKS[middle:]))))


async def _libraries() -> None:
    _made()
    libraries = Libraries()
    middle = len(TICKS) // 2
    libraries.say(TICKS[:middle])
    _tell(await _counted(lambda: _now(libraries.say(TICKS[middle:]))))


async def _final() -> None:
    async with finals() as once:
        _tell(await _both_halves(once))


async def _post() -> None:
    async with posts() as once:
        _tell(await _both_halves(once))


async def _both_halves(once: Once) -> int:
    async def some() -> int:
        for _ in range(TIMES):
            await once()
        return TIMES

    await some()
    return await _counted(some)


async def _now(units: int) -> int:
    return units


async def _counted(work: Callable[[], Awaitable[int]]) -> int:
    """Return how many units of work were done while they were counted."""
    gc.collect()
    gc.disable()  # when it comes is chance
    subprocess.run(  # noqa: ASYNC221 - nothing else is to happen meanwhile
        ["callgrind_control", "-i", "on", str(os.getpid())], check=True, stdout=subprocess.DEVNULL
    )
    return await work()


def _tell(units: int) -> None:
    """Say how many units were done, and end at once: what comes behind is not to be counted."""
    print(f"units {units}", flush=True)
    os._exit(0)


WORK: dict[str, Callable[[], Awaitable[None]]] = {LIBRARIES: _libraries, AUDIO: _audio, FINAL: _final, POST: _post}

if __name__ == "__main__":
    asyncio.run(WORK[sys.argv[1]]())  # type: ignore[arg-type]  # each is a coroutine
