"""A client's HTTP/1.1 connection: one request, its answer, the next request."""

from __future__ import annotations

import asyncio
from typing import NamedTuple, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

# From the end of the request to the end of the answer. What takes longer is better asked again.
ANSWER_S = 2.0
# DynamoDB answers with at most 1 MB of items, which its JSON may make six times as much.
LARGEST_BYTES = 16 * 1024 * 1024


class HttpAnswer(NamedTuple):
    """What was answered; names of `headers` are in lower case."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


class HttpConnection(asyncio.Protocol):
    """One connection, of which one answer at a time is awaited.

    An answer has to tell its length or be chunked, as all of AWS's are: one that ends with the connection counts as cut
    off. Source: RFC 9112, "HTTP/1.1".
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser = HttpResponseParser(self)
        self._answer: asyncio.Future[HttpAnswer] | None = None
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._body_bytes = 0
        self.free_since_s = self._loop.time()

    @property
    def is_free(self) -> bool:
        """Whether it is open and no answer is awaited."""
        return self._answer is None and self._transport is not None and not self._transport.is_closing()

    async def ask(self, request: bytes) -> HttpAnswer:
        """Send `request` and return what is answered. Raises OSError where no whole answer comes within `ANSWER_S`.

        The connection must be free. If this is cancelled it never will be again.
        """
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("closed")
        answer: asyncio.Future[HttpAnswer] = self._loop.create_future()
        self._answer = answer
        deadline = self._loop.call_later(ANSWER_S, self._fail, TimeoutError("no answer"))
        self._transport.write(request)
        try:
            return await answer
        finally:
            deadline.cancel()

    def close(self) -> None:
        """Close at once, whatever is awaited."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; called by the event loop."""
        # As uvloop's transports are no asyncio.Transport, only like one.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take what comes; called by the event loop."""
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._fail(ConnectionAbortedError(f"no HTTP: {type(error).__name__}"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever awaits an answer; called by the event loop."""
        self._fail(exc or ConnectionResetError("closed without an answer"))

    def on_message_begin(self) -> None:
        """Begin an answer; called by the parser, as are all that follow."""
        self._headers = {}
        self._body = []
        self._body_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; of one that comes twice the last counts."""
        self._headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        self._body_bytes += len(body)
        if self._body_bytes > LARGEST_BYTES:
            self._fail(ConnectionAbortedError(f"answers more than {LARGEST_BYTES} bytes"))
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """Give the answer to whoever awaits it."""
        status = self._parser.get_status_code()
        if status < 200:
            return  # not the answer yet
        answer, self._answer = self._answer, None
        if answer is None or not self._parser.should_keep_alive():
            self.close()
        if answer is not None and not answer.done():
            self.free_since_s = self._loop.time()
            answer.set_result(HttpAnswer(status, self._headers, b"".join(self._body)))

    def _fail(self, error: Exception) -> None:
        self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
