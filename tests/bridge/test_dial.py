"""Asterisk's `WebSocket/INCOMING`: the bridge dials it, and what it says is heard as if it had dialled."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

from bridge import call_end
from callscribe.call import fold
from callscribe.dynamodb import perform
from callscribe.trunks import Trunks, new_trunk
from local.peers.forks import Asterisk

AT = "2026-11-26T09:15:02.417Z"
MEDIA = "/media/32966726-4388-456b-a333-fdf5dbecc60d"


@pytest.fixture
def secret(path, monkeypatch):
    """The secret of the trunk `pbx`, of this machine."""
    monkeypatch.setattr(call_end, "LINGER_S", 0.0)
    new = new_trunk("acme", "pbx", at=AT, networks=["127.0.0.0/8"])
    assert perform(path.dynamodb, Trunks("Keys").add(new))
    return new.secret


class Waiting:
    """An Asterisk whose channel waits to be dialled; then it says `audio`, and is over."""

    def __init__(self, audio: bytes) -> None:
        self.audio = audio
        self.asked: list[tuple[str, str | None]] = []
        self.was_closed = asyncio.Event()
        self.stays = False

    async def __call__(self, socket) -> None:
        self.asked.append((socket.request.path, socket.subprotocol))
        peer = Asterisk("c-1", ("caller",))
        for message in peer.opening():
            await socket.send(message.content.decode())
        for at in range(0, len(self.audio), 160):
            await socket.send(peer.frame(0, [self.audio[at : at + 160]])[0].content)
        if self.stays:
            await socket.wait_closed()
            self.was_closed.set()


@contextlib.asynccontextmanager
async def asterisk(audio: bytes):
    waiting = Waiting(audio)
    async with serve(waiting, "127.0.0.1", 0, subprotocols=["media"], compression=None) as server:
        yield waiting, f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}{MEDIA}"


def socket(path, secret: str):
    headers = {"Authorization": f"Bearer {secret}"}
    target = f"{path.url}/dial/pbx?call=c-1&party=agent"
    return connect(target, additional_headers=headers, compression=None, proxy=None)


async def test_what_is_dialled_is_heard_until_it_is_over(path, secret, spoken_by):
    async with asterisk(spoken_by("good morning")[0]) as (waiting, url), socket(path, secret) as media:
        await media.send(json.dumps({"url": url}))
        await media.wait_closed()
    await path.settled()
    call = fold(path.entries("pbx.c-1"))
    assert media.close_code == 1000
    assert waiting.asked == [(MEDIA, "media")]
    assert path.said("pbx.c-1") == [("agent", "good morning")]
    assert (call.started.provider, call.ended.reason, call.settled) == ("dial", "completed", True)


async def test_it_ends_with_the_socket_that_asked_for_it(path, secret, spoken_by):
    async with asterisk(spoken_by("good morning")[0]) as (waiting, url):
        waiting.stays = True
        async with socket(path, secret) as media:
            await media.send(json.dumps({"url": url}))
            await path.bridge.started.wait()
            await media.send("what comes here now is nothing")
        await asyncio.wait_for(waiting.was_closed.wait(), 10)
        await path.settled()
    assert fold(path.entries("pbx.c-1")).ended.reason == "completed"


@pytest.mark.parametrize(
    ("message", "what"),
    [
        ({"url": "ws://192.0.2.1:8088/media/x"}, "--network"),
        ({"url": "ws://localhost:8088/media/x"}, "--network"),
        ({"url": "http://127.0.0.1/latest/meta-data"}, "ws://"),
        ({"url": "ws://[::1/media"}, "ws://"),
    ],
)
async def test_nothing_else_is_dialled_than_the_trunks_own(path, secret, caplog, message, what):
    async with socket(path, secret) as media:
        await media.send(json.dumps(message))
        await media.wait_closed()
    assert media.close_code == 1008
    (told,) = [record for record in caplog.records if record.message == "media stream refused"]
    assert what in told.reason


async def test_where_nobody_answers_it_may_be_tried_again(path, secret, caplog):
    async with socket(path, secret) as media:
        await media.send(json.dumps({"url": "ws://127.0.0.1:9/media/x"}))
        await media.wait_closed()
    assert media.close_code == 1013
    assert "media stream can't be dialled" in [record.message for record in caplog.records]
