"""The Python client against the functions' own rules, cut off and late."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from bench.following.cuts import cut_off, late
from bench.following.service import KEY, OVER, FollowingService, began, leg, said, silent
from callscribe.client import Callscribe, CallTold, CannotFollow, RequestFailed, Watching
from callscribe.entries import Entry
from callscribe.messages import PartialMessage

CALL = "CA1"
CUTS = 60  # a thousand in `make following`


@pytest.fixture
async def service():
    async with FollowingService() as service:
        yield service


@pytest.fixture
async def client(service):
    async with Callscribe(service.url, key=KEY) as client:
        yield client


def conversation(lines: int) -> list:
    words = [said("caller" if n % 2 else "agent", f"line {n}", number=n, start_ms=1000 * n) for n in range(lines)]
    return [began(), leg("caller"), leg("agent"), *words, silent("caller"), silent("agent"), OVER]


async def followed(client: Callscribe, *, until: int, after: int = 0) -> list:
    seen = []
    async with asyncio.timeout(60), aclosing(client.follow(CALL, after=after)) as following:
        async for each in following:
            seen.append(each)
            if isinstance(each, Entry) and each.seq == until:
                return seen
    raise AssertionError


def numbers(seen: list) -> list[int]:
    return [each.seq for each in seen if isinstance(each, Entry)]


async def test_who_comes_late_has_the_whole_log_at_every_number(service, client):
    assert await late(service, client, 12) == []


async def test_a_subscriber_that_is_cut_off_at_random_moments_ends_with_exactly_the_log(service, client, monkeypatch):
    monkeypatch.setattr("callscribe.client.link.FIRST_RETRY_S", 0.0)

    seen, length = await cut_off(service, client, CUTS)

    assert seen == list(range(1, length + 1))


async def test_partials_come_in_between(service, client):
    await service.append(CALL, began(), leg("caller"))
    following = asyncio.create_task(followed(client, until=3))
    await service.followed(CALL)
    await service.say(CALL, "good mor", leg="MZ1/caller", party="caller", utterance="G1/caller/0", start_ms=0)
    await service.append(CALL, said("caller", "good morning", number=0, start_ms=0))

    partials = [each.text for each in await following if isinstance(each, PartialMessage)]
    assert partials == ["good mor"]


async def test_what_was_never_pushed_is_asked_for_with_a_ping_though_no_later_entry_shows_that_it_is_missing(
    service, client, monkeypatch
):
    monkeypatch.setattr("callscribe.client.link.PING_S", 0.05)
    await service.append(CALL, began(), leg("caller"))
    following = asyncio.create_task(followed(client, until=5))
    await service.followed(CALL)
    for body in (said("caller", "bye", number=0, start_ms=0), silent("caller"), OVER):
        service.write(CALL, body)

    assert numbers(await following) == [1, 2, 3, 4, 5]


async def test_who_watches_is_told_of_calls_that_begin_and_end(service, client):
    async with asyncio.timeout(20), aclosing(client.watch()) as watching:
        assert isinstance(await anext(watching), Watching)
        await service.append(CALL, *conversation(2))
        told = [await anext(watching) for _ in range(2)]

    assert [(each.entry.kind, each.entry.call_id) for each in told if isinstance(each, CallTold)] == [
        ("call.started", CALL),
        ("call.ended", CALL),
    ]


async def test_calls_are_listed_read_and_exported(service, client):
    for number in range(3):
        for body in conversation(2):
            service.write(f"CA{number}", body)
    service.write("CA9", began(caller="+12025550150"))

    assert sorted([call.call_id async for call in client.calls(status="ended")]) == ["CA0", "CA1", "CA2"]
    assert [call.call_id async for call in client.calls(number="+12025550150")] == ["CA9"]
    assert (await client.call("CA1")).complete
    assert [entry.seq async for entry in client.log("CA1", after=6)] == [7, 8]
    assert "agent: line 0" in await client.transcript("CA1", "text")


async def test_what_the_api_refuses_is_told_by_its_code(service, client):
    with pytest.raises(RequestFailed) as refused:
        await client.call("CA7")
    assert (refused.value.status, refused.value.code) == (404, "no-such-call")

    async with Callscribe(service.url, key="cs_wrong") as stranger:
        with pytest.raises(CannotFollow, match="key is wrong"):
            await anext(stranger.follow(CALL))
    async with Callscribe("http://127.0.0.1:9", key=KEY) as nowhere:
        with pytest.raises(CannotFollow, match="can't be reached"):
            await anext(nowhere.follow(CALL))


async def test_an_hour_without_tickets_is_waited_out(service, client):
    await service.append(CALL, began())
    service.tickets_refused = 2

    assert numbers(await followed(client, until=1)) == [1]


async def test_neither_key_nor_ticket_is_in_what_is_shown_of_a_client(service, client):
    with pytest.raises(RequestFailed) as refused:
        await client.call("CA7")

    assert KEY not in str(refused.value)
    leave = await client._leave(CALL)
    assert leave.url.startswith("ws")
    assert "ticket" not in repr(leave)
