"""A call survives its bridge: one of two processes dies or leaves in mid-call, or the media stream does.

Real processes behind a balancer, calls at their real pace. Each byte of the audio tells where it belongs, so that what
the log says is held against what was, to the frame.
"""

from __future__ import annotations

import pytest

from bench.failover.report import problems
from bench.failover.run import Outcome, Run, play

pytestmark = pytest.mark.xdist_group("machine")  # it fills one, as the deployed stack does


async def outcome_of(**options) -> Outcome:
    # How fast a call is heard again, and that its gap is right to the frame, is for `make failover` to judge, on a
    # machine that does nothing else: two processes' clocks agree by when frames come.
    outcome = await play(Run(calls=3, promised_s=60, clock_frames=1, **options))
    assert problems([outcome]) == []
    return outcome


def moved(outcome: Outcome):
    return [verdict for verdict in outcome.verdicts if verdict.call_id in outcome.moved]


async def test_the_calls_of_a_bridge_that_was_killed_go_on_in_the_other_one_and_their_gap_is_told():
    outcome = await outcome_of(how="kill")

    assert moved(outcome)
    for verdict in moved(outcome):
        assert verdict.sessions == 1
        assert verdict.real_frames > 0
        assert abs(verdict.told_frames - verdict.real_frames) <= len(("inbound", "outbound"))
    assert sum(verdict.real_frames for verdict in outcome.verdicts) == sum(v.real_frames for v in moved(outcome))


async def test_a_bridge_that_is_told_to_go_hands_its_calls_over_and_nothing_is_missing():
    outcome = await outcome_of(how="term")

    assert moved(outcome)
    assert [(verdict.real_frames, verdict.told_frames) for verdict in outcome.verdicts] == [(0, 0)] * 3
    assert outcome.exit_s < outcome.run.drain_s


async def test_a_deployment_replaces_every_bridge_and_no_call_misses_anything():
    outcome = await outcome_of(how="rollout")

    assert len(moved(outcome)) == 3
    assert [(verdict.real_frames, verdict.told_frames) for verdict in outcome.verdicts] == [(0, 0)] * 3
    assert [verdict.sessions for verdict in outcome.verdicts] == [1] * 3
    assert outcome.exit_s < outcome.run.drain_s


async def test_a_media_stream_that_dies_is_followed_by_another_one_however_it_died():
    outcome = await outcome_of(how="lost")

    assert [verdict.streams for verdict in outcome.verdicts] == [2] * 3
    assert [verdict.sessions for verdict in outcome.verdicts] == [1] * 3


async def test_a_media_stream_that_brings_nothing_any_more_is_followed_by_another_one():
    outcome = await outcome_of(how="silent", patience={"bridge.relay.QUIET_S": 1.0})

    assert [verdict.streams for verdict in outcome.verdicts] == [2] * 3


@pytest.mark.parametrize("how", ["early", "ending"])
async def test_a_bridge_that_is_told_to_go_while_its_calls_begin_or_end_loses_nothing(how):
    outcome = await outcome_of(how=how)

    assert [(verdict.real_frames, verdict.told_frames) for verdict in outcome.verdicts] == [(0, 0)] * 3
