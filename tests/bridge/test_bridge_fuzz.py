"""Whatever a carrier, a stranger or Gladia sends: a value, or the parser's own error; the next good input is served."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from bridge import gladia
from bridge.dialects.events import Audio, Digit, Started, Stopped
from bridge.dialects.twilio import TwilioDialect
from bridge.door import Admitted, Door, TurnedAway, knock
from bridge.media_socket import HEALTH_PATH, MediaSocket
from callscribe.errors import MalformedMessage
from callscribe.tickets import Ticket
from callscribe.tickets import sign as sign_ticket
from callscribe.twilio_signature import sign as sign_url
from tests.mutation import mutated, mutated_json


def is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


START = {
    "event": "start",
    "sequenceNumber": "1",
    "streamSid": "MZ1",
    "start": {
        "streamSid": "MZ1",
        "accountSid": "AC1",
        "callSid": "CA1",
        "tracks": ["inbound", "outbound"],
        "customParameters": {"tenant": "t-42"},
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
    },
}
PAYLOAD = base64.b64encode(b"\xfe" * 160).decode()


def media(number: int, at_ms: int = 102) -> dict:
    body = {"track": "inbound", "chunk": "1", "timestamp": str(at_ms), "payload": PAYLOAD}
    return {"event": "media", "sequenceNumber": str(number), "streamSid": "MZ1", "media": body}


CARRIER = [
    {"event": "connected", "protocol": "Call", "version": "1.0.0"},
    START,
    media(3),
    {"event": "dtmf", "sequenceNumber": "4", "streamSid": "MZ1", "dtmf": {"track": "inbound_track", "digit": "5"}},
    {"event": "mark", "sequenceNumber": "5", "streamSid": "MZ1", "mark": {"name": "m"}},
    {"event": "stop", "sequenceNumber": "6", "streamSid": "MZ1", "stop": {"accountSid": "AC1", "callSid": "CA1"}},
]


@given(st.lists(mutated_json(CARRIER), max_size=4), st.booleans())
def test_a_carriers_message_is_an_event_or_malformed_and_the_next_frame_is_heard(texts, as_text):
    dialect = TwilioDialect()
    dialect.receive(json.dumps(START).encode())
    is_over = False
    for text in texts:
        with contextlib.suppress(MalformedMessage):
            for heard in dialect.receive(text, is_text=as_text):
                assert isinstance(heard, Audio | Digit | Stopped)
                is_over = is_over or isinstance(heard, Stopped)
                if isinstance(heard, Audio):
                    assert heard.audio
                    assert len(heard.audio) % 8 == 0
    if not is_over:
        assert dialect.receive(json.dumps(media(900)).encode()) == (Audio("inbound", 102, b"\xfe" * 160),)


@given(mutated_json([START]))
def test_a_start_tells_a_stream_that_can_be_relayed_or_is_malformed(text):
    dialect = TwilioDialect()
    try:
        heard = dialect.receive(text if isinstance(text, bytes) else text.encode())
    except MalformedMessage:
        assert dialect.receive(json.dumps(START).encode())
        return
    for started in heard:
        if isinstance(started, Started):
            assert set(started.tracks) <= {"inbound", "outbound"}
            assert len(set(started.tracks)) == len(started.tracks) > 0


SPEECH = {
    "text": " Yes.", "start": 0.74, "end": 1.42, "confidence": 0.91, "channel": 0, "language": "en",
    "words": [{"word": " Yes.", "start": 0.74, "end": 1.42, "confidence": 0.91}],
}  # fmt: skip
GLADIA = [
    {"type": "audio_chunk", "session_id": "G0", "acknowledged": True, "data": {"byte_range": [0, 1600]}},
    {"type": "audio_chunk", "session_id": "G0", "acknowledged": False, "error": {"message": "no"}, "data": None},
    {"type": "transcript", "session_id": "G0", "data": {"id": "00_00000001", "is_final": True, "utterance": SPEECH}},
    {"type": "stop_recording", "session_id": "G0", "acknowledged": True, "data": {"recording_duration": 1.5}},
    {"type": "speech_start", "session_id": "G0", "data": {"time": 0.5, "channel": 0}},
]  # fmt: skip


@given(mutated_json(GLADIA), st.booleans())
def test_a_message_of_gladias_is_a_value_or_malformed(text, as_text):
    with contextlib.suppress(MalformedMessage):
        message = gladia.decode(text.decode("utf-8", "surrogatepass") if as_text and is_text(text) else text)
        if isinstance(message, gladia.Transcript):
            speech = message.utterance
            assert all(round(seconds * 1000) >= 0 for seconds in (speech.start, speech.end))


@given(mutated_json([{"id": "G0", "url": "wss://api.gladia.io/v2/live?token=t", "created_at": "2026-11-22T09:15:02Z"}]))
def test_the_answer_to_an_opening_is_a_session_or_malformed(text):
    with contextlib.suppress(MalformedMessage):
        opened = gladia.decode_opened(text)
        assert isinstance(opened.url, str)


TICKET = Ticket(use="media", tenant="acme", calls=("CA1",), expires_at=int(time.time()) + 10**6)
PATH = f"/twilio/{sign_ticket(TICKET, 'key')}"
DOOR = Door("wss://media.example.test", ("key", "before"), ("token",))
SIGNATURE = sign_url(DOOR.media_url + PATH, (), "token")


@given(mutated([PATH.encode(), b"/twilio/", b"/healthz"]), mutated([SIGNATURE.encode()]), st.booleans())
def test_who_knocks_is_admitted_or_turned_away(path, signature, is_signed):
    headers = {"X-Twilio-Signature": signature.decode("ascii", "surrogateescape")} if is_signed else {}
    answer = knock(path.decode("ascii", "surrogateescape"), headers, DOOR, now_s=time.time())

    if isinstance(answer, TurnedAway):
        assert answer.status in {403, 404}
    else:
        assert (path.decode(), headers["X-Twilio-Signature"]) == (PATH, SIGNATURE)
    assert knock(PATH, {"X-Twilio-Signature": SIGNATURE}, DOOR, now_s=time.time()) == Admitted(TICKET)


class Hearer:
    """A relay, as far as a socket knows it."""

    rest_s = 0.0

    def __init__(self):
        self.malformed = Counter()
        self.heard = []

    def hear(self, event):
        self.heard.append(event)

    def hear_audio(self, frames):
        self.heard += frames

    def count_malformed(self, kind):
        self.malformed[kind] += 1


class Desk:
    """A server, as far as a socket knows it."""

    def __init__(self):
        self.door = DOOR
        self.accepting = True
        self.relays = []
        self.started = []

    def relay(self, _ticket):
        self.relays.append(Hearer())
        return self.relays[-1]

    def start(self, _relay, started, _socket):
        self.started.append(started)


class Wire(asyncio.Transport):
    """A connection whose far end is a list of what was written."""

    def __init__(self):
        super().__init__()
        self.written = bytearray()
        self.is_ended = False

    def write(self, data):
        if self.is_ended:
            raise RuntimeError("Cannot call write() after write_eof()")  # as asyncio says it
        self.written += data

    def can_write_eof(self):
        return True

    def write_eof(self):
        self.is_ended = True

    def close(self):
        self.is_ended = True

    def abort(self):
        self.is_ended = True


UPGRADE = (
    f"GET {PATH} HTTP/1.1\r\nHost: media.example.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(b'0123456789abcdef').decode()}\r\n"
    f"X-Twilio-Signature: {SIGNATURE}\r\n\r\n"
).encode()
HEALTH = f"GET {HEALTH_PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n"


def frame(message: dict) -> bytes:
    return Frame(Opcode.TEXT, json.dumps(message).encode()).serialize(mask=True)


CALL = [frame(message) for message in CARRIER]


def connected(desk: Desk) -> tuple[MediaSocket, Wire]:
    socket, wire = MediaSocket(desk), Wire()
    socket.connection_made(wire)
    return socket, wire


def hang_up(socket: MediaSocket, wire: Wire) -> None:
    if not wire.is_ended:
        socket.eof_received()
    socket.connection_lost(None)


def hears_a_call(desk: Desk) -> bool:
    socket, wire = connected(desk)
    socket.data_received(UPGRADE + b"".join(CALL))
    hang_up(socket, wire)
    return [type(event) for event in desk.relays[-1].heard] == [Audio, Digit, Stopped]


@given(mutated([UPGRADE, HEALTH.encode(), UPGRADE + b"".join(CALL)]), st.integers(1, 4000))
async def test_a_connection_that_says_anything_ends_alone(data, piece):
    desk = Desk()
    socket, wire = connected(desk)
    for start in range(0, len(data), piece):
        socket.data_received(data[start : start + piece])
    hang_up(socket, wire)

    assert hears_a_call(desk)


@given(st.lists(mutated(CALL), min_size=1, max_size=5))
async def test_an_upgraded_socket_that_says_anything_ends_alone_and_tells_its_relay_once(frames):
    desk = Desk()
    socket, wire = connected(desk)
    socket.data_received(UPGRADE)
    assert wire.written.startswith(b"HTTP/1.1 101")
    for data in frames:
        socket.data_received(data)
    hang_up(socket, wire)

    assert [type(event) for event in desk.relays[0].heard].count(Stopped) == 1
    assert hears_a_call(desk)


@given(st.lists(mutated_json(CARRIER[2:4]), max_size=5))
async def test_a_media_socket_goes_on_after_messages_that_mean_nothing(texts):
    desk = Desk()
    socket, wire = connected(desk)
    socket.data_received(UPGRADE + CALL[1])
    for text in texts:
        socket.data_received(Frame(Opcode.TEXT, text).serialize(mask=True))
    heard = len(desk.relays[0].heard)
    if not wire.is_ended and not any(len(text) > 64 * 1024 for text in texts) and all(map(is_text, texts)):
        socket.data_received(frame(media(900)))
        assert desk.relays[0].heard[heard:] == [Audio("inbound", 102, b"\xfe" * 160)]
    hang_up(socket, wire)
