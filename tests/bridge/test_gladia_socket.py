"""The socket to Gladia, against a server of `websockets` and against peers that keep to no protocol."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from bridge import gladia_socket
from bridge.gladia_socket import ABNORMAL, GladiaSocket, dial
from bridge.plain_frames import PlainFrames

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


class Told:
    """What a socket tells, in order."""

    def __init__(self) -> None:
        self.all: list[str | bytes] = []
        self.came = asyncio.Event()

    def opened(self, socket: GladiaSocket) -> None:
        self.all.append("opened")
        socket.send(b"at once")

    def received(self, message: bytes) -> None:
        self.all.append(message)
        self.came.set()

    async def dial(self, url: str) -> GladiaSocket:
        return await dial(url, opened=self.opened, received=self.received, within_s=5)


@contextlib.asynccontextmanager
async def server(handler: Callable[[ServerConnection], Awaitable[None]], **options: object) -> AsyncIterator[str]:
    async with serve(handler, "127.0.0.1", 0, compression=None, **options) as running:
        yield f"ws://127.0.0.1:{running.sockets[0].getsockname()[1]}/v2/live?token=t"


@contextlib.asynccontextmanager
async def raw(handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[str]:
    running = await asyncio.start_server(handler, "127.0.0.1", 0)
    async with running:
        yield f"ws://127.0.0.1:{running.sockets[0].getsockname()[1]}/"


async def upgraded(reader: asyncio.StreamReader) -> tuple[ServerProtocol, bytes]:
    """Return a peer's protocol, and its answer to the upgrade."""
    protocol = ServerProtocol()
    protocol.receive_data(await reader.readuntil(b"\r\n\r\n"))
    (request,) = protocol.events_received()
    assert isinstance(request, Request)
    protocol.send_response(protocol.accept(request))
    return protocol, b"".join(protocol.data_to_send())


async def test_messages_go_and_come_whole_and_in_order():
    heard: list[str | bytes] = []

    async def echo(socket: ServerConnection) -> None:
        async for message in socket:
            heard.append(message)
            await socket.send(["parts", " of one"])
            if message == '{"type":"stop_recording"}':
                return

    told = Told()
    async with server(echo) as url:
        socket = await told.dial(url)
        socket.send(b"\x7e" * 1600)
        socket.send('{"type":"stop_recording"}')
        assert await socket.lost == 1000
    assert heard == [b"at once", b"\x7e" * 1600, '{"type":"stop_recording"}']
    assert told.all == ["opened"] + [b"parts of one"] * 3
    socket.send(b"too late")  # nobody minds


