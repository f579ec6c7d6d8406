"""A small run of `make chaos`: whole calls through a bridge process, with faults on every side."""

from __future__ import annotations

import pytest

from bench.chaos.judge import Verdict
from bench.chaos.observation import Observation
from bench.chaos.plan import SIDES, call_plan, gladia_faults
from bench.chaos.report import Outcome, Tally
from bench.chaos.run import PATIENCE, Run, play

SEED = 1
CALLS = 24
# The same moves as with the patience of a deployed bridge, in less time.
PATIENCE_IN_TESTS = {
    **PATIENCE,
    "bridge.patience.FIRST_RETRY_S": 0.05,
    "bridge.session.SILENT_S": 1.0,
    "bridge.gladia_link.OPEN_TIMEOUT_S": 1.0,
}


@pytest.mark.xdist_group("machine")  # it fills one, as the deployed stack does
async def test_calls_with_faults_on_every_side_lose_nothing_and_repeat_nothing():
    tally = Tally(SEED)
    stories: list[str] = []

    def done(seen: Observation, verdict: Verdict) -> None:
        tally.add(Outcome.of(seen, verdict))
        stories.extend(f"{tally.replay(seen.number)}: {problem}" for problem in verdict.problems)

    run = Run(seed=SEED, at_once=CALLS, patience=PATIENCE_IN_TESTS, idle_limit_s=6.0)
    tally.end(await play(run, range(CALLS), done, name="chaos-test"))

    assert stories == []
    assert tally.outside == []
    assert tally.calls == CALLS
    assert {kind.partition(":")[0] for kind in tally.faults} == set(SIDES)
    assert tally.sums["reconnects"] > 0
    assert tally.sums["gap_bytes"] > 0


def test_a_call_is_drawn_by_its_number_alone():
    everywhere = frozenset(SIDES)

    assert call_plan(7, 4711, sides=everywhere) == call_plan(7, 4711, sides=everywhere)
    assert call_plan(7, 4711, sides=everywhere) != call_plan(8, 4711, sides=everywhere)
    assert len({call_plan(7, number, sides=everywhere).call_id for number in range(100)}) == 100


def test_leaving_a_side_out_changes_nothing_on_the_others():
    alone = [call_plan(7, number, sides=frozenset({"twilio"})) for number in range(50)]
    together = [call_plan(7, number, sides=frozenset(SIDES)) for number in range(50)]

    assert [plan.twilio for plan in alone] == [plan.twilio for plan in together]
    assert [plan.frames for plan in alone] == [plan.frames for plan in together]
    assert all(not plan.aws and plan.subscriber == "none" for plan in alone)
    assert gladia_faults(7, sides=frozenset({"twilio"})).of(1, "CA1/1", {}) == ()
