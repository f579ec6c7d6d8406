"""When audio was said is told by the frames that nothing held up."""

from __future__ import annotations

import pytest

from bridge.arrival import WINDOW_MS, Arrivals
from bridge.dialects.events import Audio

FRAME = b"\x7f" * 160
SAID_AT = 1000.0  # when the first frame began, by the clock; its timestamp is 102 ms


def arrivals(delays_ms, *, first: int = 0) -> Arrivals:
    """Those of one frame after the other, each held up so long."""
    noted = Arrivals()
    note(noted, delays_ms, first=first)
    return noted


def note(noted: Arrivals, delays_ms, *, first: int, drift_ppm: float = 0) -> None:
    for number, delay_ms in enumerate(delays_ms, first):
        due = SAID_AT + (number + 1) * 0.020 * (1 + drift_ppm / 1e6)
        noted.note(Audio("inbound", 102 + 20 * number, FRAME), now=due + delay_ms / 1000)


def test_before_any_audio_nothing_is_known():
    assert Arrivals().first_at is None
    assert Arrivals().newest_at is None


def test_a_frame_that_comes_at_once_was_begun_20_ms_before_it_came():
    noted = arrivals([0])

    assert noted.first_at == pytest.approx(SAID_AT)
    assert noted.newest_at == pytest.approx(SAID_AT + 0.020)


@pytest.mark.parametrize("delays_ms", [[90, 70, 50, 0, 0], [0, 0, 300, 280, 260], [40, 20, 0, 130, 110]])
def test_what_was_held_up_counts_by_what_was_not(delays_ms):
    noted = arrivals(delays_ms)

    assert noted.first_at == pytest.approx(SAID_AT)
    assert noted.newest_at == pytest.approx(SAID_AT + 0.100)


def test_a_frame_that_was_overtaken_changes_nothing():
    noted = arrivals([0, 0, 0])

    note(noted, [60], first=0)

    assert noted.newest_at == pytest.approx(SAID_AT + 0.060)


def test_a_clock_that_drifts_is_followed():
    frames = 50 * 3600
    noted = Arrivals()
    note(noted, [0] * frames, first=0, drift_ppm=100)

    told = noted.newest_at - (SAID_AT + frames * 0.020 * (1 + 100 / 1e6))

    assert abs(told) <= 2 * WINDOW_MS / 1000 * 100 / 1e6


def test_one_timestamp_from_far_off_changes_nothing():
    noted = arrivals([0, 0, 0])

    noted.note(Audio("inbound", 900_000_000, FRAME), now=SAID_AT + 0.080)

    assert noted.newest_at == pytest.approx(SAID_AT + 0.060)


def test_a_clock_that_was_set_anew_is_believed_when_three_frames_agree():
    noted = arrivals([0, 0, 0])

    for number in range(3):
        noted.note(Audio("inbound", 900_000_000 + 20 * number, FRAME), now=SAID_AT + 0.080 + 0.020 * number)

    assert noted.newest_at == pytest.approx(SAID_AT + 0.120)


def test_what_is_said_next_is_there_no_sooner_than_the_least_late_was():
    noted = arrivals([90, 40, 30, 60] * 30)

    assert noted.due_at(102 + 3000) == pytest.approx(SAID_AT + 3.000 + 0.030)


def test_when_audio_is_due_is_not_known_until_some_seconds_have_come():
    assert Arrivals().due_at(1000) is None
    assert arrivals([0] * 100).due_at(1000) is None
    assert arrivals([0] * 102).due_at(1000) is not None
