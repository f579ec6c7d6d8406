"""What comes on a WebSocket, as whole messages: with `websockets`' Sans-I/O core, but for frames that are plain.

A media stream is a hundred messages a second of some hundred bytes, each of one frame that came whole. These are opened
in place, all of a read in one loop (`bridge/plain_frames.py`); all else is the core's: handshakes, control frames,
messages in parts, frames that come in pieces, or are very short or long, limits, and whatever is against the protocol.
The core is given whole frames, or the beginning of one and then its rest, so that it never stands anywhere but where
this does.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import TypeAlias

from msgspec import Struct
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import CONNECTING, OPEN, Protocol, Side

from bridge.plain_frames import MASK_BYTES, MASKED, UNMASKED, masked_run, unmasked_run

_HEAD_END = b"\r\n\r\n"
_MASKED_BIT = 0x80
_CONTROL = frozenset({Opcode.CLOSE, Opcode.PING, Opcode.PONG})


class Messages(Struct, frozen=True, gc=False):
    """Whole messages, at least one, in the order in which they came."""

    payloads: list[bytes]
    is_text: bool  # each of them


Incident: TypeAlias = Messages | Request | Response | Frame  # the last are control frames, which the core has answered


class Incoming:
    """The bytes of one connection, in; messages, and what else happens, out. Source: RFC 6455, section 5."""

    def __init__(self, protocol: Protocol, *, limit_bytes: int) -> None:
        """`limit_bytes` is the longest message that `protocol` takes."""
        self._protocol = protocol
        self._limit_bytes = limit_bytes
        is_server = protocol.side is Side.SERVER
        self._mask_bytes = MASK_BYTES if is_server else 0
        self._plain = MASKED if is_server else UNMASKED
        self._run = masked_run if is_server else unmasked_run
        self._tail = b""  # the end of what came: of a handshake's head, or of a frame's first bytes
        self._owed = 0  # bytes of a frame whose beginning the core has
        self._parts: list[bytes] = []
        self._is_text = True
        self._is_new = protocol.state is CONNECTING  # its handshake is not all there
        self._is_between_messages = False  # and the core is open
        self._is_cores = False  # all that comes from now on
        self._core_was_asked = False

    def receive(self, data: bytes) -> Iterable[Incident]:
        """Return what `data` brings. What the core has to send is to be sent after that, if `core_was_asked`."""
        if self._is_between_messages and not self._tail and not self._owed and len(data) > 1:
            first = data[0] << 8 | data[1]
            if first in self._plain:
                payloads, end = self._run(data, 0, first, self._limit_bytes)
                if end == len(data):
                    return (Messages(payloads, self._plain[first]),)
        return self._receive(data)

    def core_was_asked(self) -> bool:
        """Return, once, whether the core was given anything, so that it may have something to send."""
        asked, self._core_was_asked = self._core_was_asked, False
        return asked

    def _receive(self, data: bytes) -> Iterator[Incident]:
        if self._is_new:
            data = yield from self._shake_hands(data)
        elif self._tail:
            data, self._tail = self._tail + data, b""
        if self._protocol.state is OPEN and not self._is_cores:
            yield from self._frames(data)
        elif data:
            yield from self._pass_on(data)

    def _shake_hands(self, data: bytes) -> Generator[Incident, None, bytes]:
        """Pass on what belongs to the handshake, and return what came behind it."""
        before, self._tail = self._tail, (self._tail + data)[1 - len(_HEAD_END) :]
        place = (before + data).find(_HEAD_END)
        end = len(data) if place < 0 else place + len(_HEAD_END) - len(before)
        yield from self._pass_on(data[:end])
        if place >= 0:
            self._is_new, self._tail = False, b""
            # Who was not answered by now does not wait for the answer.
            self._is_cores = end < len(data) and self._protocol.state is not OPEN
        return data[end:]

    def _frames(self, data: bytes) -> Iterator[Incident]:
        end, at = len(data), self._owed
        if at:
            self._owed = max(0, at - end)
            yield from self._pass_on(data[:at])
        while at + 1 < end:
            first = data[at] << 8 | data[at + 1]
            if first in self._plain and self._is_between_messages:
                payloads, beyond = self._run(data, at, first, self._limit_bytes)
                if payloads:
                    at = beyond
                    yield Messages(payloads, self._plain[first])
                    continue
            begin, until = _extent(data, at, self._mask_bytes)
            if begin - self._mask_bytes > end:
                break
            self._owed = max(0, until - end)
            yield from self._pass_on(data[at:until])
            at = until
        self._tail = data[at:]

    def _pass_on(self, data: bytes) -> Iterator[Incident]:
        self._core_was_asked = True
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if not isinstance(event, Frame) or event.opcode in _CONTROL:
                yield event
                continue
            if event.opcode is not Opcode.CONT:
                self._is_text = event.opcode is Opcode.TEXT
            self._parts.append(bytes(event.data))
            if event.fin:
                message = b"".join(self._parts)
                self._parts.clear()
                yield Messages([message], self._is_text)
        self._is_between_messages = not self._parts and self._protocol.state is OPEN


def _extent(data: bytes, at: int, mask_bytes: int) -> tuple[int, int]:
    """Return where the payload of the frame at `at` begins and ends, if its length is there; else both are beyond."""
    length = data[at + 1] & ~_MASKED_BIT
    begin = at + 2
    if length == 126:
        begin += 2
        length = int.from_bytes(data[at + 2 : begin], "big")
    elif length == 127:
        begin += 8
        length = int.from_bytes(data[at + 2 : begin], "big")
    return begin + mask_bytes, begin + mask_bytes + length
