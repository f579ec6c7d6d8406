"""Partials reach those who take them, whatever becomes of the others."""

from __future__ import annotations

import asyncio

import pytest

from bridge.audience import Audience, Shares
from bridge.meter import Meter
from bridge.telling import Partial
from callscribe.errors import SubscriberGone, Unavailable
from callscribe.messages import decode_frame
from callscribe.subscriptions import Subscriptions
from tests.aws_clients import Answered, ByMethod


def partial(text: str) -> Partial:
    return Partial("MZ1/inbound", "caller", "G1/1", text, 0, 100)


class Table(ByMethod):
    """Who follows which call, as DynamoDB answers it."""

    def __init__(self) -> None:
        self.followers: dict[str, list[str]] = {}
        self.down: Exception | None = None
        self.asked = 0

    async def query(self, *, ExpressionAttributeValues, **_arguments):  # noqa: N803 - as DynamoDB spells it
        self.asked += 1
        if self.down is not None:
            raise self.down
        key = ExpressionAttributeValues[":pk"]
        return {
            "Items": [
                {"pk": key, "connection_id": {"S": each}, "tenant": {"S": "acme"}, "expires_at": {"N": "9999999999"}}
                for each in self.followers[key["S"].removeprefix("CALL#")]
            ]
        }


class Connections:
    """@connections: those in `hanging` never answer, those in `errors` with that."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, str]] = []
        self.hanging: set[str] = set()
        self.errors: dict[str, Exception] = {}
        self.under_way = 0
        self.most = 0
        self.tried: list[str] = []
        self.ended: asyncio.Queue[str] = asyncio.Queue()

    async def post(self, connection_id, frame):
        self.tried.append(connection_id)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            if connection_id in self.hanging:
                await asyncio.Event().wait()
            await asyncio.sleep(0)
            if connection_id in self.errors:
                raise self.errors[connection_id]
            self.shown.append((connection_id, next(message.text for message in decode_frame(frame))))
        finally:
            self.under_way -= 1
            self.ended.put_nowait(connection_id)


class House:
    """A process's audiences and what they talk to."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self.tasks = tasks
        self.table = Table()
        self.connections = Connections()
        self.shares = Shares()
        self.meter = Meter()

    def audience(self, call_id: str, *followers: str) -> Audience:
        self.table.followers[call_id] = list(followers)
        return Audience(
            dynamodb=self.table,
            connections=self.connections,
            subscriptions=Subscriptions("Subscriptions"),
            call_id=call_id,
            tenant="acme",
            tasks=self.tasks,
            shares=self.shares,
            meter=self.meter,
            jitter=lambda: 0.5,
        )


async def settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.fixture
async def house():
    async with asyncio.TaskGroup() as tasks:
        yield House(tasks)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()


async def test_everyone_who_follows_the_call_is_shown_what_is_said(house):
    audience = house.audience("CA1", "one", "other")

    audience.show([partial("good")], after=1, now=0.0)
    await settle()
    audience.show([partial("good morning")], after=1, now=0.25)
    await settle()

    assert house.connections.shown == [
        ("one", "good"), ("other", "good"), ("one", "good morning"), ("other", "good morning"),
    ]  # fmt: skip
    assert house.meter.line(0)["partials_shown"] == 4


async def test_one_that_never_answers_costs_the_other_subscribers_nothing(house):
    house.connections.hanging.add("dead")
    audience = house.audience("CA1", "dead", "live")

    for tick in range(8):
        audience.show([partial(str(tick))], after=1, now=tick / 4)
        await settle()

    assert [text for _, text in house.connections.shown] == [str(tick) for tick in range(8)]
    assert house.connections.tried.count("dead") == 1


async def test_a_call_with_a_thousand_dead_subscribers_costs_another_call_nothing(house):
    dead = [f"dead{number}" for number in range(1000)]
    house.connections.hanging.update(dead)
    crowded, other = house.audience("CA1", *dead), house.audience("CA2", "live")

    for tick in range(8):
        crowded.show([partial(str(tick))], after=1, now=tick / 4)
        other.show([partial(str(tick))], after=1, now=tick / 4)
        await settle()

    assert house.connections.shown == [("live", str(tick)) for tick in range(8)]
    assert house.connections.most <= 17
    assert len(asyncio.all_tasks()) < 1010  # one a subscriber, however often something is said


async def test_calls_in_which_all_are_dead_leave_the_living_their_turns_once_that_is_known(house, monkeypatch):
    monkeypatch.setattr("bridge.audience.POST_S", 0.0)
    names = [f"CA{number}" for number in range(20)]
    dead = {name: [f"{name}/{number}" for number in range(16)] for name in names}
    house.connections.hanging.update(*dead.values())
    crowds = [house.audience(name, *dead[name]) for name in names]
    for crowd in crowds:
        crowd.show([partial("first")], after=1, now=0.0)
    for _ in range(20 * 16):
        await house.connections.ended.get()
    await settle()
    monkeypatch.setattr("bridge.audience.POST_S", 60.0)

    other = house.audience("CA", "live")
    for crowd in crowds:
        crowd.show([partial("again")], after=1, now=100.0)
    await settle()
    house.connections.tried.clear()
    for tick in range(4):
        other.show([partial(str(tick))], after=1, now=100 + tick / 4)
        await settle()

    assert house.connections.under_way == house.shares.doubtful_posts.taken == 8
    assert house.connections.shown == [("live", str(tick)) for tick in range(4)]


