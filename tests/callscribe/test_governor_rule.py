"""Whose turn it is."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from callscribe.governor import Waiter, turns

WAITERS = st.lists(
    st.builds(
        Waiter, holder=st.integers(0, 10**9).map(str), tenant=st.sampled_from("abcd"), since_ms=st.integers(0, 20)
    ),
    max_size=30,
    unique_by=lambda waiter: waiter.holder,
)
HELD = st.dictionaries(st.sampled_from("abcde"), st.integers(0, 10))


def order(waiting: dict[str, int], held: dict[str, int] | None = None) -> list[str]:
    """The holders in turn; a holder is called for its tenant, as "a1"."""
    waiters = [Waiter(holder, holder[0], since_ms) for holder, since_ms in waiting.items()]
    return [waiter.holder for waiter in turns(waiters, held or {})]


def test_within_a_tenant_who_waits_longest_is_first():
    assert order({"a2": 20, "a1": 10, "a3": 30}) == ["a1", "a2", "a3"]


def test_the_tenant_that_holds_the_fewest_is_first_however_late_it_came():
    assert order({"a1": 10, "b1": 90}, {"a": 3, "b": 2}) == ["b1", "a1"]


def test_between_tenants_that_hold_equally_many_who_waits_longest_is_first():
    assert order({"a1": 20, "b1": 10}, {"a": 2, "b": 2}) == ["b1", "a1"]


def test_a_tenant_with_many_calls_does_not_keep_another_from_its_turn():
    crowd = {f"a{number}": number for number in range(5)}

    assert order({**crowd, "b1": 100}) == ["a0", "b1", "a1", "a2", "a3", "a4"]


def test_each_turn_counts_for_those_after_it():
    assert order({"a1": 1, "a2": 2, "a3": 3, "b1": 4, "b2": 5}, {"a": 0, "b": 1}) == ["a1", "a2", "b1", "a3", "b2"]


def test_who_began_in_the_same_millisecond_has_the_same_order_for_all():
    assert order({"a2": 10, "a1": 10}) == order({"a1": 10, "a2": 10}) == ["a1", "a2"]


@given(waiting=WAITERS, held=HELD)
def test_everybody_has_one_turn(waiting, held):
    assert sorted(turns(waiting, held), key=lambda waiter: waiter.holder) == sorted(
        waiting, key=lambda waiter: waiter.holder
    )


@given(waiting=WAITERS, held=HELD)
def test_at_each_turn_no_waiting_tenant_holds_fewer_and_of_equals_none_waits_longer(waiting, held):
    holds = Counter(held)
    left = list(waiting)
    for following in turns(waiting, held):
        assert all(
            (holds[following.tenant], following.since_ms) <= (holds[other.tenant], other.since_ms) for other in left
        )
        left.remove(following)
        holds[following.tenant] += 1


@given(waiting=WAITERS, held=HELD)
def test_who_comes_last_overtakes_nobody_of_its_own_tenant(waiting, held):
    newcomer = Waiter("newcomer", "a", since_ms=21)

    order = turns([*waiting, newcomer], held)

    assert [waiter for waiter in order if waiter.tenant == "a"][-1] == newcomer
    assert [waiter for waiter in order if waiter != newcomer and waiter.tenant == "a"] == [
        waiter for waiter in turns(waiting, held) if waiter.tenant == "a"
    ]


@given(waiting=WAITERS, held=HELD)
def test_the_order_in_which_they_are_read_changes_nothing(waiting, held):
    assert turns(waiting[::-1], held) == turns(waiting, held)
