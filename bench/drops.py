"""`python -m bench.drops`: what a dropped Gladia socket costs a call, in real time, beside the figures of others.

Gladia acknowledges 0.5 s late, forgets at a drop what it has not acknowledged, and says the last final 0.46 s after it
was told to stop. The audio tells its own position, so
that loss is exact. The others' figures were measured with the same drops and the same kind of audio, one call each:
Gladia's own Python SDK 2.2.0, Pipecat 1.14.0 with its Gladia service, LiveKit Agents' Gladia plugin 1.8.9 by itself.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from datetime import datetime

import uvloop
from rich.console import Console
from rich.table import Table

from bench.chaos.call import observe
from bench.chaos.judge import Verdict, judge
from bench.chaos.observation import Observation
from bench.chaos.plan import CallPlan
from bench.chaos.voice import BYTES_A_MS, FRAME_MS, words
from bench.chaos.world import World
from callscribe.entries import CallEnded, Utterance
from local.gladia.faults import AcknowledgementsSlow, Closed, Dropped, EndLate, Fault
from local.gladia.plan import Faults, Rule
from local.gladia.settings import Settings

LATE_S = 0.5
FINAL_S = 0.46
TRACKS = ("inbound", "outbound")
BYTES_A_SECOND = BYTES_A_MS * 1000 * len(TRACKS)
console = Console(highlight=False, width=110)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One call of `seconds` with a socket lost `times` times, each so long after the last; and what others lost."""

    name: str
    seconds: float
    times: int
    apart_s: float
    others: tuple[str, str, str]
    is_clean: bool = False  # closed by the server, not cut

    def faults(self) -> tuple[Fault, ...]:
        """Return what Gladia does."""
        at = [round(number * self.apart_s * BYTES_A_SECOND) for number in range(1, self.times + 1)]
        ends: list[Fault] = [
            Closed(at="audio", count=count, code=1011, discards=True)
            if self.is_clean
            else Dropped(at="audio", count=count, discards=True)
            for count in at
        ]
        return AcknowledgementsSlow(at="connect", delay_s=LATE_S), EndLate(delay_s=FINAL_S), *ends


EVERYTHING = "all after it"
# No call ends with the end of an utterance, so that its last final is one that only the stop brings.
SCENARIOS = (
    Scenario("no drop", 8.5, 0, 0, ("0 s", "last final", "last final")),
    Scenario("1 drop", 14.5, 1, 6, ("0 s", "0 s", EVERYTHING)),
    Scenario("2 drops, 6 s apart", 20.5, 2, 6, ("0 s", "0.48 s", EVERYTHING)),
    Scenario("2 clean closes, 6 s apart", 20.5, 2, 6, ("0 s", "0.48 s", EVERYTHING), is_clean=True),
    Scenario("3 drops, 6 s apart", 26.5, 3, 6, ("0 s", "0.96 s", EVERYTHING)),
    Scenario("3 drops, 1.5 s apart", 7.5, 3, 1.5, ("0 s", "3.96 s of 7.5 s", EVERYTHING)),
)


def plan(number: int, scenario: Scenario) -> CallPlan:
    """Return the call of a scenario."""
    frames = round(scenario.seconds * 1000 / FRAME_MS)
    return CallPlan(number, f"CA{number:032x}", frames, "per_stream", (), (), "none")


async def main() -> int:
    """Place all calls at once, in real time, and print what each lost; return the exit status."""
    plans = [plan(number, scenario) for number, scenario in enumerate(SCENARIOS)]
    rules = tuple(
        Rule(faults=scenario.faults(), metadata={"call_id": each.call_id})
        for each, scenario in zip(plans, SCENARIOS, strict=True)
    )
    async with World(Settings(faults=Faults(rules=rules)), name="drops") as world:
        with console.status(f"{len(plans)} calls in real time, {max(each.seconds for each in SCENARIOS):g} s"):
            seen = await asyncio.gather(*(observe(each, world, pace=1.0) for each in plans))
    verdicts = [judge(each) for each in seen]
    console.print(_table(list(zip(SCENARIOS, plans, seen, verdicts, strict=True))))
    for scenario, verdict in zip(SCENARIOS, verdicts, strict=True):
        for problem in verdict.problems:
            console.print(f"{scenario.name}: {problem}", style="red")
    return 1 if any(verdict.problems for verdict in verdicts) else 0


def last_final_s(observation: Observation, frames: int) -> float | None:
    """Return how long after the hang-up the last word of both tracks was in the log; None if one is not there."""
    ended = next(each.entry for each in observation.log if isinstance(each.entry.body, CallEnded))
    due = {(track, frames - 1) for track in TRACKS}
    last = ended.at
    for each in observation.log:
        if isinstance(each.entry.body, Utterance):
            text = each.entry.body.text
            due -= {(track, word) for track in TRACKS for word in words(track, text)}
            last = max(last, each.entry.at)
    if due:
        return None
    return (datetime.fromisoformat(last) - datetime.fromisoformat(ended.at)).total_seconds()


def _table(rows: list[tuple[Scenario, CallPlan, Observation, Verdict]]) -> Table:
    table = Table(title="Audio lost by dropped sockets", title_justify="left", title_style="bold")
    for name in ("scenario", "lost", "repeated", "last final after", "Gladia SDK", "Pipecat", "LiveKit plugin"):
        table.add_column(name, justify="left" if name == "scenario" else "right")
    for scenario, planned, seen, verdict in rows:
        late_s = last_final_s(seen, planned.frames)
        table.add_row(
            scenario.name,
            f"{verdict.bytes_lost / BYTES_A_SECOND:g} s",
            f"{verdict.bytes_repeated / BYTES_A_SECOND:g} s",
            "never" if late_s is None else f"{late_s:.2f} s",
            *scenario.others,
        )
    return table


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
