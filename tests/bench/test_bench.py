"""What `make bench` measures, in which turn, and what it tells of and what not."""

from __future__ import annotations

import dataclasses

import pytest

from bench.aims import aims
from bench.plan import Case, Plan, loaded_calls, turns
from bench.plots import draw
from bench.report import BEGIN, END, filled, grids, told
from bench.results import Machine, Measured, Results
from bench.rounds import Round
from bench.subjects import EVERYTHING, FLOOR, PIPECAT, RELAY
from bench.trust import distrust

MACHINE = Machine("x86_64", "Some CPU", 2, "3.11.7")


def a_round(share=0.2, **changes):
    sound = Round(share, 0.3, 0.001, 6400, 6400, 77_000, 76_000, 0.01, 0.01, (0.3, 1.0, 2.0))
    return dataclasses.replace(sound, **changes)


@pytest.mark.parametrize(
    ("rounds", "reason"),
    [
        ([a_round(), a_round(0.25)], ""),
        ([a_round(), a_round(late_s=0.031)], "the load was up to 31 ms late"),
        ([a_round(), a_round(load_share=0.93)], "the load took 93% of its own core"),
        ([a_round(), a_round(bytes_out=6240)], "of 6,400 bytes that went in, 6,240 came out"),
        ([a_round(), a_round(bytes_out=6560)], "of 6,400 bytes that went in, 6,560 came out"),
        ([a_round(others_share=0.3), a_round()], "others took up to 30% of a core"),
        ([a_round(others_beside_share=0.3, late_s=0.1), a_round()], "others took up to 30% of a core"),
        ([a_round(0.1), a_round(0.2)], "rounds took from 10.0% to 20.0% of a core"),
        ([a_round(0.97, bytes_out=6240)], ""),  # the core was full: the rest was still to come
    ],
)
def test_what_does_not_tell_of_the_bridge_is_not_told_of(rounds, reason):
    assert distrust(rounds) == reason


def test_a_core_is_full_when_all_that_others_leave_is_taken():
    assert a_round(0.96).is_full
    assert a_round(0.80, others_share=0.18).is_full
    assert not a_round(0.80).is_full


PLAN = Plan(
    seconds=1,
    rounds=3,
    compared=(Case(FLOOR.name, 10), Case(RELAY.name, 10)),
    curves={RELAY.name: (100, 200, 400), FLOOR.name: (100,)},
    curve_rounds=2,
    loaded=True,
)


def played(plan, share_of):
    """Return the cases of each round, where a case takes `share_of` it."""
    measured, rounds = {}, []
    for number in range(plan.rounds):
        rounds.append([])
        for case in turns(plan, measured, number):
            measured.setdefault(case, []).append(a_round(share_of(case)))
            rounds[-1].append(case)
    return rounds


def test_compared_cases_take_turns_and_curves_end_where_the_core_is_full():
    rounds = played(PLAN, lambda case: min(case.calls * 0.005, 1.0) if case.subject == RELAY.name else 0.05)

    relay, floor = (lambda calls: Case(RELAY.name, calls)), (lambda calls: Case(FLOOR.name, calls))
    few, loaded = [floor(10), relay(10)], [relay(140), floor(140), relay(180), floor(180)]
    assert rounds == [
        [*few, relay(100), relay(200), floor(100), *loaded],
        [*few, relay(100), floor(100), *loaded],  # that 200 are too many is known
        [*few, *loaded],
    ]


def test_a_curve_ends_where_the_load_is_late():
    measured = {Case(RELAY.name, 100): [a_round(late_s=0.05)]}
    plan = dataclasses.replace(PLAN, compared=(), loaded=False)

    assert list(turns(plan, measured, 0)) == [Case(FLOOR.name, 100)]


def test_a_curve_goes_on_where_others_disturbed_it():
    measured = {Case(RELAY.name, 100): [a_round(0.5, others_share=0.5)]}
    plan = dataclasses.replace(PLAN, compared=(), loaded=False)

    assert next(turns(plan, measured, 0)) == Case(RELAY.name, 200)


