"""An AWS that agrees to everything, in a process of its own and at the least cost, so that clients can be compared."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import ssl
import tempfile
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

import uvloop

from tests.certificate import self_signed

# What DynamoDB sends with each answer; posts need no more than the status.
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: Server\r\nDate: Mon, 30 Nov 2026 12:00:00 GMT\r\n"
    b"Content-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\nConnection: keep-alive\r\n"
    b"x-amzn-RequestId: 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEF\r\nx-amz-crc32: 2745614147\r\n\r\n{}"
)


class _Agreeing(asyncio.Protocol):
    """One connection: an answer to each request."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if end and len(rest) >= length:
            self._received = rest[length:]
            self._transport.write(_ANSWER)


@contextlib.contextmanager
def aws_peer(*, tls: bool) -> Iterator[str]:
    """Yield its origin; with `tls` the environment says whom to trust."""
    processes = multiprocessing.get_context("spawn")
    here, there = processes.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        files = self_signed(Path(folder), "localhost") if tls else None
        if files is not None:
            os.environ |= dict.fromkeys(("AWS_CA_BUNDLE", "SSL_CERT_FILE"), str(files[0]))
        process = processes.Process(target=_run, args=(there, files), daemon=True)
        process.start()
        try:
            yield f"{'https' if tls else 'http'}://localhost:{here.recv()}"
        finally:
            process.terminate()
            process.join()


def _run(told: Connection, files: tuple[Path, Path] | None) -> None:
    uvloop.run(_serve(told, files))


async def _serve(told: Connection, files: tuple[Path, Path] | None) -> None:
    tls = None
    if files is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*files)
    server = await asyncio.get_running_loop().create_server(_Agreeing, "127.0.0.1", 0, ssl=tls)
    told.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()
