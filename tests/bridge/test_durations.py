"""Durations in a few counters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.durations import Durations

seconds = st.floats(min_value=0.001, max_value=7200)


@given(st.lists(seconds, min_size=1, max_size=300))
def test_the_bound_of_the_slowest_hundredth_is_at_most_a_fifth_too_high(measured):
    durations = Durations()
    for each in measured:
        durations.add(each)
    exact = sorted(measured)[-(-len(measured) * 99 // 100) - 1]

    assert exact <= durations.within(0.99) * 1.000001
    assert durations.within(0.99) <= exact * 1.19
    assert durations.longest == max(measured)


@pytest.mark.parametrize("odd", [0.0, -1.0, 1e-9, 1e9])
def test_no_duration_is_too_odd_to_be_counted(odd):
    durations = Durations()
    durations.add(odd)

    assert durations.within(1.0) <= max(odd, 0.0)


def test_without_durations_there_is_nothing_to_say():
    durations = Durations()
    durations.add(1.0)
    durations.clear()

    assert (durations.within(0.99), durations.longest) == (0.0, 0.0)
