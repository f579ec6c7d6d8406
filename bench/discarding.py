"""A session of a Gladia that discards audio: it acknowledges each chunk, and may speak.

A read is nearly always one binary frame, whole: of that only its length is looked at, and the mask is left on.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import lru_cache

import msgspec

from bench.websocket_frames import BINARY, CLOSE, PING, PONG, TEXT, frame, take, whole_binary

NORMAL = (1000).to_bytes(2, "big")
_ACKNOWLEDGED = (
    b'{"type":"audio_chunk","session_id":"s","created_at":"now","acknowledged":true,"error":null,'
    b'"data":{"byte_range":[%d,%d],"time_range":[0,0]}}'
)


@dataclass(slots=True)
class Arrivals:
    """When a session had received so many bytes of audio (by CLOCK_MONOTONIC)."""

    call_id: str = ""
    at_s: list[tuple[int, float]] = field(default_factory=list)
    received: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class _Chunk(msgspec.Struct):
    chunk: bytes  # base64 on the wire


class _Said(msgspec.Struct):
    type: str
    data: _Chunk | None = None


_said = msgspec.json.Decoder(_Said)


class Session:
    """One socket of a session's."""

    def __init__(self, transport: asyncio.Transport, arrivals: Arrivals) -> None:
        self._transport = transport
        self._arrivals = arrivals
        self._rest = b""
        self._speaking: asyncio.Task[None] | None = None

    def speak(self, speaking: Coroutine[None, None, None]) -> None:
        """Let it speak until the session ends."""
        self._speaking = asyncio.create_task(speaking)

    def send_text(self, text: bytes) -> None:
        """Send a message."""
        self._transport.write(frame(text))

    def receive(self, data: bytes) -> None:
        """Take what came, and acknowledge the audio in it."""
        if not self._rest and (size := whole_binary(data)):
            self._hear(size)
            return
        self._rest += data
        at = 0
        while (found := take(self._rest, at)) is not None:
            opcode, content, at = found
            self._take(opcode, content)
        self._rest = self._rest[at:]

    def lost(self) -> None:
        """Speak no more."""
        if self._speaking is not None:
            self._speaking.cancel()
        self._arrivals.ended.set()

    def _take(self, opcode: int, content: bytes) -> None:
        if opcode == BINARY:
            self._hear(len(content))
        elif opcode == TEXT:
            said = _said.decode(content)
            if said.type == "audio_chunk" and said.data is not None:
                self._hear(len(said.data.chunk))
            elif said.type == "stop_recording":
                self._end(NORMAL)
        elif opcode == PING:
            self._transport.write(frame(content, opcode=PONG))
        elif opcode == CLOSE:
            self._end(content[:2])

    def _hear(self, size: int) -> None:
        arrivals = self._arrivals
        begin = arrivals.received
        arrivals.received = end = begin + size
        arrivals.at_s.append((end, time.monotonic()))
        self._transport.write(frame(_ACKNOWLEDGED % (begin, end)))

    def _end(self, code: bytes) -> None:
        self.lost()
        self._transport.write(frame(code, opcode=CLOSE))
        self._transport.close()


def utterance(channel: int, number: int, words: list[str], *, at_s: float, is_final: bool) -> bytes:
    """Return what Gladia says of utterance `number` of a channel so far, or for good."""
    id_at, time_at = b'"%02d_%08d"' % (channel, number), b"%.3f" % at_s
    return _template(channel, tuple(words), is_final).replace(b'"ID"', id_at).replace(b'"AT"', time_at)


@lru_cache(maxsize=100)
def _template(channel: int, words: tuple[str, ...], is_final: bool) -> bytes:  # noqa: FBT001 - lru_cache
    timed = [{"word": word, "start": "AT", "end": "AT", "confidence": 0.9} for word in words]
    said = {
        "text": "".join(words), "start": "AT", "end": "AT", "confidence": 0.9, "channel": channel,
        "language": "en", "words": timed,
    }  # fmt: skip
    data = {"id": "ID", "is_final": is_final, "utterance": said}
    return json.dumps({"type": "transcript", "session_id": "s", "created_at": "now", "data": data}).encode()
