"""A media stream's WebSocket, opened with exactly the request that Twilio sends.

The request was captured from live calls: header names in lower case, no Origin, no subprotocol, no extensions.
"""

import asyncio
import ssl
import struct
from collections.abc import Callable
from functools import cache
from socket import SO_LINGER, SOL_SOCKET
from typing import Self

import httpx
from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from local.twilio.faults import Parting
from local.twilio.loopback import connect_host, origin
from local.twilio.problems import Code, Problem

_READ_BYTES = 65536
_ALLOWED_BYTES = 65536  # of a message to us; nothing of use comes from a receiver
_RESET_AT_ONCE = struct.pack("ii", 1, 0)  # lingering for 0 s is a reset


class StreamRefused(Exception):
    """A media stream's WebSocket did not open; `status` is that of the answer, if there was one."""

    def __init__(self, problem: Problem, *, status: int | None = None) -> None:
        super().__init__(str(problem))
        self.problem = problem
        self.status = status


class MediaSocket:
    """An open WebSocket to a receiver of media."""

    def __init__(self, protocol: ClientProtocol, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._protocol = protocol
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, url: str, *, signature: str, timeout_s: float) -> Self:
        """Return a socket to `url`. Raises StreamRefused with Twilio's number for what went wrong."""
        where = origin(url)
        try:
            async with asyncio.timeout(timeout_s):
                return await cls._open(url, signature)
        except TimeoutError:
            text = f"{where} did not accept a media stream within {timeout_s:g} s"
            raise StreamRefused(Problem(Code.STREAM_CONNECTION_TIMEOUT, text)) from None
        except ssl.SSLError as error:
            text = f"{where} does not speak TLS that can be trusted ({error.reason})"
            raise StreamRefused(Problem(Code.STREAM_TLS, text)) from error
        except ConnectionResetError as error:
            code = Code.STREAM_TLS if url.startswith("wss:") else Code.STREAM_HANDSHAKE
            raise StreamRefused(Problem(code, f"{where} hung up on a media stream's upgrade")) from error
        except OSError as error:
            text = f"nothing answers at {where} ({error.strerror or error}): is the receiver of media streams running?"
            raise StreamRefused(Problem(Code.STREAM_CONNECTION_REFUSED, text)) from error
        except InvalidStatus as error:
            status = error.response.status_code
            text = f"{where} answered a media stream's upgrade with {status}{_advice(status)}"
            raise StreamRefused(Problem(Code.STREAM_HANDSHAKE, text), status=status) from error
        except InvalidHandshake as error:
            text = f"{where} answered a media stream's upgrade with something else than a WebSocket ({error})"
            raise StreamRefused(Problem(Code.STREAM_HANDSHAKE, text)) from error

    @classmethod
    async def _open(cls, url: str, signature: str) -> Self:
        parts = parse_uri(url)
        protocol = ClientProtocol(parts, max_size=_ALLOWED_BYTES)
        reader, writer = await asyncio.open_connection(
            connect_host(parts.host),
            parts.port,
            ssl=trusted() if parts.secure else None,
            server_hostname=parts.host if parts.secure else None,
        )
        socket = cls(protocol, reader, writer)
        try:
            protocol.send_request(_as_twilio(protocol, signature))
            socket._flush()
            while protocol.state is not OPEN and protocol.handshake_exc is None:
                if data := await reader.read(_READ_BYTES):
                    protocol.receive_data(data)
                else:
                    protocol.receive_eof()
        except BaseException:
            socket.abort()
            raise
        if protocol.handshake_exc is not None:
            socket.abort()
            raise protocol.handshake_exc
        return socket

    def send(self, text: str) -> bool:
        """Send a message; after the connection is over, do nothing and return False."""
        if self._protocol.state is not OPEN or self._writer.transport.is_closing():
            return False
        self._protocol.send_text(text.encode())
        self._flush()
        return True

    @property
    def unsent_bytes(self) -> int:
        """What the receiver has not made room for."""
        return self._writer.transport.get_write_buffer_size()

    async def drain(self) -> None:
        """Wait until the receiver has made room; return at once when the connection is over."""
        try:
            await self._writer.drain()
        except OSError:
            return  # `listen` tells how it ended

    def close(self) -> None:
        """Ask for the end, with 1000."""
        if self._protocol.state is OPEN:
            self._protocol.send_close(1000)
            self._flush()

    def abort(self) -> None:
        """Drop the connection."""
        self._writer.transport.abort()

    def part(self, how: Parting) -> None:
        """End the connection in that way; `nothing` leaves it as it is."""
        match how:
            case "close":
                self.close()
            case "cut":
                self._writer.transport.close()  # what is on our side of the socket still goes out
            case "reset":
                connection = self._writer.get_extra_info("socket")
                connection.setsockopt(SOL_SOCKET, SO_LINGER, _RESET_AT_ONCE)
                self.abort()
            case "nothing":
                pass

    async def listen(self, warn: Callable[[Problem], None]) -> Problem:
        """Answer pings until the connection is over, and return how it ended; warn of what a receiver must not send."""
        while True:
            try:
                data = await self._reader.read(_READ_BYTES)
            except OSError:
                data = b""
            if data:
                self._protocol.receive_data(data)
            else:
                self._protocol.receive_eof()
            self._flush()
            for event in self._protocol.events_received():
                if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                    warn(Problem(Code.STREAM_PROTOCOL, "a message was sent back, and this media stream only listens"))
                elif isinstance(event, Frame) and event.opcode is Opcode.BINARY:
                    warn(Problem(Code.STREAM_BINARY_MESSAGE, "a binary message was sent back; text is all there is"))
            if close := self._protocol.close_rcvd:
                return Problem(Code.STREAM_CLOSED, f"the receiver closed the media stream with {close.code}")
            if not data:
                return Problem(Code.STREAM_BROKEN_PIPE, "the connection of the media stream was cut")
            if self._protocol.parser_exc is not None:
                return Problem(Code.STREAM_PROTOCOL, f"the receiver broke the protocol ({self._protocol.parser_exc})")

    def _flush(self) -> None:
        if self._writer.transport.is_closing():
            return
        for data in self._protocol.data_to_send():
            if data:
                self._writer.write(data)
            elif self._writer.can_write_eof():
                self._writer.write_eof()


@cache
def trusted() -> ssl.SSLContext:
    """Return the publicly trusted authorities; loaded once, as that takes a while."""
    return httpx.create_ssl_context()


def _as_twilio(protocol: ClientProtocol, signature: str) -> Request:
    own = protocol.connect()
    headers = Headers()
    headers["host"] = own.headers["Host"]
    headers["user-agent"] = "Twilio.TmeWs/1.0"
    headers["connection"] = "Upgrade"
    headers["upgrade"] = "websocket"
    headers["sec-websocket-version"] = "13"
    headers["sec-websocket-key"] = protocol.key
    headers["x-twilio-signature"] = signature
    headers["accept-encoding"] = "gzip"
    return Request(own.path, headers)


def _advice(status: int) -> str:
    if status in (401, 403):
        return ": does it know this account's auth token, and the address in the TwiML as its own?"
    if status == 404:
        return ": is the path in the TwiML the receiver's?"
    return ""
