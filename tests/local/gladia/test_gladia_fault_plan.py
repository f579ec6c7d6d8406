"""Plans of faults: which session gets which, by script and by seed, and in which order they are dealt out."""

import msgspec
import pytest

from local.gladia.faults import Closed, Dropped, EndLate, OpeningHangs, OpeningRefused, kind
from local.gladia.injector import Injected, Injector
from local.gladia.plan import DRAWS, NO_FAULTS, Faults, InvalidPlanError, Rule

DROPPED = Dropped(at="audio", count=16000)
CLOSED = Closed(at="stop", code=4504)
REFUSED = OpeningRefused(status=429)
EVERYTHING = dict.fromkeys(DRAWS, 1.0)


def by_rules(*rules: Rule) -> Faults:
    return Faults(rules=rules)


def test_without_rules_or_chance_no_session_has_faults():
    assert NO_FAULTS.of(1, "1", {}) == ()


def test_a_rule_without_an_address_is_for_all():
    plan = by_rules(Rule(faults=(DROPPED,)))
    assert plan.of(1, "1", {}) == plan.of(2, "2", {"call_id": "CA2"}) == (DROPPED,)


def test_a_rule_may_name_the_number_of_a_session():
    plan = by_rules(Rule(faults=(DROPPED,), session=2))
    assert [plan.of(number, "", {}) for number in (1, 2, 3)] == [(), (DROPPED,), ()]


@pytest.mark.parametrize(
    ("metadata", "fits"),
    [
        ({"call_id": "CA1"}, True),
        ({"call_id": "CA1", "x": 1}, True),
        ({"call_id": "CA2"}, False),
        ({}, False),
        ({"call_id": ["CA1"]}, False),
    ],
)
def test_a_rule_may_name_values_of_the_metadata(metadata, fits):
    plan = by_rules(Rule(faults=(DROPPED,), metadata={"call_id": "CA1"}))
    assert bool(plan.of(1, "1", metadata)) is fits


def test_rules_that_fit_add_up_in_their_order():
    plan = by_rules(Rule(faults=(CLOSED,)), Rule(faults=(DROPPED,), session=1))
    assert plan.of(1, "1", {}) == (CLOSED, DROPPED)


def test_a_plan_is_written_in_json():
    plan = Faults.parse(
        """{
            "rules": [
                {"session": 3, "faults": [{"fault": "dropped", "at": "audio", "count": 16000}]},
                {"metadata": {"call_id": "CA1"}, "faults": [{"fault": "end_late", "delay_s": null}]}
            ],
            "chance": {"seed": 7, "rates": {"closed": 0.5}}
        }"""
    )
    assert plan.rules == (
        Rule(session=3, faults=(DROPPED,)),
        Rule(metadata={"call_id": "CA1"}, faults=(EndLate(delay_s=None),)),
    )
    assert plan.chance == Faults.seeded(7, {"closed": 0.5}).chance


def test_every_fault_survives_being_written_and_read():
    faults = Faults.seeded(1, EVERYTHING).of(1, "1", {})
    written = msgspec.json.encode(by_rules(Rule(faults=faults)))
    assert Faults.parse(written).rules[0].faults == faults


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"rule": []}',
        b'{"rules": [{"faults": [{"fault": "earthquake"}]}]}',
        b'{"rules": [{"faults": [{"fault": "dropped"}]}]}',
        b'{"rules": [{"faults": [{"fault": "dropped", "at": "audio", "cuont": 1}]}]}',
        b'{"rules": [{"faults": [{"fault": "closed", "at": "stop", "code": 99}]}]}',
        b'{"chance": {"seed": 1, "rates": {"earthquake": 1}}}',
        b'{"chance": {"seed": 1, "rates": {"dropped": -1}}}',
    ],
)
def test_what_is_no_plan_is_refused(content):
    with pytest.raises(InvalidPlanError):
        Faults.parse(content)


def test_a_rate_of_no_known_fault_is_refused():
    with pytest.raises(ValueError, match="earthquake"):
        Faults.seeded(1, {"earthquake": 1.0})


def test_the_same_seed_draws_the_same_faults_in_the_same_order():
    first, second = Faults.seeded(7, EVERYTHING), Faults.seeded(7, dict(reversed(EVERYTHING.items())))
    assert [first.of(number, str(number), {}) for number in range(20)] == [
        second.of(number, str(number), {}) for number in range(20)
    ]


def test_another_seed_draws_other_faults():
    assert Faults.seeded(7, EVERYTHING).of(1, "1", {}) != Faults.seeded(8, EVERYTHING).of(1, "1", {})


def test_a_rate_of_one_draws_one_of_the_kind_and_chance_knows_every_kind():
    assert [kind(fault) for fault in Faults.seeded(7, EVERYTHING).of(1, "1", {})] == list(DRAWS)


def test_a_rate_is_how_many_a_session_gets_on_average():
    plan = Faults.seeded(7, {"dropped": 1.25})
    counts = [len(plan.of(number, str(number), {})) for number in range(400)]
    assert set(counts) == {1, 2}
    assert 60 < counts.count(2) < 140


def test_the_rate_of_one_kind_changes_nothing_in_another():
    alone = Faults.seeded(7, {"dropped": 1.0}).of(1, "1", {})
    assert set(alone) <= set(Faults.seeded(7, {"dropped": 1.0, "closed": 3.0}).of(1, "1", {}))


def test_what_a_call_draws_does_not_depend_on_its_number():
    plan = Faults.seeded(7, EVERYTHING)
    assert plan.of(1, "CA1/1", {}) == plan.of(93, "CA1/1", {})


def test_sessions_are_numbered_as_they_first_ask():
    injector = Injector(by_rules(Rule(faults=(DROPPED,), session=2)))
    assert [injector.opening({})[0].faults for _ in range(3)] == [(), (DROPPED,), ()]


def test_a_session_that_was_refused_is_met_again_with_what_is_left():
    injector = Injector(by_rules(Rule(faults=(OpeningRefused(status=503, times=2), DROPPED), session=1)))

    victims = [injector.opening({}) for _ in range(4)]

    assert [fault for _, fault in victims] == [victims[0][0].faults[0]] * 2 + [None] * 2
    assert victims[0][0] is victims[1][0] is victims[2][0] is not victims[3][0]


def test_a_refused_session_is_not_taken_for_one_of_another_call():
    injector = Injector(by_rules(Rule(faults=(OpeningHangs(),), session=1)))

    first, _ = injector.opening({"call_id": "CA1"})
    other, fault = injector.opening({"call_id": "CA2"})

    assert (other is first, fault) == (False, None)
    assert injector.opening({"call_id": "CA1"}) == (first, None)


def test_the_second_session_of_a_call_draws_for_itself():
    injector = Injector(Faults.seeded(7, {"dropped": 1.0}))
    first, second = (injector.opening({"call_id": "CA1"})[0].faults for _ in range(2))
    assert first != second
    assert (first, second) == tuple(Faults.seeded(7, {"dropped": 1.0}).of(0, f"CA1/{count}", {}) for count in (1, 2))


def test_what_struck_is_listed_with_its_session():
    injector = Injector(by_rules(Rule(faults=(REFUSED, DROPPED))))
    injector.opening({"call_id": "CA1"})
    victim, _ = injector.opening({"call_id": "CA1"})
    victim.session_id = "7c1d5b0e"
    victim.struck(DROPPED)

    assert injector.injected == [
        Injected(1, "CA1/1", None, REFUSED),
        Injected(1, "CA1/1", "7c1d5b0e", DROPPED),
    ]
