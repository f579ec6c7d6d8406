"""Who goes next where only so many can go at once."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.turns import Turns


class Line:
    """Who waits for a turn, and who got one, in order."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.got: list[str] = []
        self.waits: list[asyncio.Task[None]] = []

    async def ask(self, *parties: str) -> None:
        for party in parties:
            self.waits.append(asyncio.create_task(self._enter(party)))
        await settle()

    async def _enter(self, party: str) -> None:
        await self.turns.enter(party)
        self.got.append(party)

    async def leave(self, party: str) -> None:
        self.turns.leave(party)
        await settle()

    def __del__(self) -> None:
        for wait in self.waits:
            wait.cancel()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_turns_are_given_at_once_while_there_are_any():
    line = Line(Turns(at_once=2, each=2))

    await line.ask("a", "b", "c")

    assert line.got == ["a", "b"]


async def test_one_party_never_has_more_than_its_share():
    line = Line(Turns(at_once=4, each=2))

    await line.ask("a", "a", "a", "b")
    assert line.got == ["a", "a", "b"]

    await line.leave("b")
    assert line.got == ["a", "a", "b"]
    await line.leave("a")
    assert line.got == ["a", "a", "b", "a"]


async def test_the_party_with_the_fewest_is_next_however_late_it_came():
    line = Line(Turns(at_once=3, each=3))
    await line.ask("a", "a", "b", "a", "a", "b", "c")

    await line.leave("b")
    assert line.got[3:] == ["c"] or line.got[3:] == ["b"]
    await line.leave("a")
    assert sorted(line.got[3:]) == ["b", "c"]


async def test_parties_with_as_many_take_turns():
    line = Line(Turns(at_once=1, each=1))
    await line.ask("x", "a", "a", "b", "b", "c")
    for _ in range(5):
        await line.leave(line.got[-1])

    assert line.got == ["x", "a", "b", "c", "a", "b"]


async def test_who_gives_up_waiting_takes_no_turn():
    line = Line(Turns(at_once=1, each=1))
    await line.ask("a", "b", "c")
    line.waits[1].cancel()
    await settle()

    await line.leave("a")

    assert line.got == ["a", "c"]
    assert line.turns.taken == 1


async def test_a_turn_that_is_given_to_one_who_gives_up_goes_to_the_next():
    line = Line(Turns(at_once=1, each=1))
    await line.ask("a", "b", "c")

    line.turns.leave("a")
    line.waits[1].cancel()
    await settle()

    assert line.got == ["a", "c"]
    with pytest.raises(asyncio.CancelledError):
        await line.waits[1]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(("ask", "leave", "cancel"))), max_size=60))
def test_whatever_happens_the_bounds_hold_and_no_turn_is_lost(steps):
    asyncio.run(_bounds_hold(steps))


async def _bounds_hold(steps):
    line = Line(Turns(at_once=3, each=2))
    held: list[str] = []
    for party, step in steps:
        before = len(line.got)
        if step == "ask":
            await line.ask(party)
        elif step == "leave" and party in held:
            held.remove(party)
            await line.leave(party)
        elif step == "cancel" and (open_waits := [wait for wait in line.waits if not wait.done()]):
            open_waits[0].cancel()
            await settle()
        held += line.got[before:]
        assert line.turns.taken == len(held) <= 3
        assert all(held.count(each) <= 2 for each in "abc")
    while held:
        before = len(line.got)
        await line.leave(held.pop())
        held += line.got[before:]
    assert all(wait.done() for wait in line.waits)
    assert (line.turns.taken, line.turns._waiting) == (0, {})
