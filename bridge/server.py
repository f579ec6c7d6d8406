"""The bridge: listens for media streams, relays each, lets them end before it stops."""

from __future__ import annotations

import asyncio
import logging

from websockets.frames import CloseCode

from bridge.audio_socket import AudioSocket
from bridge.dialects.events import Started
from bridge.door import Door
from bridge.keys import Keys
from bridge.media_socket import Closeable, MediaSocket
from bridge.origin import Origin
from bridge.relay import Relay
from bridge.rtp.ports import Ports
from bridge.services import Services
from bridge.sip.listener import SipListener, listen_for_sip
from bridge.trunk_book import TrunkBook

logger = logging.getLogger(__name__)

# For the entries of calls that had to be left: Fargate gives 120 s in all, and `drain_s` is 110 of them.
LET_GO_S = 5.0


class Bridge:
    """All media streams of one process."""

    def __init__(self, services: Services, door: Door) -> None:
        self.door = door
        self.accepting = True
        self.trunks = TrunkBook(services.dynamodb, services.environment.keys_table)
        self.hops = services.environment.trusted_hops
        self.ports = Ports.of(services.environment.host, services.environment.rtp_ports)
        self.http = services.http
        self.media_host = services.environment.media_host
        self._services = services
        self._live: dict[asyncio.Task[None], Relay] = {}
        self._servers: list[asyncio.Server] = []
        self._sip: SipListener | None = None

    @property
    def live(self) -> int:
        """How many media streams are being relayed."""
        return len(self._live)

    async def listen(self) -> int:
        """Take connections from now on; return the port."""
        environment = self._services.environment
        loop = asyncio.get_running_loop()
        media = await loop.create_server(lambda: MediaSocket(self), environment.host, environment.port, backlog=1024)
        self._servers.append(media)
        if environment.certified_port:
            self._servers.append(
                await loop.create_server(
                    lambda: MediaSocket(self, is_certified=True), environment.host, environment.certified_port
                )
            )
        if environment.audiosocket_port:
            trunk = environment.audiosocket_trunk
            self._servers.append(
                await loop.create_server(
                    lambda: AudioSocket(self, trunk), environment.host, environment.audiosocket_port
                )
            )
        if environment.sip_port or environment.sips_port:
            self._sip = await listen_for_sip(self, environment)
        port: int = media.sockets[0].getsockname()[1]
        return port

    def change_keys(self, keys: Keys) -> None:
        """Check whoever comes from now on against these keys."""
        self.door = keys.door(self.door)

    def relay(self, origin: Origin) -> Relay:
        """Return the relay of a socket that `origin` opened."""
        return Relay(self._services, origin)

    def start(self, relay: Relay, started: Started, socket: Closeable) -> None:
        """Relay the media stream that just started on `socket`, apart from all others."""
        relay.expect(started)
        task = asyncio.create_task(relay.run(started), name=started.media_stream)
        self._live[task] = relay
        task.add_done_callback(lambda ended: self._ended(ended, relay, started, socket))
        if not self.accepting:  # it was let in just before
            relay.move_on(within_s=self._services.environment.drain_s)

    async def drain(self) -> None:
        """Say that no more calls should come, and hand over those that are here; let go of what is left after a while.

        A call that no other task comes for goes on here while there is time. So does one that a load balancer still
        sends: turned away, it would be without a transcript until somebody looks for it.
        """
        self.accepting = False
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._services.environment.drain_s
        if self._live:
            logger.info("draining", extra={"live": self.live})
            for relay in self._live.values():
                relay.move_on(within_s=self._services.environment.drain_s)
        while self._live and clock() < deadline:
            await asyncio.wait(self._live, timeout=deadline - clock())
        if self._live:
            logger.warning("calls are left to whoever comes", extra={"live": self.live})
            await asyncio.gather(*(relay.let_go() for relay in self._live.values()))
            await asyncio.wait(self._live, timeout=LET_GO_S)
        for server in self._servers:
            server.close()
        if self._sip is not None:
            self._sip.close()

    def _ended(self, task: asyncio.Task[None], relay: Relay, started: Started, socket: Closeable) -> None:
        del self._live[task]
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            # A bug, and one call's: it ends alone, and loudly.
            logger.error("media stream failed", exc_info=error, extra={"call_id": started.call_id})
            code = CloseCode.INTERNAL_ERROR
        elif relay.handed_over:
            code = CloseCode.GOING_AWAY
        else:
            return  # the carrier closes it
        if not relay.carrier_is_gone:
            socket.close(code)