def test_calls_that_fill_a_share_of_the_core_are_looked_for_between_two_points_of_the_curve():
    measured = {Case(RELAY.name, 100): [a_round(0.5)], Case(RELAY.name, 200): [a_round(0.9)]}

    assert loaded_calls(PLAN, measured, 0.7) == 150
    assert loaded_calls(PLAN, measured, 0.95) is None


def results(**shares):
    """Return results of `subject_calls=share`."""
    names = {"floor": FLOOR.name, "relay": RELAY.name, "everything": EVERYTHING.name, "pipecat": PIPECAT.name}
    cases = {
        Case(names[name.split("_")[0]], int(name.split("_")[1])): (a_round(share), a_round(share * 1.02))
        for name, share in shares.items()
    }
    return Results(MACHINE, 10, tuple(Measured(case, rounds) for case, rounds in cases.items()))


GOOD = {
    "floor_10": 0.01, "floor_300": 0.3, "relay_10": 0.02, "relay_50": 0.1, "relay_300": 0.68, "relay_400": 0.9,
    "everything_300": 0.9, "pipecat_10": 0.5,
}  # fmt: skip


def found(some):
    return {aim.text: aim for aim in aims(some)}


def test_each_aim_is_told_with_what_was_found_and_whether_that_is_enough():
    told_of = found(results(**GOOD))

    assert [aim.is_met for aim in told_of.values()] == [True, True, True, True, True, True, False, True, True]
    assert told_of["relay alone: at most 2.5 times the floor"].found == "2.3 (2.3 to 2.3) with 300 calls, 69% of a core"
    flat = told_of["relay alone: CPU a call flat within 10% from 50 to 500 calls"].found
    assert flat.endswith("50 to 400 calls; a core takes no more")


def test_an_aim_that_is_missed_or_not_measured_is_not_met():
    missed = found(results(**GOOD | {"relay_300": 0.76, "relay_50": 0.2, "pipecat_10": 0.2}))

    assert not missed["relay alone: at most 2.5 times the floor"].is_met
    assert not missed["relay alone: CPU a call flat within 10% from 50 to 500 calls"].is_met
    assert [aim.is_met for text, aim in missed.items() if "Pipecat" in text] == [False, False]
    assert {aim.found for aim in aims(Results(MACHINE, 10, ()))} == {"not measured"}


def test_a_case_that_is_not_trusted_is_in_no_table_and_its_reason_on_the_page():
    sound = results(**GOOD)
    late = Measured(Case(RELAY.name, 200), (a_round(0.45, late_s=0.5),))
    some = dataclasses.replace(sound, measured=(*sound.measured, late))

    assert not any("200" in row[1:2] for grid in grids(some) for row in grid.rows)
    assert "- relay alone, 200 calls: the load was up to 500 ms late\n" in told(some)
    assert some.untrusted() == {late.case: "the load was up to 500 ms late"}


def test_the_page_is_filled_between_its_marks_and_only_there():
    page = f"before\n{BEGIN}old\n{END}after\n"

    made = filled(page, results(**GOOD))

    assert made.startswith(f"before\n{BEGIN}x86_64, Some CPU, 2 cores, Python 3.11.7")
    assert made.endswith(f"{END}after\n")
    assert "old" not in made
    assert filled(made, results(**GOOD)) == made
    with pytest.raises(ValueError, match="no place"):
        filled("nothing", results(**GOOD))


def test_results_are_read_as_they_were_written(tmp_path):
    file = tmp_path / "kept" / "bench.json"

    results(**GOOD).write(file)

    assert Results.read(file) == results(**GOOD)


def test_the_same_results_draw_the_same_plots_to_the_byte(tmp_path):
    drawn = []
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        draw(results(**GOOD), folder)
        drawn.append({file.name: file.read_bytes() for file in folder.iterdir()})

    assert drawn[0] == drawn[1]
    assert sorted(drawn[0]) == ["bench-bridges.svg", "bench-curves.svg"]
    assert all(len(svg) < 100_000 for svg in drawn[0].values())
