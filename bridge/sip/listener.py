"""The adapter of the recording server: TCP and TLS connections, timers, and whom its sessions are let in as."""

from __future__ import annotations

import asyncio
import logging
import math
import ssl
import time
from collections.abc import Coroutine, Iterable
from functools import partial
from typing import cast

from aiosipua.message import SipRequest

from bridge.door import TurnedAway
from bridge.environment import Environment
from bridge.media_socket import Reception
from bridge.origin import Origin
from bridge.rtp.offer import answer_of
from bridge.sip.dialog import Dialog, Way
from bridge.sip.framing import Framing
from bridge.sip.recording_server import Effect, Ended, Invited, Offered, RecordingServer, Refusal, Send
from bridge.sip.session import RecordingSession
from bridge.trunk_door import Shown
from callscribe.errors import MalformedMessage, Refused, Unavailable

logger = logging.getLogger(__name__)

PROVIDER = "siprec"
FIRST_S = 10.0  # for a connection's first whole message
SILENT_S = 3600.0  # without a byte, and without a session
CHECK_S = 5.0


class SipListener:
    """All connections of SIP, and all recording sessions on them."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self._server = RecordingServer()
        self._sessions: dict[Dialog, RecordingSession] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self._timer: asyncio.TimerHandle | None = None
        self._checked_at = 0.0

    async def listen(self, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> int:
        """Take connections from now on; return the port."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Connection(self), host, port, ssl=tls)
        self._servers.append(server)
        self._set_timer()
        bound: int = server.sockets[0].getsockname()[1]
        return bound

    def close(self) -> None:
        """Take no more connections."""
        for server in self._servers:
            server.close()
        if self._timer is not None:
            self._timer.cancel()

    def receive(self, request: SipRequest, connection: _Connection) -> None:
        """Take a request."""
        self.perform(
            self._server.receive(
                request, Way(connection, connection.here, (connection.peer, connection.port)), now=time.monotonic()
            )
        )

    def has_sessions(self, connection: _Connection) -> bool:
        """Tell whether a session was last spoken of on `connection`."""
        return any(dialog.way.connection is connection for dialog in self._sessions)

    def perform(self, effects: Iterable[Effect]) -> None:
        """Do what the recording server wants done."""
        for effect in effects:
            match effect:
                case Send(connection=connection, data=data):
                    cast("_Connection", connection).send(data)
                case Invited():
                    self._begin(self._invite(effect), effect.dialog)
                case Offered(dialog=dialog):
                    self._begin(self._answer(self._sessions[dialog], effect), dialog)
                case Ended(dialog=dialog, reason=reason):
                    session = self._sessions.pop(dialog, None)
                    if session is not None:
                        session.end(reason)
                case Refusal(reason=reason):
                    logger.warning("recording session refused", extra={"reason": reason})
        self._set_timer()

    def _begin(self, answering: Coroutine[None, None, None], dialog: Dialog) -> None:
        task = asyncio.create_task(answering)
        self._tasks.add(task)
        task.add_done_callback(lambda ended: self._answered(ended, dialog))

    def _answered(self, task: asyncio.Task[None], dialog: Dialog) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # A bug, and one session's: it ends alone, and loudly.
            logger.error("recording session failed", exc_info=error)
            self.perform(self._server.refuse(dialog, 500))

    async def _invite(self, invited: Invited) -> None:
        dialog = invited.dialog
        connection = cast("_Connection", dialog.way.connection)
        found = await self._let_in(invited, connection.peer)
        if isinstance(found, TurnedAway):
            status = found.status if found.status == 503 else 403
            self.perform(self._server.refuse(dialog, status, f"{found.reason}: the address is sip:<trunk>@<host>"))
            return
        leave = partial(self._leave, dialog, "it has to end here")
        session = RecordingSession(self._reception, found, invited, leave=leave)
        self._sessions[dialog] = session
        await self._answer(session, invited)
        if not dialog.is_open:  # refused, or cancelled meanwhile
            self._sessions.pop(dialog, None)
            session.end("cancelled")

    def _leave(self, dialog: Dialog, reason: str) -> None:
        self.perform(self._server.hang_up(dialog, reason))

    async def _let_in(self, invited: Invited, address: str) -> Origin | TurnedAway:
        if not self._reception.accepting:
            return TurnedAway(503, "draining")
        shown = Shown(PROVIDER, invited.trunk, invited.secret)
        return await self._reception.trunks.let_in(shown, address=address)

    async def _answer(self, session: RecordingSession, asked: Invited | Offered) -> None:
        dialog = asked.dialog
        connection = cast("_Connection", dialog.way.connection)
        try:
            ports = await session.offered(asked.offer, asked.metadata, peer=connection.peer)
        except Unavailable as error:
            self.perform(self._server.refuse(dialog, 503, str(error)))
            return
        sdp = answer_of(
            asked.offer,
            ports,
            address=self._reception.media_host or connection.host,
            session=dialog.session,
            version=dialog.next_version(),
        )
        self.perform(self._server.accept(dialog, sdp, now=time.monotonic()))

    def _check(self) -> None:
        """Look after timers and after senders of whom nothing comes any more."""
        self._checked_at = now = time.monotonic()
        for session in list(self._sessions.values()):
            if session.is_silent(1000 * now):
                self._leave(session.dialog, "no RTP comes any more")
        self.perform(self._server.wake(now=now))

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        at = min(self._checked_at + CHECK_S, self._server.deadline or math.inf)
        self._timer = asyncio.get_running_loop().call_later(max(0.0, at - time.monotonic()), self._check)


class _Connection(asyncio.Protocol):
    """One connection of SIP."""

    def __init__(self, listener: SipListener) -> None:
        self._listener = listener
        self._framing = Framing()
        self.host = self.peer = self.here = ""
        self.port = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a message, but not for ever."""
        self._transport = cast("asyncio.Transport", transport)
        self.host, port = transport.get_extra_info("sockname")[:2]
        self.peer, self.port = transport.get_extra_info("peername")[:2]
        self.here = f"[{self.host}]:{port}" if ":" in self.host else f"{self.host}:{port}"
        self._patience = asyncio.get_running_loop().call_later(FIRST_S, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        """Take what came in."""
        try:
            for message in self._framing.receive(data):
                self._heard()
                if isinstance(message, SipRequest):
                    self._listener.receive(message, self)
        except MalformedMessage as error:
            logger.warning("connection of SIP closed", extra={"reason": str(error)})
            self._transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        """Its sessions go on: they may be spoken of on another one."""
        self._patience.cancel()

    def send(self, data: bytes) -> None:
        """Send, if it is still there."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def _heard(self) -> None:
        self._patience.cancel()
        self._patience = asyncio.get_running_loop().call_later(SILENT_S, self._silent)

    def _silent(self) -> None:
        if self._listener.has_sessions(self):
            self._heard()
        else:
            self._transport.abort()


async def listen_for_sip(reception: Reception, environment: Environment) -> SipListener:
    """Take connections of SIP as the environment says. Raises Refused for what can't be listened with."""
    listener = SipListener(reception)
    if environment.sip_port:
        await listener.listen(environment.host, environment.sip_port)
    if environment.sips_port:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(environment.sip_certificate)
        except OSError as error:  # of TLS, too
            raise Refused(f"SIP_CERTIFICATE can't be used: {error}") from error
        await listener.listen(environment.host, environment.sips_port, tls=context)
    return listener
