"""One REST API answers for all calls that a process places at once."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from local.twilio.account import Account
from local.twilio.desk import Desk
from local.twilio.switchboard import CallRecord

ACCOUNT = Account()


class OnTheLine:
    def __init__(self, sid: str) -> None:
        self._sid = sid

    def record(self) -> CallRecord:
        return CallRecord(self._sid, "+12025550101", "+12025550102", "inbound", "in-progress", 0.0, None, None)


@pytest.fixture
async def port():
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as server:
        return server.sockets[0].getsockname()[1]


async def status(port: int, call: str) -> int:
    """What is answered about a call."""
    url = f"http://127.0.0.1:{port}/2010-04-01/Accounts/{ACCOUNT.sid}/Calls/{call}.json"
    headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT.sid, ACCOUNT.auth_token)}
    async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as answer:
        return answer.status


async def test_who_comes_later_is_answered_for_as_well_and_longer_than_who_came_first(port):
    desk = Desk()
    async with desk.open(ACCOUNT, port) as first:
        first.connect(OnTheLine("CA1"))
        later = desk.open(ACCOUNT, port)
        (await later.__aenter__()).connect(OnTheLine("CA2"))
        assert [await status(port, call) for call in ("CA1", "CA2", "CA3")] == [200, 200, 404]
    assert await status(port, "CA2") == 200

    await later.__aexit__(None, None, None)

    with pytest.raises(aiohttp.ClientConnectorError):
        await status(port, "CA2")


async def test_it_opens_again_after_the_last_has_gone(port):
    desk = Desk()
    async with desk.open(ACCOUNT, port):
        pass
    async with desk.open(ACCOUNT, port) as board:
        board.connect(OnTheLine("CA1"))

        assert await status(port, "CA1") == 200


async def test_a_port_that_is_taken_is_left_to_whoever_has_it():
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as server:
        async with Desk().open(ACCOUNT, server.sockets[0].getsockname()[1]) as board:
            board.connect(OnTheLine("CA1"))

        assert server.is_serving()
