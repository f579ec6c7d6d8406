"""The adapter to UDP: pairs of ports, RTP on the even one and RTCP on the next, while a media stream lasts."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Any, Self, cast

from callscribe.errors import Refused, Unavailable

# A process that was busy for a while must not lose what came meanwhile: a second of 50 calls.
_BUFFER_BYTES = 1 << 20


class Pair:
    """Two ports, RTP's and RTCP's."""

    def __init__(self, port: int, sockets: list[socket.socket]) -> None:
        self.port = port
        self._sockets = sockets  # that are not listened on yet
        self._transports: list[asyncio.DatagramTransport] = []

    async def listen(self, media: Callable[[bytes, str], None], control: Callable[[bytes, str], None]) -> None:
        """Give what comes to `media` or `control`, with the address that sent it."""
        loop = asyncio.get_running_loop()
        for deliver in (media, control):
            transport, _ = await loop.create_datagram_endpoint(partial(_Ear, deliver), sock=self._sockets[0])
            self._transports.append(transport)
            del self._sockets[0]

    def close(self) -> None:
        """Give both back."""
        for transport in self._transports:
            transport.close()
        for each in self._sockets:
            each.close()
        self._sockets.clear()


class Ports:
    """The ports that the environment sets apart for RTP."""

    def __init__(self, host: str, first: int, last: int) -> None:
        """All even ports from `first`, with the odd ones after them, no higher than `last`."""
        self._host = host
        self._pairs = range(first + first % 2, last, 2)
        self._next = 0  # so that one that was given back rests before it is used again

    @classmethod
    def of(cls, host: str, text: str) -> Self:
        """Return the ports of a range such as 10000-10999. Raises Refused."""
        first, _, last = text.partition("-")
        if not (first.isdecimal() and last.isdecimal() and 0 < int(first) < int(last) < 65_536):
            raise Refused("RTP_PORTS is a range such as 10000-10999")
        return cls(host, int(first), int(last))

    def take(self, count: int) -> list[Pair]:
        """Return so many pairs, side by side where that can be. Raises Unavailable if there are not so many free."""
        taken: list[Pair] = []
        begin = self._next
        for port in chain(self._pairs[begin:], self._pairs[:begin]):
            if len(taken) == count:
                break
            self._next = (self._pairs.index(port) + 1) % len(self._pairs)
            if sockets := self._bound(port):
                taken.append(Pair(port, sockets))
        if len(taken) < count:
            for pair in taken:
                pair.close()
            raise Unavailable("rtp: no port is free")
        return taken

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
