"""The adapter to UDP: pairs of ports, RTP on the even one and RTCP on the next, while a media stream lasts."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Any, cast

from callscribe.errors import Unavailable

# A process that was busy for a while must not lose what came meanwhile: a second of 50 calls.
_BUFFER_BYTES = 1 << 20


class Pair:
    """Two ports that are listened on."""

    def __init__(self, port: int, transports: list[asyncio.DatagramTransport]) -> None:
        self.port = port
        self._transports = transports

    def close(self) -> None:
        """Listen no more."""
        for transport in self._transports:
            transport.close()


class Ports:
    """The ports that the environment sets apart for RTP."""

    def __init__(self, host: str, first: int, last: int) -> None:
        """All even ports from `first`, with the odd ones after them, no higher than `last`."""
        self._host = host
        self._pairs = range(first + first % 2, last, 2)
        self._next = 0  # so that one that was given back rests before it is used again

    async def open(self, media: Callable[[bytes, str], None], control: Callable[[bytes, str], None]) -> Pair:
        """Listen on a pair; what comes is given to `media` or `control`, with the address that sent it.

        Raises Unavailable if no pair is free.
        """
        for port in chain(self._pairs[self._next :], self._pairs[: self._next]):
            sockets = self._bound(port)
            if sockets:
                self._next = (self._pairs.index(port) + 1) % len(self._pairs)
                loop = asyncio.get_running_loop()
                transports = []
                for each, deliver in zip(sockets, (media, control), strict=True):
                    transport, _ = await loop.create_datagram_endpoint(partial(_Ear, deliver), sock=each)
                    transports.append(transport)
                return Pair(port, transports)
        raise Unavailable("rtp: no port is free")

    def _bound(self, port: int) -> list[socket.socket]:
        """Return sockets on both ports; none if either is taken."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        with contextlib.ExitStack() as stack:
            sockets = []
            for number in (port, port + 1):
                each = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
                each.settimeout(0)
                each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
                try:
                    each.bind((self._host, number))
                except OSError:
                    return []
                sockets.append(each)
            stack.pop_all()
            return sockets


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, deliver: Callable[[bytes, str], None]) -> None:
        self._deliver = deliver

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self._deliver(data, cast("str", addr[0]))
