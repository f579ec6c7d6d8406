"""HTTP/1.1 as the load's services speak it: requests on connections that stay open, and upgrades to WebSocket.

Only what clients of AWS and Gladia send: a head, and a body of a length that the head tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from bench.websocket_frames import accept_of

_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request; `head` is all before its body."""

    method: str
    path: str
    head: bytes
    body: bytes

    def header(self, name: bytes) -> bytes:
        """Return the value of a header, which `name` gives in lower case; empty if there is none."""
        for line in self.head.split(b"\r\n")[1:]:
            found, _, value = line.partition(b":")
            if found.lower() == name:
                return value.strip()
        return b""


class Upgraded(Protocol):
    """What takes a connection over that has become a WebSocket."""

    def receive(self, data: bytes) -> None:
        """Take what came."""

    def lost(self) -> None:
        """Nothing will come any more."""


class Answering(asyncio.Protocol):
    """One connection of a client's."""

    def __init__(
        self, answer: Callable[[Asked], bytes], upgrade: Callable[[Asked, asyncio.Transport], Upgraded | None]
    ) -> None:
        """`answer` returns a whole response, or nothing if there is to be none; `upgrade` is asked for a WebSocket."""
        self._answer = answer
        self._upgrade = upgrade
        self._data = b""
        self._upgraded: Upgraded | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what the answers are written to."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer all requests that are there in full."""
        if self._upgraded is not None:
            self._upgraded.receive(data)
            return
        self._data += data
        while self._upgraded is None and (asked := self._next()) is not None:
            if asked.header(b"upgrade").lower() == b"websocket":
                self._switch(asked)
            else:
                self._transport.write(self._answer(asked))

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """Tell who has taken it over."""
        if self._upgraded is not None:
            self._upgraded.lost()

    def _next(self) -> Asked | None:
        end = self._data.find(_END)
        if end < 0:
            return None
        head = self._data[:end]
        method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        size = int(Asked(method, path, head, b"").header(b"content-length") or 0)
        begin = end + len(_END)
        if len(self._data) < begin + size:
            return None
        body, self._data = self._data[begin : begin + size], self._data[begin + size :]
        return Asked(method, path, head, body)

    def _switch(self, asked: Asked) -> None:
        accept = accept_of(asked.header(b"sec-websocket-key"))
        upgraded = self._upgrade(asked, self._transport)
        if upgraded is None:
            self._transport.write(response(b"", status="404 Not Found"))
            return
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + _END
        )
        self._upgraded = upgraded
        if self._data:
            upgraded.receive(self._data)


def response(body: bytes, *, status: str = "200 OK", content_type: str = "application/json") -> bytes:
    """Return a whole response."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
