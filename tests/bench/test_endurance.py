"""The judge of the hour beside faults, judged."""

from __future__ import annotations

import pytest

from bench.endurance import Kept, Turn, quantile, ratios


def whole() -> Kept:
    kept = Kept(said=1)
    for number, kind in enumerate(("call.started", "utterance", "leg.ended", "leg.ended"), start=1):
        kept.write(number, kind, f"token {number}")
    return kept


def test_a_call_of_which_everything_is_there_has_no_problem():
    kept = whole()
    kept.write(2, "utterance", "token 2")  # its answer came too late

    assert kept.problem() is None


@pytest.mark.parametrize(
    ("harm", "problem"),
    [
        (lambda kept: setattr(kept, "missing_bytes", 160), "160 bytes of audio are missing"),
        (lambda kept: setattr(kept, "said", 2), "1 of 2 finals are in the log"),
        (lambda kept: kept.write(5, "utterance", "token 5"), "2 of 1 finals are in the log"),
        (lambda kept: kept.write(6, "leg.gap", "token 6"), "the log's numbers have a hole"),
        (lambda kept: kept.write(2, "utterance", "another"), "1 entries stand where others stood"),
        (lambda kept: setattr(kept, "ended_legs", 1), "1 legs ended"),
    ],
)
def test_what_is_missing_or_too_much_is_said(harm, problem):
    kept = whole()
    harm(kept)

    assert kept.problem() == problem


def test_each_faulty_turn_is_held_against_the_calm_one_before_it():
    turns = [Turn(faulty=number % 2 == 1, added_ms=[float(ms)] * 100) for number, ms in enumerate((10, 10, 20, 40))]

    assert ratios(turns, "added_ms") == "1.50 (1.00 to 2.00)"


def test_a_turn_in_which_the_load_was_late_is_not_trusted():
    assert Turn(faulty=False, late_s=[0.001] * 100).is_trusted
    assert not Turn(faulty=False, late_s=[0.001] * 98 + [0.03] * 2).is_trusted
    assert quantile([], 0.5) != quantile([], 0.5)  # NaN
