"""The socket and the dialect that is spoken on it: answers go back, and what is refused ends with a close."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from twilio.request_validator import RequestValidator
from websockets.client import ClientProtocol
from websockets.frames import CloseCode, Frame, Opcode
from websockets.uri import parse_uri

from bridge.dialects.audiohook import AudiohookDialect
from bridge.dialects.events import Audio, Started, Stopped
from bridge.dialects.untimed import Question
from bridge.door import Door
from bridge.media_socket import MediaSocket
from callscribe.tickets import Ticket, sign

URL = "wss://bridge.example.test"
CALL = "e5a9d4a6-4c4a-4a4e-9f0e-0d2a5a6f7c11"
MEDIA = {"type": "audio", "format": "PCMU", "channels": ["external"], "rate": 8000}


class FakeRelay:
    """What was heard, and counted."""

    rest_s = 0.0

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.malformed: list[str] = []

    def hear(self, event) -> None:
        self.heard.append(event)

    def hear_audio(self, frames) -> None:
        self.heard += frames

    def count_malformed(self, kind: str) -> None:
        self.malformed.append(kind)


class FakeReception:
    """A server with one relay."""

    def __init__(self) -> None:
        self.door = Door(URL, ("key",), ("token",))
        self.accepting = True
        self.only = FakeRelay()
        self.started: list[Started] = []

    def relay(self, _ticket: Ticket) -> FakeRelay:
        return self.only

    def start(self, _relay, started: Started, _socket) -> None:
        self.started.append(started)


class Wire:
    """The socket's transport: what is written to it goes to a client's protocol."""

    def __init__(self, socket: MediaSocket) -> None:
        path = "/twilio/" + sign(Ticket(use="media", tenant="acme", calls=(CALL,), expires_at=2**33), "key")
        self._client = ClientProtocol(parse_uri(URL + path))
        self._socket = socket
        self.is_read = asyncio.Event()
        self.is_read.set()
        socket.connection_made(self)
        request = self._client.connect()
        request.headers["X-Twilio-Signature"] = RequestValidator("token").compute_signature(URL + path, {})
        self._client.send_request(request)
        self._carry()

    def say(self, *messages: dict[str, Any] | bytes) -> None:
        """Send messages, which come in one read."""
        for message in messages:
            if isinstance(message, bytes):
                self._client.send_binary(message)
            else:
                self._client.send_text(json.dumps(message).encode())
        self._carry()

    def received(self) -> list[Any]:
        """Return what the client has received since: answers as their type, closes as their code."""
        found = []
        for event in self._client.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                found.append(json.loads(event.data)["type"])
            elif isinstance(event, Frame) and event.opcode is Opcode.CLOSE:
                found.append(self._client.close_rcvd.code)
        return found

    def _carry(self) -> None:
        self._socket.data_received(b"".join(self._client.data_to_send()))

    def write(self, data: bytes) -> None:
        self._client.receive_data(data)

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self.is_read.clear()

    def resume_reading(self) -> None:
        self.is_read.set()

    def close(self) -> None:
        self._client.receive_eof()

    def abort(self) -> None:
        self.close()


def opening(**change: Any) -> dict[str, Any]:
    parameters = {"conversationId": CALL, "media": [MEDIA], **change}
    return {"version": "2", "type": "open", "seq": 1, "id": "s-1", "parameters": parameters}


@pytest.fixture
async def reception() -> FakeReception:
    return FakeReception()


async def test_what_a_dialect_answers_goes_back_to_the_peer(reception):
    wire = Wire(MediaSocket(reception, AudiohookDialect(Question())))

    wire.say(opening())
    wire.say(b"\x7f" * 160)
    wire.say({"type": "ping", "seq": 2, "id": "s-1"})
    assert wire.received() == ["opened", "pong"]
    wire.say({"type": "close", "seq": 3, "id": "s-1", "parameters": {"reason": "end"}})
    assert wire.received() == ["closed", CloseCode.NORMAL_CLOSURE]

    assert [each.call_id for each in reception.started] == [CALL]
    assert reception.only.heard == [Audio("customer", 0, b"\x7f" * 160), Stopped("stop")]
    assert reception.only.malformed == []


async def test_what_can_not_be_heard_is_told_and_closed_and_logged(reception, caplog):
    wire = Wire(MediaSocket(reception, AudiohookDialect(Question())))

    with caplog.at_level(logging.WARNING):
        # The audio is on its way when it is refused.
        wire.say(opening(media=[{**MEDIA, "format": "L16"}]), b"\x7f" * 160)

    assert wire.received() == ["disconnect", CloseCode.POLICY_VIOLATION]
    assert [record.reason for record in caplog.records] == [
        "audiohook: PCMU at 8000 Hz, of external and internal, is not offered"
    ]
    assert reception.started == []
    assert reception.only.malformed == []


async def test_what_makes_no_sense_is_counted_and_what_follows_is_heard(reception):
    wire = Wire(MediaSocket(reception, AudiohookDialect(Question())))

    wire.say(b"\x7f")
    wire.say(opening())
    wire.say(b"\x7f" * 8)
    assert reception.only.malformed == ["order"]
    assert reception.only.heard == [Audio("customer", 0, b"\x7f" * 8)]


async def test_nothing_is_read_while_nothing_that_comes_is_needed(reception):
    wire = Wire(MediaSocket(reception, AudiohookDialect(Question())))
    wire.say(opening())
    assert wire.is_read.is_set()

    reception.only.rest_s = 0.001
    wire.say(b"\x7f" * 160)
    assert not wire.is_read.is_set()

    async with asyncio.timeout(5):
        await wire.is_read.wait()


async def test_a_socket_that_is_closed_is_read_at_once_for_the_peers_goodbye(reception):
    socket = MediaSocket(reception, AudiohookDialect(Question()))
    wire = Wire(socket)
    wire.say(opening())
    reception.only.rest_s = 3600.0
    wire.say(b"\x7f" * 160)

    socket.close(CloseCode.GOING_AWAY)

    assert wire.is_read.is_set()
