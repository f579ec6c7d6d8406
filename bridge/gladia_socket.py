"""The adapter of one socket of Gladia's: bytes to messages with `websockets`' Sans-I/O core.

No task, no queue and no lock stand between a message and its bytes: each call sends ten a second, and is acknowledged
as many.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections.abc import Callable
from typing import cast

from websockets.client import ClientProtocol
from websockets.frames import CloseCode
from websockets.http11 import Response
from websockets.protocol import CLOSED, OPEN
from websockets.uri import parse_uri

from bridge.incoming import Incoming, Messages
from bridge.outgoing import flush
from bridge.plain_frames import PlainFrames

CLOSE_TIMEOUT_S = 2.0  # a socket that is given up is often one that nobody answers on
# A stored result can be long; a message above the limit closes the socket with 1009.
MESSAGE_LIMIT_BYTES = 16 * 1024 * 1024
# Not 1000, which ends the session as well: another socket, or another process, may go on with it.
LEAVING = CloseCode.INTERNAL_ERROR
ABNORMAL = 1006  # nobody said goodbye


class GladiaSocket(asyncio.Protocol):
    """One connection: opened once, and lost once."""

    def __init__(
        self,
        protocol: ClientProtocol,
        *,
        opened: Callable[[GladiaSocket], None],
        received: Callable[[bytes], None],
    ) -> None:
        """`opened` is told before `received`, which takes each message: these may come with the answer.

        What they raise ends the socket, and is raised to who waits for that.
        """
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[int] = loop.create_future()  # with the code that says why
        self._protocol = protocol
        self._opened = opened
        self._received = received
        self._incoming = Incoming(protocol, limit_bytes=MESSAGE_LIMIT_BYTES)
        self._frames = PlainFrames()
        self._is_left = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self._transport = cast("asyncio.Transport", transport)
        self._protocol.send_request(self._protocol.connect())
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Take what came in, all of it."""
        for event in self._incoming.receive(data):
            if isinstance(event, Messages):
                for message in event.payloads:
                    if not self._is_left:
                        self._received(message)
            elif isinstance(event, Response):
                self._answered()
        if self._incoming.core_was_asked():
            self._flush()

    def eof_received(self) -> None:
        """Gladia will send no more."""
        self._protocol.receive_eof()
        self._flush()

    def connection_lost(self, error: Exception | None) -> None:
        """However it ended, say so; by what `opened` or `received` raised, if that is why."""
        if error is not None and not isinstance(error, OSError):
            self._fail(error)
        if self._protocol.state is not CLOSED:
            self._protocol.receive_eof()
        if not self.opened.done():
            self.opened.set_exception(self._protocol.handshake_exc or OSError("the connection was lost"))
        if not self.lost.done():
            received = self._protocol.close_rcvd
            self.lost.set_result(ABNORMAL if received is None else received.code)

    def send(self, message: bytes | str) -> None:
        """Send it, if the socket is open; never waits. What Gladia has not acknowledged its session still has."""
        if self._protocol.state is not OPEN or self._is_left:
            return
        if isinstance(message, str):
            self._protocol.send_text(message.encode())
        elif (frame := self._frames.frame(message)) is not None:
            self._transport.write(frame)
            return
        else:
            self._protocol.send_binary(message)
        self._flush()

    def leave(self) -> None:
        """Tell nothing of what comes from now on, and send nothing: who listened has gone on elsewhere."""
        self._is_left = True

    def abort(self) -> None:
        """Close it without a word."""
        self._transport.abort()

    async def close(self) -> None:
        """Say goodbye, and wait until it is closed, not for long."""
        self.leave()
        if self._protocol.state is OPEN:
            self._protocol.send_close(LEAVING)
            self._flush()
        else:
            self._transport.abort()
        await asyncio.wait({self.lost}, timeout=CLOSE_TIMEOUT_S)
        self._transport.abort()

    def _answered(self) -> None:
        if self._protocol.handshake_exc is None:
            self.opened.set_result(None)
            self._opened(self)
        else:
            self._fail(self._protocol.handshake_exc)

    def _fail(self, error: Exception) -> None:
        waited_for: asyncio.Future[None] | asyncio.Future[int] = self.lost if self.opened.done() else self.opened
        if not waited_for.done():
            waited_for.set_exception(error)

    def _flush(self) -> None:
        flush(self._protocol, self._transport, close_s=CLOSE_TIMEOUT_S)


async def dial(
    url: str,
    *,
    opened: Callable[[GladiaSocket], None],
    received: Callable[[bytes], None],
    within_s: float,
) -> GladiaSocket:
    """Return the socket at `url`, open; `opened` has been told, and `received` takes its messages.

    Raises InvalidURI, OSError, TimeoutError, InvalidStatus, or another InvalidHandshake.
    """
    uri = parse_uri(url)
    protocol = ClientProtocol(uri, max_size=MESSAGE_LIMIT_BYTES)
    async with asyncio.timeout(within_s):
        _, socket = await asyncio.get_running_loop().create_connection(
            lambda: GladiaSocket(protocol, opened=opened, received=received),
            uri.host,
            uri.port,
            ssl=_tls() if uri.secure else None,
        )
        try:
            await socket.opened
        except BaseException:
            socket.abort()
            raise
    return socket


@functools.cache
def _tls() -> ssl.SSLContext:
    """Return what all sockets share: to read the authorities' certificates takes longer than a handshake."""
    return ssl.create_default_context()
