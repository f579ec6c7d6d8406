"""A load balancer that asks clients for a certificate, as an Application Load Balancer does in mode "verify".

It takes TLS off, tells the target the client's certificate in the header that AWS documents, and copies bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

from bridge.trunk_door import CERTIFICATE


@contextlib.asynccontextmanager
async def checking(target_port: int, *, own: tuple[Path, Path], client_ca: Path) -> AsyncIterator[int]:
    """Listen with the certificate and key `own`, for clients that `client_ca` certifies; yield the port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=client_ca)
    context.load_cert_chain(*own)
    context.verify_mode = ssl.CERT_REQUIRED

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            head = await reader.readuntil(b"\r\n\r\n")
            told = f"{CERTIFICATE}: {quote(ssl.DER_cert_to_PEM_cert(der), safe='+=/')}\r\n\r\n".encode()
            target_reader, target_writer = await asyncio.open_connection("127.0.0.1", target_port)
            target_writer.write(head.removesuffix(b"\r\n") + told)
            await asyncio.gather(_copy(reader, target_writer), _copy(target_reader, writer))

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
