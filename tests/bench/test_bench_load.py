"""The load of `make bench` and what it talks to, judged by those whose part they play."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedOK
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from bench.certificate import write_certificate
from bench.floor import Discarding
from bench.load import FIRST_MS, Caller, Talking
from bench.rounds import measure
from bench.services import Services, serving
from bench.subjects import EVERYTHING, FLOOR, PLAIN, RELAY, RELAY_TLS, SDK
from bench.websocket_frames import frame, take, whole_binary
from bridge.dialects.events import Audio, Started, Stopped
from bridge.dialects.twilio import TwilioDialect


class Serving(asyncio.Protocol):
    """A socket as the bridge has it: websockets' Sans-I/O core, and Twilio's dialect."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self._protocol = ServerProtocol()
        self._dialect = TwilioDialect()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if not isinstance(event, Frame):
                self._protocol.send_response(self._protocol.accept(event))
            elif event.opcode is not Opcode.CLOSE:
                assert event.opcode is Opcode.TEXT
                self.heard += self._dialect.receive(bytes(event.data))
        self.transport.writelines(self._protocol.data_to_send())
        if self.heard and isinstance(self.heard[-1], Stopped):
            self.transport.close()


async def serve(protocol):
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    return server, f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("tracks", [("inbound", "outbound"), ("outbound",)])
async def test_the_load_is_what_twilio_sends(tracks):
    serving_socket = Serving()
    server, url = await serve(lambda: serving_socket)
    async with server:
        caller = Caller("CA0", url, tracks=tracks)
        await caller.open()
        for tick in range(3):
            caller.send(tick)
        caller.hang_up()
        await caller.close()

    started, *audio, stopped = serving_socket.heard
    assert isinstance(started, Started)
    assert isinstance(stopped, Stopped)
    assert [(each.track, each.media_ms, len(each.audio)) for each in audio if isinstance(each, Audio)] == [
        (track, FIRST_MS + 20 * tick, 160) for tick in range(3) for track in tracks
    ]
    assert caller.frames == 3 * len(tracks)
    assert stopped.is_proper


async def test_what_finds_no_room_is_sent_later_and_in_its_order():
    serving_socket = Serving()
    server, url = await serve(lambda: serving_socket)
    async with server:
        caller = Caller("CA0", url)
        await caller.open()
        serving_socket.transport.pause_reading()
        caller._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        ticks = 0
        while not caller._unsent:
            caller.send(ticks)
            ticks += 1
        serving_socket.transport.resume_reading()
        caller.hang_up()
        await caller.close()

    _, *audio, stopped = serving_socket.heard
    assert [each.media_ms for each in audio[::2]] == [FIRST_MS + 20 * tick for tick in range(ticks)]
    assert stopped.is_proper


class Noted(Caller):
    """Knows when it has sent the frames of 80 ms."""

    def __init__(self, call_id, media_url):
        super().__init__(call_id, media_url)
        self.has_said_enough = asyncio.Event()

    def send(self, tick):
        super().send(tick)
        if tick == 3:
            self.has_said_enough.set()


async def test_callers_begin_anywhere_in_a_chunk_and_how_late_they_were_is_known():
    server, url = await serve(Discarding)
    async with server:
        callers = [Noted(f"CA{number}", url) for number in range(100)]
        await asyncio.gather(*(caller.open() for caller in callers))
        async with Talking(callers) as talking:
            await callers[-1].has_said_enough.wait()
        for caller in callers:
            caller.leave()

    said = sorted({caller.frames // 2 for caller in callers})
    assert said == list(range(said[0], said[0] + 5))
    assert talking.late_s() >= 0


@given(st.binary(max_size=70_000), st.binary(min_size=4, max_size=4))
def test_a_clients_frame_is_taken_apart_as_it_was_put_together(data, mask):
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
    zeros = frame(data, opcode=2, masked=True)
    wire = zeros[: len(zeros) - len(data) - 4] + mask + masked

    assert take(b"before" + wire + b"after", 6) == (2, data, 6 + len(wire))
    assert take(wire[:-1], 0) is None
    assert whole_binary(wire) == (len(data) if 126 <= len(data) < 65_536 else 0)
    assert whole_binary(wire + b"\x82") == 0


async def opened(services, **metadata):
    body = {"custom_metadata": metadata}
    async with aiohttp.ClientSession() as http, http.post(f"{services.gladia_url}/v2/live", json=body) as answer:
        assert answer.status == 201
        return (await answer.json())["url"]


async def test_the_discarding_gladia_acknowledges_each_chunk_however_it_comes():
    services = Services(speaks=False)
    async with serving(services), connect(await opened(services, call_id="CA1", track="inbound")) as session:
        acknowledged = []
        for message in (b"a" * 1600, b"b" * 20, json.dumps({"type": "audio_chunk", "data": {"chunk": "AAAA"}})):
            await session.send(message)
            acknowledged.append(json.loads(await session.recv())["data"]["byte_range"])
        await session.ping()
        await session.send('{"type":"stop_recording"}')
        with pytest.raises(ConnectionClosedOK):
            await session.recv()

    assert acknowledged == [[0, 1600], [1600, 1620], [1620, 1623]]
    arrivals = services.sessions["CA1.inbound"]
    assert arrivals.ended.is_set()
    assert [received for received, _ in arrivals.at_s] == [1600, 1620, 1623]


async def test_the_discarding_gladia_speaks_where_it_is_to():
    services = Services(speaks=True)
    async with serving(services), connect(await opened(services, call_id="CA1")) as session:
        said = [json.loads(await session.recv())["data"] for _ in range(2)]

    assert [(each["id"], each["is_final"], each["utterance"]["channel"]) for each in said] == [
        ("00_00000000", False, 0),
        ("01_00000000", False, 1),
    ]


async def test_nobody_joins_a_session_that_was_not_opened():
    services = Services(speaks=False)
    async with serving(services), aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(f"{services.url}/v2/live?token=unknown")


async def test_its_certificate_is_trusted_by_who_has_it_and_by_nobody_else(tmp_path):
    authority, context = write_certificate(tmp_path)
    services = Services(speaks=False, tls=context)
    async with serving(services), aiohttp.ClientSession() as http:
        address = f"{services.gladia_url}/v2/live/unknown"
        async with http.get(address, ssl=ssl.create_default_context(cafile=authority)) as answer:
            assert answer.status == 404
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await http.get(address)


@pytest.mark.xdist_group("machine")  # one port, one core
@pytest.mark.parametrize("subject", [FLOOR, RELAY, RELAY_TLS, EVERYTHING, PLAIN, SDK], ids=lambda each: each.name)
async def test_a_round_brings_every_byte_through_each_subject(subject):
    found = await measure(subject, 2, seconds=0.5)

    assert found.bytes_in > 2 * 50 * 320
    assert found.bytes_out == found.bytes_in
    assert found.cpu_share > 0
    assert found.memory_kb > 0
    assert (found.added_ms is None) is (subject is FLOOR)
