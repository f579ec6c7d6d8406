"""An HTTP server whose answers are bytes written by hand."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import deque
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class RawServer:
    """Keeps what it was sent, and answers by `answers` in turn, then by OK.

    An answer is what is sent in one go; None hangs up without one, "hang" keeps silent. After an answer that ends with
    CUT it hangs up.
    """

    CUT = b"<cut>"

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.requests: list[bytes] = []
        self.answers: deque[bytes | str | None] = deque()
        self.connections = 0
        self.open: list[asyncio.StreamWriter] = []
        self.asked = asyncio.Event()
        self.closed = asyncio.Event()  # by the other side
        self.origin = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        host, port = self._server.sockets[0].getsockname()
        self.origin = f"{'https' if self._tls else 'http'}://{host if self._tls is None else 'localhost'}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.hang_up()

    def hang_up(self) -> None:
        for writer in self.open:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = sum(map(int, _LENGTH.findall(head)))  # none, or one
                self.requests.append(head + await reader.readexactly(length))
                self.asked.set()
                answer = self.answers.popleft() if self.answers else OK
                if answer is None:
                    break
                if isinstance(answer, bytes):
                    writer.write(answer.removesuffix(self.CUT))
                    if answer.endswith(self.CUT):
                        break
        writer.close()
        self.closed.set()