async def test_what_comes_in_one_read_with_the_answer_comes_after_it():
    async def eager(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol, answer = await upgraded(reader)
        protocol.send_text(b"first")
        writer.write(answer + b"".join(protocol.data_to_send()))
        await reader.read()
        writer.close()

    told = Told()
    async with raw(eager) as url:
        socket = await told.dial(url)
        await told.came.wait()
        assert told.all == ["opened", b"first"]
        await socket.close()
        assert await socket.lost == ABNORMAL  # it never said goodbye


async def test_who_has_left_is_told_nothing_more():
    went_on = asyncio.Event()

    async def chatty(socket: ServerConnection) -> None:
        assert await socket.recv() == b"at once"
        await socket.send("before")
        await went_on.wait()
        await socket.send("after")
        with pytest.raises(ConnectionClosedError):
            await socket.recv()

    told = Told()
    async with server(chatty) as url:
        socket = await told.dial(url)
        await told.came.wait()
        socket.leave()
        socket.send(b"too late")
        went_on.set()
        await socket.close()
        # 1000 would end the session.
        assert await socket.lost == 1011
    assert told.all == ["opened", b"before"]


@pytest.mark.parametrize("status", [401, 403, 404, 410, 503])
async def test_a_refused_upgrade_tells_its_status(status):
    told = Told()
    async with server(lambda _: asyncio.sleep(0), process_request=lambda c, _: c.respond(status, "")) as url:
        with pytest.raises(InvalidStatus) as refused:
            await told.dial(url)
    assert refused.value.response.status_code == status
    assert told.all == []


async def test_peers_that_are_no_websocket_servers_are_told_of_as_such():
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example.test ESMTP\r\n")
        writer.close()

    told = Told()
    for peer in (silent, other):
        async with raw(peer) as url:
            with pytest.raises((OSError, InvalidHandshake)):
                await told.dial(url)
    with pytest.raises(OSError, match="Connect"):
        await told.dial(url)
    with pytest.raises(InvalidURI):
        await told.dial("http://127.0.0.1/")
    assert told.all == []


async def test_who_never_answers_is_not_waited_for():
    asked = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    async with raw(mute) as url:
        told = Told()
        with pytest.raises(TimeoutError):
            await dial(url, opened=told.opened, received=told.received, within_s=0.1)
        assert asked.is_set()


@pytest.mark.parametrize("code", [1000, 1001, 1011, 4403])
async def test_it_is_lost_with_the_code_that_gladia_gave(code):
    async with server(lambda socket: socket.close(code)) as url:
        assert await (await Told().dial(url)).lost == code


async def test_a_reset_is_no_goodbye():
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, answer = await upgraded(reader)
        writer.write(answer)
        await reader.readexactly(2)
        writer.transport.abort()

    async with raw(reset) as url:
        assert await (await Told().dial(url)).lost == ABNORMAL


async def test_who_does_not_say_goodbye_is_not_waited_for_either(monkeypatch):
    monkeypatch.setattr(gladia_socket, "CLOSE_TIMEOUT_S", 0.05)
    goodbye = asyncio.Event()

    async def stubborn(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol, answer = await upgraded(reader)
        writer.write(answer)
        while data := await reader.read(100):
            protocol.receive_data(data)
            if any(isinstance(event, Frame) and event.opcode is Opcode.CLOSE for event in protocol.events_received()):
                goodbye.set()
        writer.close()

    async with raw(stubborn) as url:
        socket = await Told().dial(url)
        await socket.close()
        await goodbye.wait()
        assert await socket.lost == ABNORMAL


async def test_a_bug_of_who_listens_is_raised_to_who_waits():
    def wrong(_message: bytes) -> None:
        raise ZeroDivisionError

    async def speak(socket: ServerConnection) -> None:
        await socket.send("hello")
        await socket.wait_closed()

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, _context: None)  # it says so too
    async with server(speak) as url:
        socket = await dial(url, opened=Told().opened, received=wrong, within_s=5)
        with pytest.raises(ZeroDivisionError):
            await socket.lost


async def test_a_message_that_is_too_long_ends_it(monkeypatch):
    monkeypatch.setattr(gladia_socket, "MESSAGE_LIMIT_BYTES", 1000)
    seen = asyncio.Event()

    async def long(socket: ServerConnection) -> None:
        await socket.send(b"\0" * 1001)
        await socket.wait_closed()
        assert socket.close_code == 1009
        seen.set()

    told = Told()
    async with server(long) as url:
        socket = await told.dial(url)
        await socket.lost
        await seen.wait()
    assert told.all == ["opened"]


@given(st.binary(max_size=300).map(lambda start: start * 3), st.integers(0, 400))
@example(b"a" * 125, 0)
@example(b"a" * 65535, 0)
@example(b"a" * 65536, 0)
def test_a_chunk_is_the_frame_that_websockets_reads(message, before):
    frames, server = PlainFrames(), ServerProtocol()
    server.receive_data(UPGRADE)
    server.send_response(server.accept(server.events_received()[0]))
    for _ in range(before):  # as many as one draw of masks is for, and more
        frames.frame(bytes(200))
    framed = frames.frame(message)

    assert (framed is not None) == (126 <= len(message) <= 65535)
    if framed is not None:
        server.receive_data(framed)
        assert server.events_received() == [Frame(Opcode.BINARY, message)]


def test_no_mask_comes_twice():
    frames = PlainFrames()

    assert len({frames.frame(bytes(200))[4:8] for _ in range(1000)}) > 990  # four bytes each: chance is allowed for
