"""No call suffers from another's subscriber, or from a DynamoDB that can't answer now."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace

import pytest

from bridge.log_writer import LogWriter
from bridge.spill import Spill
from bridge.telling import Append
from callscribe.call import fold
from callscribe.dynamodb import perform
from callscribe.entries import Dtmf
from callscribe.log import Log
from callscribe.messages import decode_frame
from callscribe.subscriptions import Subscription, Subscriptions
from local.aws.faults import Chance, Cut, Hangs, Plan, Rule, Throttled
from local.aws.faulty import FaultyAws
from tests.aws_clients import connections_at, tables_at

CALLS = [f"CA{number}" for number in range(10)]


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Retry at once, so that the tests wait for nothing."""
    monkeypatch.setattr("bridge.log_writer.FIRST_RETRY_S", 0.01)
    monkeypatch.setattr("bridge.log_writer.LAST_RETRY_S", 0.05)
    monkeypatch.setattr("bridge.look_up.AGAIN_S", 0.01)


@pytest.fixture
async def behind_faults(path, moto):
    """`behind_faults(dynamodb=plan, connections=plan)`: the path, its AWS behind proxies with these faults."""
    async with contextlib.AsyncExitStack() as stack:

        async def put(*, dynamodb: Plan | None = None, connections: Plan | None = None):
            push = path.bridge._services.environment.push_endpoint
            before_tables = await stack.enter_async_context(FaultyAws(moto, dynamodb or Plan()))
            before_posts = await stack.enter_async_context(FaultyAws(push.removesuffix("/live"), connections or Plan()))
            path.bridge._services = replace(
                path.bridge._services,
                dynamodb=stack.enter_context(tables_at(before_tables.url)),
                connections=stack.enter_context(connections_at(f"{before_posts.url}/live")),
            )
            return before_tables, before_posts

        yield put


def follow(path, call_id: str, *connections: str) -> None:
    for connection in connections:
        path.connections.known.add(connection)
        subscription = Subscription(call_id, connection, "acme", int(time.time()) + 600)
        perform(path.dynamodb, Subscriptions("Subscriptions").put(subscription))


async def talk(path, call_id: str, spoken_by) -> None:
    await path.talk(call_id, *spoken_by(f"I am {call_id}", "and I answer", "one moment please", "goodbye"))


def is_whole(path, call_id: str) -> bool:
    entries = path.entries(call_id)
    call = fold(entries)
    return (
        [text for _, text in path.said(call_id)] == [f"I am {call_id}", "and I answer", "one moment please", "goodbye"]
        and [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
        and [leg.complete for leg in call.legs] == [True, True]
        and call.failed is None
    )


async def test_one_dead_subscriber_and_a_dynamodb_that_throttles_in_turns_harm_no_log_and_no_partials(
    path, behind_faults, spoken_by
):
    turns = Rule(fault=Throttled(), table="Calls", first=5, times=15, every=40)
    tables, posts = await behind_faults(
        dynamodb=Plan(rules=(turns,)),
        connections=Plan(rules=(Rule(fault=Hangs(), about="dead", times=None),)),
    )
    for call in CALLS:
        path.open_call(call)
        follow(path, call, f"live {call}")
    follow(path, CALLS[0], "dead")

    await asyncio.gather(*(talk(path, call, spoken_by) for call in CALLS))
    await path.settled()

    assert {call: is_whole(path, call) for call in CALLS} == dict.fromkeys(CALLS, True)
    assert {struck.fault for struck in tables.struck} == {Throttled()}
    assert len(tables.struck) > 20
    assert {struck.asked.about for struck in posts.struck} == {"dead"}
    for call in CALLS:
        shown = [message for frame in path.connections.posted[f"live {call}"] for message in decode_frame(frame)]
        assert {message.call_id for message in shown} == {call}


async def test_whatever_dynamodb_does_by_chance_each_log_is_whole(path, behind_faults, spoken_by, monkeypatch):
    monkeypatch.setattr("bridge.aws.REQUEST_S", 0.5)
    chance = Chance(seed=3, rates={"throttled": 0.1, "failed": 0.1, "cut": 0.1, "hangs": 0.02})
    tables, _ = await behind_faults(dynamodb=Plan(chance=chance))
    for call in CALLS:
        path.open_call(call)

    await asyncio.gather(*(talk(path, call, spoken_by) for call in CALLS))
    await path.settled()

    assert {call: is_whole(path, call) for call in CALLS} == dict.fromkeys(CALLS, True)
    assert {type(struck.fault).__name__ for struck in tables.struck} >= {"Throttled", "Failed", "Cut"}


async def test_a_log_that_can_not_be_written_while_its_call_goes_on_is_written_afterwards(
    path, behind_faults, spoken_by
):
    tables, _ = await behind_faults(
        dynamodb=Plan(rules=(Rule(fault=Cut(), operation="PutItem", about="CALL#CA0", times=None),))
    )
    for call in ("CA0", "CA1"):
        path.open_call(call)

    await asyncio.gather(*(talk(path, call, spoken_by) for call in ("CA0", "CA1")))
    assert len(path.entries("CA0")) == 1
    assert path.bridge.live
    tables.plan = Plan()
    await path.settled()

    assert is_whole(path, "CA0")
    assert is_whole(path, "CA1")


async def test_an_entry_that_is_too_large_for_dynamodb_is_left_out_and_the_log_says_so(path, tmp_path):
    path.open_call("CA1")
    services = path.bridge._services
    writer = LogWriter(services.dynamodb, Log("Calls", "CA1"), tenant="acme", tail=1, spill=Spill(tmp_path))
    sizes = {"one": 10, "too large": 500_000, "two": 10}
    for token, size in sizes.items():
        writer.append(Append(Dtmf(leg="MZ1/inbound", digit="1" * size, at_ms=0), token))
    writer.finish()

    await writer.run()

    entries = path.entries("CA1")
    assert [entry.kind for entry in entries] == ["call.started", "dtmf", "dtmf", "call.failed"]
    assert [entry.seq for entry in entries] == [1, 2, 3, 4]
    assert (writer.written, writer.refused, writer.delays) == (3, 1, 0)
