"""Asterisk's AudioSocket on real sockets: a leg a connection, let in by its address, kept alive, never hung up."""

from __future__ import annotations

import asyncio
import contextlib
import uuid

import pytest

from bridge import audio_socket, call_end
from bridge.audio_socket import BEAT, AudioSocket
from callscribe.call import fold
from callscribe.dynamodb import perform
from callscribe.entries import LegGap
from callscribe.trunks import Trunks, new_trunk
from local.peers import forks

AT = "2026-11-26T09:15:02.417Z"
HOST = "127.0.0.1"


@pytest.fixture
async def port(path, monkeypatch):
    """The port of the trunk `pbx`, of this machine."""
    monkeypatch.setattr(call_end, "LINGER_S", 0.0)
    for name, network in (("pbx", "127.0.0.0/8"), ("far", "203.0.113.0/24")):
        assert perform(path.dynamodb, Trunks("Keys").add(new_trunk("acme", name, at=AT, networks=[network])))
    server = await asyncio.get_running_loop().create_server(lambda: AudioSocket(path.bridge, "pbx"), HOST, 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def speak(port: int, audio: bytes, call: str = "c-1", *, size: int = 7) -> None:
    """Send a leg's audio, cut up as TCP may cut it, and hang up."""
    peer = forks.AudioSocket(call, ("caller",))
    _, writer = await asyncio.open_connection(HOST, port)
    sent = [message.content for message in peer.opening()]
    sent += [message.content for at in range(0, len(audio), 160) for message in peer.frame(0, [audio[at : at + 160]])]
    stream = b"".join(sent)
    for at in range(0, len(stream), size * 100):
        writer.write(stream[at : at + size * 100])
    await writer.drain()
    writer.close()
    await writer.wait_closed()


def named(call: str) -> str:
    return f"pbx.{uuid.uuid5(uuid.NAMESPACE_URL, call)}"


async def test_a_leg_is_a_call_of_the_trunk_that_the_port_is_for(path, port, spoken_by):
    await speak(port, spoken_by("good morning")[0])
    await path.settled()
    entries = path.entries(named("c-1"))
    call = fold(entries)
    assert path.said(named("c-1")) == [("caller", "good morning")]
    assert (call.started.provider, call.started.account, call.ended.reason) == ("audiosocket", "pbx", "completed")
    assert call.settled
    assert not [entry for entry in entries if isinstance(entry.body, LegGap)]


async def test_a_silent_leg_is_kept_alive_with_silence_that_nobody_hears(path, port, monkeypatch):
    monkeypatch.setattr(audio_socket, "BEAT_S", 0.01)
    reader, writer = await asyncio.open_connection(HOST, port)
    assert await reader.readexactly(3 * len(BEAT)) == 3 * BEAT
    writer.close()


async def test_one_from_elsewhere_is_cut_off(path, monkeypatch, port):
    server = await asyncio.get_running_loop().create_server(lambda: AudioSocket(path.bridge, "far"), HOST, 0)
    reader, writer = await asyncio.open_connection(HOST, server.sockets[0].getsockname()[1])
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()
    server.close()


async def test_what_can_not_be_heard_is_refused_with_what_to_dial(path, port, caplog):
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"\x01\x00\x10" + bytes(16) + b"\x15\x00\x04" + bytes(4))  # 44.1 kHz
    assert b"\x00" not in (await reader.read())[:1]  # it ends, and does not hang up
    writer.close()
    (told,) = [record for record in caplog.records if record.message == "media stream refused"]
    assert "c(slin)" in told.reason


async def test_one_that_never_says_who_it_is_is_not_waited_for(path, port, monkeypatch):
    monkeypatch.setattr(audio_socket, "START_S", 0.05)
    reader, writer = await asyncio.open_connection(HOST, port)
    with contextlib.suppress(ConnectionError):
        while await reader.read(1000):
            pass
    assert reader.at_eof() or reader.exception() is not None
    writer.close()


async def test_what_makes_no_sense_is_counted_and_the_rest_is_heard(path, port, spoken_by):
    audio = spoken_by("good morning")[0]
    peer = forks.AudioSocket("c-2", ("caller",))
    _, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"".join(message.content for message in peer.opening()))
    for at in range(0, len(audio), 160):
        writer.write(b"\x77\x00\x02ab" + peer.frame(0, [audio[at : at + 160]])[0].content)
    await writer.drain()
    writer.close()
    await path.settled()
    assert path.said(named("c-2")) == [("caller", "good morning")]
    assert path.metrics()["malformed_shape"] == len(audio) // 160


async def test_what_came_before_it_was_let_in_is_heard(path, port, spoken_by, monkeypatch):
    come = asyncio.Event()
    let_in = path.bridge.trunks.let_in

    async def late(*args, **options):
        await come.wait()
        return await let_in(*args, **options)

    monkeypatch.setattr(path.bridge.trunks, "let_in", late)
    speaking = asyncio.create_task(speak(port, spoken_by("good morning")[0]))
    await asyncio.sleep(0)
    come.set()
    await speaking
    await path.settled()
    assert path.said(named("c-1")) == [("caller", "good morning")]