async def test_one_that_fails_rests_longer_each_time_and_is_welcome_again(house):
    house.connections.errors["ill"] = Unavailable("post: LimitExceededException")
    audience = house.audience("CA1", "ill")
    tried_at = []
    for tick in range(100):
        before = len(house.connections.tried)
        audience.show([partial(str(tick))], after=1, now=tick / 4)
        await settle()
        if len(house.connections.tried) > before:
            tried_at.append(tick / 4)

    assert tried_at == [0.0, 0.75, 2.25, 5.25, 11.25, 17.25, 23.25]
    assert audience.failed == 7
    house.connections.errors.clear()
    for tick in range(120, 124):
        audience.show([partial(str(tick))], after=1, now=tick / 4)
        await settle()
    assert [text for _, text in house.connections.shown] == ["120", "121", "122", "123"]


async def test_one_that_takes_too_long_is_taken_for_failed(house, monkeypatch):
    monkeypatch.setattr("bridge.audience.POST_S", 0.0)
    house.connections.hanging.add("dead")
    audience = house.audience("CA1", "dead")

    audience.show([partial("good")], after=1, now=0.0)
    await house.connections.ended.get()
    audience.show([partial("morning")], after=1, now=0.25)
    await settle()

    assert house.connections.tried == ["dead"]
    assert (audience.failed, audience.skipped, house.shares.posts.taken) == (1, 1, 0)


async def test_one_that_is_gone_is_forgotten_though_the_table_does_not_know_yet(house):
    house.connections.errors["gone"] = SubscriberGone("gone")
    audience = house.audience("CA1", "gone", "live")

    for tick in range(20):
        audience.show([partial(str(tick))], after=1, now=tick / 4)
        await settle()

    assert house.connections.tried.count("gone") == 1
    assert house.connections.tried.count("live") == 20
    assert audience.failed == 0


async def test_a_busy_subscriber_gets_the_newest_when_its_turn_comes(house):
    house.shares = Shares(posts=house.shares.posts.__class__(at_once=1, each=1))
    house.connections.hanging.add("slow")
    audience = house.audience("CA1", "slow", "patient")
    audience.show([partial("old")], after=1, now=0.0)
    await settle()
    audience.show([partial("new")], after=1, now=0.25)

    house.shares.posts.leave("CA1")
    await settle()

    assert house.connections.shown == [("patient", "new")]
    house.shares.posts._taken["CA1"] += 1  # it is left once more by the one that hangs


async def test_calls_do_not_ask_for_their_subscribers_in_step(house):
    audience, other = house.audience("CA1", "one"), house.audience("CA2", "one")
    audience._jitter, other._jitter = (lambda: 0.0), (lambda: 1.0)
    for each in (audience, other):
        each.show([partial("good")], after=1, now=0.0)
    await settle()

    assert (audience._refresh_at, other._refresh_at) == (0.75, 1.25)


async def test_while_dynamodb_is_away_it_is_asked_less_and_less_and_the_known_are_still_shown(house):
    audience = house.audience("CA1", "one")
    audience.show([partial("0")], after=1, now=0.0)
    await settle()
    house.table.down = Answered("ProvisionedThroughputExceededException")
    asked = house.table.asked
    for tick in range(1, 481):
        audience.show([partial(str(tick))], after=1, now=tick / 4)
        await settle()

    assert house.table.asked - asked == 7  # in two minutes
    assert len(house.connections.shown) == 481
    house.table.down = None
    house.table.followers["CA1"].append("other")
    for tick in range(1000, 1008):
        audience.show([partial(str(tick))], after=1, now=tick / 4)
        await settle()
    assert ("other", "1007") in house.connections.shown


async def test_no_more_refreshes_than_their_share_are_under_way_at_once(house):
    waiting = asyncio.Event()
    most = 0

    async def query(**_arguments):
        nonlocal most
        most = max(most, house.shares.refreshes.taken)
        await waiting.wait()
        return {"Items": []}

    house.table.query = query
    for number in range(100):
        house.audience(f"CA{number}").show([partial("good")], after=1, now=0.0)
    await settle()

    assert most == 16
    waiting.set()
    await settle()


async def test_a_stranger_of_another_tenant_is_shown_nothing(house):
    audience = house.audience("CA1", "one")
    audience._tenant = "another"

    audience.show([partial("good")], after=1, now=0.0)
    await settle()

    assert house.connections.tried == []


async def test_a_call_that_ends_waits_for_no_subscriber_longer_than_a_post_may_take(monkeypatch):
    monkeypatch.setattr("bridge.audience.POST_S", 0.0)
    monkeypatch.setattr("bridge.audience.TURN_S", 0.0)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        house = House(tasks)
        house.connections.hanging.update(str(number) for number in range(50))
        house.audience("CA1", *house.connections.hanging).show([partial("good")], after=1, now=0.0)

    assert house.shares.posts.taken == 0
