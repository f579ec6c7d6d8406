"""The carrier is asked for another media stream, by one asker at a time, and again if it was only busy."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from bridge.carrier import Carrier
from bridge.recall import Answer, Recall
from callscribe.errors import Unavailable
from callscribe.sessions import Sessions
from local.twilio.account import Account
from local.twilio.rest import RestServer
from local.twilio.switchboard import CallRecord, StreamRecord, Switchboard
from tests.aws_clients import tables_at

ACCOUNT = Account()


class OnTheLine:
    """A call that is on, and the media streams that were asked for."""

    def __init__(self) -> None:
        self.asked: list = []

    def record(self) -> CallRecord:
        return CallRecord("CA1", "+12025550101", "+12025550102", "inbound", "in-progress", 0.0, None, None)

    def attach(self, verb) -> StreamRecord:
        self.asked.append(verb)
        return StreamRecord("MZ2", None, "in-progress")


@pytest.fixture
async def carrier():
    board = Switchboard()
    board.connect(OnTheLine())
    async with RestServer(ACCOUNT, board) as rest:
        rest.call = board.live("CA1")
        yield rest


@pytest.fixture
async def recall_of(dynamodb, moto, monkeypatch):
    monkeypatch.setattr("callscribe.exchange.AGAIN_S", 0.0)
    async with aiohttp.ClientSession() as http:
        with tables_at(moto) as client:
            yield lambda url: Recall(
                client,
                Sessions("Sessions"),
                Carrier(http, url=url, auth_token=lambda: ACCOUNT.auth_token),
                task="task-a",
                media_url="wss://bridge.example.test",
                key=lambda: "key",
            )


@pytest.fixture
def recall(recall_of, carrier):
    return recall_of(carrier.url)


def asked(recall: Recall, call_id: str = "CA1"):
    return recall.ask(account=ACCOUNT.sid, call_id=call_id, tenant="acme", tracks=["inbound", "outbound"])


async def test_a_media_stream_with_the_same_tracks_is_asked_for(recall, carrier):
    assert await asked(recall) is Answer.ASKED

    (verb,) = carrier.call.asked
    assert verb.url.startswith("wss://bridge.example.test/twilio/")
    assert verb.track == "both_tracks"


async def test_who_asks_again_within_seconds_asks_nobody(recall, carrier):
    await asked(recall)

    assert await asked(recall) is Answer.ASKED_BEFORE
    assert len(carrier.call.asked) == 1


async def test_a_carrier_that_is_busy_is_asked_again_at_once(recall, carrier):
    carrier.refusals.extend([429, 503])

    assert await asked(recall) is Answer.ASKED
    assert len(carrier.call.asked) == 1


async def test_a_carrier_that_stays_busy_is_asked_later(recall, carrier):
    carrier.refusals.extend([429] * 3)

    with pytest.raises(Unavailable):
        await asked(recall)
    assert carrier.call.asked == []


async def test_after_a_lost_answer_there_may_be_a_media_stream_and_none_is_asked_for(recall_of):
    asked_times = []

    async def lose(reader, writer):
        asked_times.append(await reader.readline())
        writer.close()

    async with await asyncio.start_server(lose, "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        with pytest.raises(Unavailable):
            await asked(recall_of(f"http://127.0.0.1:{port}"))

    assert len(asked_times) == 1


async def test_a_call_that_the_carrier_does_not_know_is_over(recall):
    assert await asked(recall, "CA2") is Answer.CALL_OVER
