"""A client sees a call's entries once each and in order, however they arrive."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from callscribe.entries import Dtmf, Entry
from callscribe.following import Following


def entry(seq: int) -> Entry:
    return Entry("CA1", seq, "", "", Dtmf(leg="a", digit="1", at_ms=seq))


@given(st.integers(0, 5), st.lists(st.integers(1, 12), max_size=40))
def test_entries_come_out_in_order_and_once_whatever_the_order_of_arrival(after, arrivals):
    following = Following(after=after)

    given_out = [each.seq for seq in arrivals for each in following.receive(entry(seq))]

    assert given_out == list(range(after + 1, following.seen + 1))
    wanted = {seq for seq in arrivals if seq > after}
    assert set(given_out) <= wanted
    assert following.has_hole == bool(wanted - set(given_out))


def test_a_hole_shows_until_it_is_filled():
    following = Following()
    following.receive(entry(1))

    assert following.receive(entry(3)) == []
    assert (following.has_hole, following.seen) == (True, 1)

    assert [each.seq for each in following.receive(entry(2))] == [2, 3]
    assert (following.has_hole, following.seen) == (False, 3)


def test_what_was_seen_before_the_connection_was_lost_is_not_given_out_again():
    following = Following(after=4)

    assert following.receive(entry(4)) == []
    assert [each.seq for each in following.receive(entry(5))] == [5]
