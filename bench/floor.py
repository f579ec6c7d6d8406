"""`PORT=8080 python -m bench.floor`: a process that reads media sockets and throws away what comes.

So much the kernel and an event loop cost by themselves; no bridge can cost less.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import cast

import uvloop

_END = b"\r\n\r\n"
_ANSWER = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade" + _END


class Discarding(asyncio.Protocol):
    """One connection: an answer to its upgrade, and to nothing else."""

    def __init__(self) -> None:
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what the answer is written to."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer at the end of the request."""
        if not self._head.endswith(_END):
            self._head += data
            if self._head.endswith(_END):
                self._transport.write(_ANSWER)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Discarding, "127.0.0.1", int(os.environ["PORT"]), backlog=1024)
    print(json.dumps({"message": "listening"}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
