from __future__ import annotations

from bridge.cadence import Cadence


def test_who_comes_alone_does_not_wait():
    cadence = Cadence(interval_s=0.5)

    assert [cadence.wait_s(now=now) for now in (7.0, 7.5, 100.0)] == [0, 0, 0]


def test_those_that_come_together_go_one_after_the_other():
    cadence = Cadence(interval_s=0.5)

    assert [cadence.wait_s(now=7.0) for _ in range(4)] == [0, 0.5, 1.0, 1.5]
    assert cadence.wait_s(now=8.0) == 1.0


def test_time_that_nobody_used_is_not_saved_for_a_burst():
    cadence = Cadence(interval_s=0.5)
    cadence.wait_s(now=0.0)

    assert [cadence.wait_s(now=100.0) for _ in range(2)] == [0, 0.5]
