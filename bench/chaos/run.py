"""Many calls of one run through one bridge, so many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from bench.chaos.call import observe
from bench.chaos.judge import Verdict, judge
from bench.chaos.lateness import Lateness
from bench.chaos.observation import Observation
from bench.chaos.plan import SIDES, Side, call_plan, gladia_faults
from bench.chaos.world import World
from local.gladia.settings import Settings

# A run fills the machine, so that the emulated Gladia's answer where a session stands may take longer than the second
# that a bridge waits for it before it sends everything again. What else the bridge waits for stays as it is deployed.
PATIENCE: Mapping[str, float] = {"bridge.session.ANSWER_S": 15.0}


# No media stream is asked for again: where it begins on the call's clock is known by the time that has passed, and
# these calls are faster than time. `bench.failover` has calls that go on elsewhere, in real time.
NOBODY = "http://127.0.0.1:9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run is made of; `patience` sets constants of the bridge, `idle_limit_s` Gladia's with a silent client."""

    seed: int
    at_once: int = 100
    sides: frozenset[Side] = frozenset(SIDES)
    patience: Mapping[str, float] = field(default_factory=lambda: dict(PATIENCE))
    idle_limit_s: float = 30.0
    pace: float | None = None  # times real time; None: as fast as the sockets take it


class Afterwards(Struct, frozen=True, tag="afterwards"):
    """What there is to say when all calls are over, beside them: what went wrong, and how late this process was."""

    outside: list[str]
    late_s: float


async def play(
    run: Run, numbers: Iterable[int], done: Callable[[Observation, Verdict], None], *, name: str = "chaos"
) -> Afterwards:
    """Place the calls of these numbers, and tell `done` each verdict."""
    coming = iter(numbers)
    settings = Settings(faults=gladia_faults(run.seed, sides=run.sides), idle_limit_s=run.idle_limit_s)
    world = World(settings, name=name, patience=run.patience, twilio_url=NOBODY)
    lateness = Lateness()
    async with world, lateness:

        async def work() -> None:
            # Each takes the next number when its call is over, so that so many calls are always on.
            for number in coming:
                observation = await observe(call_plan(run.seed, number, sides=run.sides), world, pace=run.pace)
                done(observation, judge(observation))

        async with asyncio.TaskGroup() as tasks:
            for _ in range(run.at_once):
                tasks.create_task(work())
    unknown = [f"AWS was asked what it does not know: {each}" for each in world.aws.unsupported]
    return Afterwards([*world.strays, *unknown], lateness.worst_s)
