"""Sequence numbers: each is new once, whatever the order; those from afar are not believed at their first word."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.dialects.sequence import Sequence


@given(places=st.lists(st.integers(1, 1000), max_size=60))
def test_each_number_is_new_once(places):
    sequence = Sequence()
    sequence.begin(0)

    assert [sequence.is_new(number) for number in places] == [
        number not in places[:index] for index, number in enumerate(places)
    ]


def test_what_was_before_the_beginning_is_old_and_so_is_what_the_window_left_behind():
    sequence = Sequence()
    sequence.begin(100)

    assert not sequence.is_new(100)
    assert not sequence.is_new(99)
    assert sequence.is_new(102)
    assert sequence.is_new(102 + 1024)
    assert sequence.is_new(103)
    assert not sequence.is_new(101)


def test_a_leap_is_believed_when_the_next_number_follows_it():
    sequence = Sequence()
    sequence.begin(0)

    assert [sequence.is_new(number) for number in (1, 5000, 2, 5001, 5002, 5000)] == [
        True,
        False,
        True,
        True,
        True,
        False,
    ]


def test_of_numbers_left_out_for_ever_no_more_are_kept_than_the_window_holds():
    sequence = Sequence()
    sequence.begin(0)
    for number in range(2, 200_000, 2):
        assert sequence.is_new(number)

    assert len(sequence._overtaken) <= 1025
    assert sequence.is_new(200_000 - 1001)
    assert not sequence.is_new(200_000 - 1001)
