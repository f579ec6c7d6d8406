"""The adapter of Asterisk's AudioSocket: a TCP connection a leg, without TLS, path or secret.

Whose it is stands in the environment, and the networks of that trunk vouch for it; the UUID names the call.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from typing import cast

from bridge.dialects.audiosocket import AudioSocketDialect
from bridge.dialects.dialect import CLOSED_IN_ORDER
from bridge.dialects.events import DialectEvent, Started, Stopped, StreamEvent
from bridge.dialects.untimed import Question
from bridge.door import TurnedAway
from bridge.media_socket import Reception
from bridge.origin import Origin
from bridge.relay import Relay
from bridge.trunk_door import Shown
from callscribe.errors import MalformedMessage, Refused

logger = logging.getLogger(__name__)

PROVIDER = "audiosocket"
MOST_EARLY_BYTES = 256 * 1024  # seconds of audio, at any rate; a look-up takes two at the most
START_S = 10.0  # for the UUID and the first audio
# The application gives up after two seconds in which nothing goes either way, as when a party is silent.
BEAT_S = 1.0
BEAT = b"\x10\x01\x40" + bytes(320)  # 20 ms of silence, which whoever listens does not hear
KEEP_ALIVE = ((socket.TCP_KEEPIDLE, 20), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 4))


class AudioSocket(asyncio.Protocol):
    """One connection."""

    def __init__(self, reception: Reception, trunk: str) -> None:
        self._reception = reception
        self._trunk = trunk
        self._dialect = AudioSocketDialect(Question())
        self._origin: Origin | None = None
        self._relay: Relay | None = None
        self._beating: asyncio.TimerHandle | None = None
        self._early = bytearray()  # what came before it was let in
        self._ended_with: int | None = None  # how the connection ended, once it has
        self._is_over = self._is_refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Find out whether it may speak; it does not wait for the answer."""
        self._transport = cast("asyncio.Transport", transport)
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEP_ALIVE:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
        self._patience = asyncio.get_running_loop().call_later(START_S, self._transport.abort)
        self._admission = asyncio.create_task(self._admit(transport.get_extra_info("peername")[0]))

    def data_received(self, data: bytes) -> None:
        """Take what came in."""
        relay = self._relay
        if relay is None:
            self._early += data
            if len(self._early) > MOST_EARLY_BYTES:
                self._transport.abort()
        while relay is not None and not self._is_refused:
            try:
                for event in self._dialect.receive(data, now_ms=1000 * time.monotonic()):
                    self._take(relay, event)
            except MalformedMessage as error:  # of one packet: there may be others behind it
                relay.count_malformed(error.kind)
                data = b""
            except Refused as error:
                logger.warning("media stream refused", extra={"reason": str(error), "trunk": self._trunk})
                self._is_refused = True
                self._transport.close()
            else:
                return

    def connection_lost(self, error: Exception | None) -> None:
        """At a call's end Asterisk closes the connection, and says nothing else."""
        self._patience.cancel()
        if self._beating is not None:
            self._beating.cancel()
        self._is_over, self._ended_with = True, CLOSED_IN_ORDER[0] if error is None else None
        if self._relay is not None:
            self._end(self._relay)
        elif not self._early:
            self._admission.cancel()

    def close(self, code: int) -> None:  # noqa: ARG002 - a connection has no code
        """Close it from our side: the call goes on in the dialplan."""
        self._transport.close()

    async def _admit(self, address: str) -> None:
        shown = Shown(PROVIDER, self._trunk, "")
        found = await self._reception.trunks.let_in(shown, address=address)
        if isinstance(found, TurnedAway):
            logger.warning("audiosocket refused", extra={"status": found.status, "reason": found.reason})
            self._transport.abort()
            return
        self._origin, self._relay = found, self._reception.relay(found)
        early = bytes(self._early)
        self._early.clear()
        self.data_received(early)
        if self._is_over:
            self._end(self._relay)
        else:
            self._beat()

    def _end(self, relay: Relay) -> None:
        for event in self._dialect.ended(self._ended_with):
            self._take(relay, event)

    def _take(self, relay: Relay, event: DialectEvent) -> None:
        if isinstance(event, Started):
            if self._origin is not None:
                self._patience.cancel()
                self._reception.start(relay, self._origin.own(event), self)
        else:
            relay.hear(cast("StreamEvent", event))
            if isinstance(event, Stopped):
                self._transport.close()

    def _beat(self) -> None:
        self._transport.write(BEAT)
        self._beating = asyncio.get_running_loop().call_later(BEAT_S, self._beat)
