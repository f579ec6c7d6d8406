"""Many calls of one run through one bridge, so many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bench.chaos.call import observe
from bench.chaos.judge import Verdict, judge
from bench.chaos.observation import Observation
from bench.chaos.plan import SIDES, Side, call_plan, gladia_faults
from bench.chaos.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run is made of."""

    seed: int
    at_once: int = 100
    sides: frozenset[Side] = frozenset(SIDES)
    patience: Mapping[str, float] | None = None


async def play(
    run: Run, numbers: Iterable[int], done: Callable[[Observation, Verdict], None], *, name: str = "chaos"
) -> list[str]:
    """Place the calls of these numbers, tell `done` each verdict, and return what went wrong outside of any call."""
    coming = iter(numbers)
    world = World(gladia_faults(run.seed, sides=run.sides), name=name, patience=run.patience)
    async with world:

        async def work() -> None:
            # Each takes the next number when its call is over, so that so many calls are always on.
            for number in coming:
                observation = await observe(call_plan(run.seed, number, sides=run.sides), world)
                done(observation, judge(observation))

        async with asyncio.TaskGroup() as tasks:
            for _ in range(run.at_once):
                tasks.create_task(work())
    return [*world.strays, *(f"AWS was asked what it does not know: {each}" for each in world.aws.unsupported)]
