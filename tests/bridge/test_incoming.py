"""Messages of a WebSocket: what `websockets`' own core tells of the same bytes, in whatever pieces these come."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import OPEN, Protocol
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from bridge.incoming import Incoming, Messages

LIMIT = 1000
REST = bytes(16)
HEAD = (
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)


class Reference:
    """What `websockets` alone makes of the bytes."""

    def __init__(self) -> None:
        self.protocol = ServerProtocol(max_size=LIMIT)
        self._parts: list[bytes] = []
        self._is_text = True

    def receive(self, data: bytes) -> Iterable[Any]:
        self.protocol.receive_data(data)
        for event in self.protocol.events_received():
            if isinstance(event, Frame) and event.opcode in DATA:
                if event.opcode is not Opcode.CONT:
                    self._is_text = event.opcode is Opcode.TEXT
                self._parts.append(bytes(event.data))
                if event.fin:
                    yield b"".join(self._parts), self._is_text
                    self._parts.clear()
            else:
                yield event


class Ours:
    """What Incoming makes of them."""

    def __init__(self) -> None:
        self.protocol = ServerProtocol(max_size=LIMIT)
        self._incoming = Incoming(self.protocol, limit_bytes=LIMIT)

    def receive(self, data: bytes) -> Iterable[Any]:
        return one_by_one(self._incoming.receive(data))


def one_by_one(incidents: Iterable[Any]) -> Iterable[Any]:
    """Yield messages as pairs: what they are, and whether that is text."""
    for incident in incidents:
        if isinstance(incident, Messages):
            yield from ((payload, incident.is_text) for payload in incident.payloads)
        else:
            yield incident


def told(side: Reference | Ours, pieces: list[bytes]) -> tuple[list[Any], bytes, Any, Any]:
    """Return what is told of `pieces`, what goes back, how it was closed, and what was wrong."""
    events, sent = [], b""
    for piece in [HEAD, *pieces]:
        for event in side.receive(piece):
            if isinstance(event, Request):
                side.protocol.send_response(side.protocol.accept(event))
            else:
                events.append(event)
        sent += b"".join(side.protocol.data_to_send())
    return events, sent.partition(b"\r\n\r\n")[2], side.protocol.close_rcvd, repr(side.protocol.parser_exc)


def frame(opcode: Opcode, data: bytes, *, fin: bool = True, mask: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=mask)


FRAMES = st.one_of(
    st.builds(
        frame,
        st.sampled_from(DATA),
        st.integers(0, LIMIT + 5).map(lambda size: bytes(place % 251 for place in range(size))),
        fin=st.booleans(),
        mask=st.sampled_from((True,) * 9 + (False,)),
    ),
    st.builds(frame, st.sampled_from((Opcode.TEXT, Opcode.BINARY)), st.binary(min_size=126, max_size=300)),
    st.builds(frame, st.sampled_from((Opcode.PING, Opcode.PONG)), st.binary(max_size=125)),
    st.just(frame(Opcode.CLOSE, b"\x03\xe8")),
    st.binary(min_size=1, max_size=20),
)


@given(frames=st.lists(FRAMES, max_size=12), cuts=st.lists(st.integers(0, 12_000), max_size=8))
@example(frames=[frame(Opcode.TEXT, b"a" * 200, fin=False), frame(Opcode.TEXT, b"b" * 200)], cuts=[])
@example(frames=[frame(Opcode.BINARY, b"a" * LIMIT), frame(Opcode.BINARY, b"a" * (LIMIT + 1))], cuts=[3, 1009])
@example(frames=[b"\x82\xff" + (1 << 40).to_bytes(8, "big")], cuts=[2, 5])
def test_what_is_told_is_what_websockets_tells(frames, cuts):
    whole = b"".join(frames)
    places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    pieces = [whole[begin:end] for begin, end in pairwise(places)]

    # Of a frame whose length is not all there nothing is told; the core may know already that it will be wrong.
    assert told(Ours(), [*pieces, REST]) == told(Reference(), [*pieces, REST])


@pytest.mark.parametrize("size", range(1, 20))
def test_a_handshake_may_come_in_pieces_and_with_the_first_messages(size):
    whole = HEAD + frame(Opcode.TEXT, b"a" * 300) + frame(Opcode.TEXT, b"b" * 300)
    side, heard = Ours(), []
    for place in range(0, len(whole), size):
        for event in side.receive(whole[place : place + size]):
            if isinstance(event, Request):
                side.protocol.send_response(side.protocol.accept(event))
            else:
                heard.append(event)

    assert heard == [(b"a" * 300, True), (b"b" * 300, True)]


@pytest.mark.parametrize("early", ["a frame", "a byte of it", "no frame"])
def test_who_does_not_wait_for_an_answer_is_the_cores_affair(early):
    sides = Ours(), Reference()
    whole = frame(Opcode.TEXT, b"a" * 300)
    early, later = {"a frame": (whole, whole), "a byte of it": (whole[:1], whole[1:]), "no frame": (b"?" * 9, whole)}[
        early
    ]
    heard: list[list[Any]] = []
    for side in sides:
        events = list(side.receive(HEAD + early))
        side.protocol.send_response(side.protocol.accept(events[0]))
        heard.append([*events[1:], *side.receive(later)])

    assert heard[0] == heard[1]
    assert repr(sides[0].protocol.parser_exc) == repr(sides[1].protocol.parser_exc)


@pytest.mark.parametrize("cut", [1, 50, 200, 300])
def test_a_client_hears_what_comes_with_the_answer(cut):
    client, server = ClientProtocol(parse_uri("ws://x/")), ServerProtocol()
    incoming = Incoming(client, limit_bytes=LIMIT)
    carry(client, server)
    for event in server.events_received():
        server.send_response(server.accept(event))
    server.send_text(b"t" * 200)
    server.send_binary(b"b" * 130)
    server.send_ping(b"?")
    data = b"".join(server.data_to_send())

    heard = [*one_by_one(incoming.receive(data[:cut])), *one_by_one(incoming.receive(data[cut:]))]

    assert isinstance(heard[0], Response)
    assert heard[1:3] == [(b"t" * 200, True), (b"b" * 130, False)]
    assert heard[3].opcode is Opcode.PING
    assert client.state is OPEN


def carry(client: ClientProtocol, server: Protocol) -> None:
    client.send_request(client.connect())
    server.receive_data(b"".join(client.data_to_send()))
