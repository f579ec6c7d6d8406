"""The HTTP/1.1 connections to one server, which stay open between requests."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from urllib.parse import SplitResult

from bridge.http_connection import HttpAnswer, HttpConnection

CONNECT_S = 1.0  # TLS included
# Servers close what is idle, AWS's after some tens of seconds: a request that is sent at that moment would fail.
IDLE_S = 10.0
# Several calls write at once, each one entry at a time, and posts wait for slow subscribers.
AT_ONCE = 100


class HttpPool:
    """Connections to the server of one URL."""

    def __init__(self, url: SplitResult, *, tls: ssl.SSLContext | None, at_once: int = AT_ONCE) -> None:
        """`tls` is needed if the URL is https."""
        self._host = url.hostname or ""
        self._port = url.port or (443 if url.scheme == "https" else 80)
        self._tls = tls if url.scheme == "https" else None
        self._turns = asyncio.Semaphore(at_once)
        self._free: deque[HttpConnection] = deque()  # the one that was used last at the end

    async def ask(self, request: bytes) -> HttpAnswer:
        """Send `request` once and return what is answered; wait for a connection if all are in use.

        Raises OSError where there is no connection within `CONNECT_S`, or no answer on it.
        """
        async with self._turns:
            connection = self._take() or await self._connect()
            try:
                return await connection.ask(request)
            finally:
                if connection.is_free:
                    self._free.append(connection)
                else:
                    connection.close()

    def close(self) -> None:
        """Close those that nobody uses."""
        while self._free:
            self._free.pop().close()

    def _take(self) -> HttpConnection | None:
        since_s = asyncio.get_running_loop().time() - IDLE_S
        while self._free and self._free[0].free_since_s < since_s:
            self._free.popleft().close()
        while self._free:
            connection = self._free.pop()
            if connection.is_free:
                return connection
        return None

    async def _connect(self) -> HttpConnection:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_S):
            _, connection = await loop.create_connection(HttpConnection, self._host, self._port, ssl=self._tls)
        return connection
