"""Audio without times, as senders send it and networks bring it."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.dialects.arrival_clock import SLACK_MS, ArrivalClock

MESSAGE_MS = 20


def sound(ms: float = MESSAGE_MS) -> bytes:
    return b"\x11" * round(8 * ms)


def placed(arrivals: Iterable[tuple[float, bytes]]) -> list[tuple[int, int]]:
    """Return begin and end of each message, in the order in which they were certain."""
    clock = ArrivalClock(8)
    found = [each for now_ms, audio in arrivals for each in clock.place(audio, now_ms)]
    found += clock.end()
    return [(begin_ms, begin_ms + len(audio) // 8) for begin_ms, audio in found]


def steady(count: int, *, begin_ms: float = 1000.0) -> list[tuple[float, bytes]]:
    return [(begin_ms + MESSAGE_MS * (place + 1), sound()) for place in range(count)]


def test_a_steady_sender_is_placed_without_a_hole():
    assert placed(steady(50)) == [(20 * place, 20 * place + 20) for place in range(50)]


@pytest.mark.parametrize("length_ms", [10, 20, 30, 60, 480 / 8])
def test_messages_are_as_long_as_they_are(length_ms):
    arrivals = [(1000 + length_ms * (place + 1), sound(length_ms)) for place in range(20)]

    assert [begin for begin, _ in placed(arrivals)] == [round(length_ms * place) for place in range(20)]


@given(st.lists(st.integers(1, 900), min_size=1, max_size=40))
def test_messages_of_any_length_leave_no_hole_and_lose_no_byte(lengths):
    clock = ArrivalClock(8)
    audio = bytes(place % 251 for place in range(sum(lengths)))
    found, at = [], 0
    for length in lengths:
        found += clock.place(audio[at : at + length], 1000 + (at + length) / 8)
        at += length
    found += clock.end()
    assert b"".join(piece for _, piece in found) == audio
    begin_ms = found[0][0]
    for media_ms, piece in found:
        assert media_ms == begin_ms
        begin_ms += len(piece) // 8


def test_what_a_sender_leaves_out_in_silence_is_a_hole_as_long_as_the_silence():
    before, after = steady(10), steady(10, begin_ms=1000 + 200 + 700)

    found = placed([*before, *after])
    assert found[9] == (180, 200)
    assert found[10] == (900, 920)
    assert found[-1] == (1080, 1100)


def test_a_message_after_a_silence_waits_for_one_more_and_no_longer():
    clock = ArrivalClock(8)
    for now_ms, audio in steady(10):
        list(clock.place(audio, now_ms))

    assert list(clock.place(sound(), 1940)) == []
    assert [begin for begin, _ in clock.place(sound(), 1960)] == [920, 940]


def test_what_the_network_has_held_up_leaves_no_hole():
    arrivals = steady(50)
    stalled = [(max(now_ms, 1700.0 + place / 10), audio) for place, (now_ms, audio) in enumerate(arrivals)]

    assert placed(stalled) == placed(arrivals)


def test_what_was_held_up_for_a_moment_may_catch_up_by_and_by():
    arrivals = steady(50)
    held_up = {
        20: 110.0,
        21: 110.0,
        22: 95.0,
        23: 60.0,
        24: 20.0,
    }  # the second comes a message's length after the first
    stalled = [(now_ms + held_up.get(place, 0.0), audio) for place, (now_ms, audio) in enumerate(arrivals)]

    assert placed(stalled) == placed(arrivals)


def test_a_short_silence_is_as_long_as_it_was_and_is_certain_after_a_tenth_of_a_second():
    clock = ArrivalClock(8)
    for now_ms, audio in steady(10):
        list(clock.place(audio, now_ms))

    for later_ms in (0, 20, 40, 60):
        assert list(clock.place(sound(), 1370 + later_ms)) == []
    assert [begin for begin, _ in clock.place(sound(), 1450)] == [350, 370, 390, 410, 430]


def test_a_silence_that_ends_in_a_stall_is_as_long_as_the_silence():
    before, after = steady(10), steady(20, begin_ms=1900)
    stalled = [(max(now_ms, 2100.0 + place / 10), audio) for place, (now_ms, audio) in enumerate(after)]

    begin_ms = placed([*before, *stalled])[10][0]
    assert abs(begin_ms - 900) <= SLACK_MS


def test_a_short_last_message_is_part_of_the_talk():
    arrivals = [*steady(10), (1000 + 203, b"\x11" * 18)]

    assert placed(arrivals)[-2:] == [(200, 202), (202, 202)]  # and a quarter of a millisecond


@given(st.integers(0, 2**32), st.sampled_from([-300, 0, 300]))
def test_jitter_and_clocks_that_differ_cost_no_audio_and_no_time(seed, parts_in_a_million):
    draw = random.Random(seed)
    pace_ms = MESSAGE_MS * (1 + parts_in_a_million / 1e6)
    now_ms, arrivals = 0.0, []
    for place in range(3000):
        now_ms = max(now_ms, 1000 + pace_ms * (place + 1) + min(draw.expovariate(1 / 6), 40))
        arrivals.append((now_ms, sound()))

    found = placed(arrivals)
    assert len(found) == 3000
    assert all(after == before for (_, before), (after, _) in itertools.pairwise(found))
    assert found[-1][1] == 60_000


def test_hours_of_a_clock_that_is_slow_are_no_holes():
    arrivals = [(1000 + 20.004 * (place + 1), sound()) for place in range(180_000)]

    assert placed(arrivals)[-1][1] == 3_600_000
