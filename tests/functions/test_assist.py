"""Hooks that answer, late, wrongly or not at all. The tables are in memory."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import msgspec
import pytest
from standardwebhooks import Webhook

from callscribe.after_call import Card
from callscribe.entries import CallEnded, CallStarted
from callscribe.errors import Refused, Unavailable
from callscribe.hooks import Hook, Hooks, Said, new_hook
from functions.assist.assist import Assist, Outcome
from tests.memory_tables import Dynamo
from tests.mortal import NOW, Killed, Mortal

STARTED = CallStarted(
    provider="twilio", direction="inbound", account="AC1", from_number="+12025550123", to_number="+12025550188"
)
AT_MS = round(1000 * NOW.timestamp())
SAID = Said(
    hook="cards", kind="utterance", call_id="CA1", tenant="acme", leg="a", party="caller", id="u1",
    text="I have lost my card", start_ms=0, end_ms=1, at_ms=AT_MS,
)  # fmt: skip
CARD = {"title": "Lost cards", "text": "Block it first.", "link": "https://kb.example.com/7"}


@dataclass
class World(Mortal):
    """A call, a hook and what it answers, and a clock that its answers move."""

    table: Dynamo = field(default_factory=Dynamo)
    answer: tuple[int, bytes] | Exception = (200, json.dumps(CARD).encode())
    takes_s: float = 0.2
    asked: list[tuple] = field(default_factory=list)
    now: datetime = NOW + timedelta(milliseconds=50)

    def post(self, url, headers, body, limit_s):
        self.asked.append((url, headers, body, limit_s))
        return self._answered(limit_s)

    def invoke(self, name, body, limit_s):
        self.asked.append((name, body, limit_s))
        return self._answered(limit_s)[1]

    def _answered(self, limit_s):
        self.now += timedelta(seconds=min(self.takes_s, limit_s))
        if self.takes_s > limit_s:
            raise Unavailable(f"no answer within {limit_s:g} s")
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def hook(self, target: str = "https://assist.example.com/") -> Hook:
        made = new_hook("acme", "cards", target, deadline_ms=1500, at="2026-11-22T09:00:00.000Z")
        self.table.run(Hooks("Webhooks").put(made))
        return made

    def ask(self, said: Said = SAID) -> Outcome:
        assist = Assist("Calls", Hooks("Webhooks"), perform=self.perform, post=self.post, invoke=self.invoke)
        outcome, self.told = assist.ask(said, now=lambda: self.now)
        return outcome


@pytest.fixture
def world() -> World:
    world = World()
    world.write(STARTED)
    return world


def test_an_address_is_asked_signed_and_its_card_is_an_entry_of_the_call(world):
    hook = world.hook()

    assert world.ask() is Outcome.CARD

    ((url, headers, body, limit_s),) = world.asked
    assert url == "https://assist.example.com/"
    assert limit_s == pytest.approx(1.45)
    assert msgspec.json.decode(body, type=Said) == SAID
    assert headers["webhook-id"] == f"CA1.u1.{AT_MS}"
    (card,) = world.of(Card)
    assert card == Card(hook="cards", utterance="u1", **CARD)
    assert hook.secret not in repr(world.told)


def test_the_signature_is_that_of_webhooks(world, monkeypatch):
    hook = world.hook()
    world.ask()
    ((_, headers, body, _),) = world.asked

    judge = Webhook(hook.secret)
    monkeypatch.setattr("standardwebhooks.webhooks.datetime", _At(NOW))
    assert judge.verify(body, headers)["text"] == "I have lost my card"


class _At:
    """`datetime` as of one time."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self, tz=None):
        return self._now.astimezone(tz)

    def __getattr__(self, name):
        return getattr(datetime, name)


def test_a_function_is_invoked_with_the_same(world):
    world.hook("callscribe-hook-cards")

    assert world.ask() is Outcome.CARD
    ((name, body, _),) = world.asked
    assert (name, msgspec.json.decode(body, type=Said)) == ("callscribe-hook-cards", SAID)
    assert len(world.of(Card)) == 1


@pytest.mark.parametrize(
    ("change", "outcome", "told"),
    [
        ({"answer": (204, b"")}, Outcome.NOTHING, ""),
        ({"answer": (200, b"null")}, Outcome.NOTHING, ""),
        ({"answer": (200, b"<html>")}, Outcome.MALFORMED, "card: "),
        ({"answer": (500, b"")}, Outcome.FAILED, "answered 500"),
        ({"answer": (302, b"")}, Outcome.FAILED, "answered 302"),
        ({"answer": Refused("the address is not a public one")}, Outcome.FAILED, "the address is not a public one"),
        ({"answer": Unavailable("the function failed")}, Outcome.FAILED, "the function failed"),
        ({"takes_s": 9}, Outcome.LATE, "no answer within 1.45 s"),
        ({"now": NOW + timedelta(seconds=2)}, Outcome.LATE, "it was not asked, as its time was over"),
    ],
)
def test_what_is_no_card_costs_the_call_nothing(world, change, outcome, told):
    world.hook()

    changed = replace(world, **change)
    assert changed.ask() is outcome
    assert changed.told.startswith(told)
    assert world.log() == [STARTED]


def test_a_hook_that_the_tenant_does_not_have_is_told(world):
    assert world.ask() is Outcome.UNKNOWN
    assert world.asked == []


def test_one_card_comes_once_however_many_partials_it_answers(world):
    world.hook()
    later = msgspec.structs.replace(SAID, kind="partial", at_ms=AT_MS + 1000, text="I have lost my")

    assert world.ask(msgspec.structs.replace(SAID, kind="partial")) is Outcome.CARD
    assert world.ask(later) is Outcome.TOLD
    world.answer = (200, b'{"title": "Another"}')
    assert world.ask(msgspec.structs.replace(SAID, at_ms=AT_MS + 2000)) is Outcome.CARD
    assert [card.title for card in world.of(Card)] == ["Lost cards", "Another"]


def test_a_call_that_is_over_gets_no_card_any_more(world):
    world.hook()
    world.write(CallEnded(reason="completed", duration_ms=1))

    assert world.ask() is Outcome.OVER
    assert world.of(Card) == []


def test_no_card_gets_into_a_call_of_another_tenant_or_one_that_is_not(world):
    world.hook()
    world.table.run(Hooks("Webhooks").put(new_hook("other", "cards", "https://x.test/", deadline_ms=1500, at="")))

    assert world.ask(msgspec.structs.replace(SAID, tenant="other")) is Outcome.OVER
    assert world.ask(msgspec.structs.replace(SAID, call_id="CA9")) is Outcome.OVER
    assert world.log() == [STARTED]


def test_a_table_that_is_away_is_no_answer_of_a_hooks(world):
    world.hook()

    def away(_steps):
        raise Unavailable("dynamodb: ThrottlingException")

    assist = Assist("Calls", Hooks("Webhooks"), perform=away, post=world.post, invoke=world.invoke)
    with pytest.raises(Unavailable):
        assist.ask(SAID, now=lambda: NOW)


@pytest.mark.parametrize("dies_after", [False, True])
def test_killed_at_any_point_and_asked_again_it_is_one_card(dies_after):
    once = World()
    once.write(STARTED)
    once.hook()
    once.ask()

    points = 0
    for point in range(once.acts + 1):
        world = World()
        world.write(STARTED)
        world.hook()
        world.dies_at, world.dies_after = point, dies_after
        try:
            world.ask()
        except Killed:
            points += 1
        world.dies_at = -1
        world.now = NOW + timedelta(milliseconds=50)
        world.ask()
        assert world.log() == once.log(), point
    assert points == once.acts
