"""The adapter between a carrier's socket and a relay: bytes to messages with `websockets`' Sans-I/O core.

No task and no queue stand between a frame's bytes and the session they are for; a read that holds several messages is
worked off in one go.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Protocol, cast
from urllib.parse import parse_qsl

import aiohttp
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import CONNECTING, OPEN
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from bridge.dialects.by_name import DIALECTS, SUBPROTOCOLS, dialect_of
from bridge.dialects.dialect import Dialect, InRuns
from bridge.dialects.events import Audio, DialectEvent, Dialled, Offered, Reply, Started, Stopped
from bridge.dialects.twilio import TwilioDialect
from bridge.door import Door, TurnedAway, knock
from bridge.elsewhere import dialled, listening
from bridge.incoming import Incoming, Messages
from bridge.origin import Origin
from bridge.outgoing import flush
from bridge.relay import Relay
from bridge.rtp.offer import answer_of
from bridge.rtp.ports import Ports
from bridge.rtp.receiver import Receiver
from bridge.trunk_book import TrunkBook, address_of
from callscribe.entries import TWILIO
from callscribe.errors import MalformedMessage, Refused, Unavailable

logger = logging.getLogger(__name__)

# Twilio's messages are about 400 bytes; nothing that any carrier sends is near this.
MESSAGE_LIMIT_BYTES = 64 * 1024
HANDSHAKE_S = 10.0  # for the upgrade, and for `start` after it
CLOSE_S = 5.0
START_S = 300.0  # of a trunk, which is known by then: FreeSWITCH sends nothing until somebody is on the line
# A PBX may be silent for as long as it likes, but not its socket: it has to answer a ping.
PING_S = 20.0
UNANSWERED_S = 60.0
HEALTH_PATH = "/healthz"  # alive; a task with live calls must not be killed for anything less
READY_PATH = "/readyz"  # takes new calls


class Closeable(Protocol):
    """What media streams come by."""

    def close(self, code: int) -> None:
        """End the media stream from our side; `code` says why, as WebSocket closes are numbered."""


class Reception(Protocol):
    """What a socket needs of the server."""

    door: Door
    trunks: TrunkBook
    hops: int  # proxies that say whom they saw
    ports: Ports  # of RTP
    http: aiohttp.ClientSession
    media_host: str  # where senders of RTP reach it; if empty, where they signalled to
    accepting: bool

    def relay(self, origin: Origin) -> Relay:
        """Return the relay of a socket that `origin` opened."""

    def start(self, relay: Relay, started: Started, socket: Closeable) -> None:
        """Relay the media stream that just started on `socket`."""


class MediaSocket(asyncio.Protocol):
    """One connection to the bridge: a media stream, or a health check."""

    def __init__(self, reception: Reception, dialect: Dialect | None = None, *, is_certified: bool = False) -> None:
        """`dialect` is what is spoken where the address does not tell; Twilio's if none is given.

        `is_certified` if only a balancer gets here that checks client certificates.
        """
        self._reception = reception
        self._is_certified = is_certified
        # Compression is not offered: it would cost more than the audio, which it can't make smaller.
        self._protocol = ServerProtocol(select_subprotocol=_subprotocol, max_size=MESSAGE_LIMIT_BYTES)
        self._incoming = Incoming(self._protocol, limit_bytes=MESSAGE_LIMIT_BYTES)
        self._speak(dialect or TwilioDialect())
        self._relay: Relay | None = None
        self._origin: Origin | None = None
        self._admission: asyncio.Task[None] | None = None
        self._resting: asyncio.TimerHandle | None = None
        self._pinging: asyncio.TimerHandle | None = None
        self._heard_at = 0.0
        self._address = ""  # of who opened it
        self._audio: list[Audio] = []  # of this read
        self._receiver: Receiver | None = None  # of what comes by RTP
        self._is_elsewhere = False  # its messages come from a socket that was dialled
        self._stopped = False
        self._refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the upgrade and the start of a media stream, but not for ever."""
        self._transport = cast("asyncio.Transport", transport)
        self._handshake = asyncio.get_running_loop().call_later(HANDSHAKE_S, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        """Take what came in, all of it."""
        self._heard_at = asyncio.get_running_loop().time()
        for event in self._incoming.receive(data):
            if isinstance(event, Messages):
                self._messages(event.payloads, is_text=event.is_text)
            elif isinstance(event, Request):
                self._upgrade(event)
            elif isinstance(event, Frame) and event.opcode is Opcode.CLOSE:
                self._end(self._protocol.close_rcvd.code if self._protocol.close_rcvd else CloseCode.NO_STATUS_RCVD)
        self._hear()
        if self._protocol.state is CONNECTING and self._protocol.parser_exc is not None:
            # What follows a request in the same read is no frame: the protocol is over before there was an answer.
            self._transport.abort()
            return
        if self._incoming.core_was_asked():
            self._flush()
        self._rest()

    def eof_received(self) -> None:
        """The carrier will send no more."""
        self._protocol.receive_eof()
        self._flush()

    def connection_lost(self, _error: Exception | None) -> None:
        """However it ended, what was heard is still owed its words."""
        self._handshake.cancel()
        for each in (self._admission, self._pinging, self._resting):
            if each is not None:
                each.cancel()
        self._end(None)

    def close(self, code: int) -> None:
        """Close the socket from our side."""
        if self._protocol.state is OPEN:
            self._protocol.send_close(code)
            self._flush()
        self._wake()

    def _upgrade(self, request: Request) -> None:
        path, has_query, query = request.path.partition("?")
        if path in {HEALTH_PATH, READY_PATH}:
            well = path == HEALTH_PATH or self._reception.accepting
            self._protocol.send_response(self._protocol.reject(200 if well else 503, "ok\n" if well else "draining\n"))
            return
        if path.removeprefix("/").partition("/")[0] in DIALECTS:
            self._transport.pause_reading()  # of a peer that does not wait for the answer
            self._admission = asyncio.create_task(self._admit(request, path, query))
        elif has_query:
            # Media streams of Twilio's have none; a signature would not cover it.
            self._answer(request, TurnedAway(404, "query in the path"))
        else:
            found = knock(path, request.headers, self._reception.door, now_s=time.time())
            self._answer(request, found if isinstance(found, TurnedAway) else Origin(TWILIO, ticket=found.ticket))

    async def _admit(self, request: Request, path: str, query: str) -> None:
        """Answer a trunk, which may have to be looked up."""
        reception = self._reception
        peer = self._transport.get_extra_info("peername")
        address = address_of(request.headers.get_all("X-Forwarded-For"), peer[0] if peer else "", hops=reception.hops)
        self._address = address
        found = await reception.trunks.admit(path, request.headers, address=address, is_certified=self._is_certified)
        if isinstance(found, Origin):
            try:
                self._speak(dialect_of(found.provider, dict(parse_qsl(query))))
            except Refused as error:
                found = TurnedAway(400, str(error))
        self._answer(request, found)
        if self._relay is not None:
            self._handshake.cancel()
            self._handshake = asyncio.get_running_loop().call_later(START_S, self._transport.abort)
            self._ping()
        self._transport.resume_reading()
        self._flush()

    def _answer(self, request: Request, found: Origin | TurnedAway) -> None:
        if isinstance(found, TurnedAway):
            logger.warning("media socket refused", extra={"status": found.status, "reason": found.reason})
            self._protocol.send_response(self._protocol.reject(found.status, f"{found.reason}\n"))
            return
        answer = self._protocol.accept(request)
        if answer.status_code == 101:
            self._origin = found
            self._relay = self._reception.relay(found)
        self._protocol.send_response(answer)

    def _ping(self) -> None:
        """Find out whether the peer is there, as TCP alone may not tell for hours."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._heard_at > UNANSWERED_S:
            self._transport.abort()
        elif self._protocol.state is OPEN:
            self._protocol.send_ping(b"")
            self._flush()
            self._pinging = loop.call_later(PING_S, self._ping)

    def _speak(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._in_runs = dialect if isinstance(dialect, InRuns) else None

    def _messages(self, messages: list[bytes], *, is_text: bool) -> None:
        begin = 0
        while begin < len(messages) and not self._is_elsewhere:
            if self._in_runs is not None and self._relay is not None and not self._refused:
                audio, begin = self._in_runs.receive_audio(messages, begin)
                self._audio += audio
            if begin < len(messages):
                self._message(messages[begin], is_text=is_text)
                begin += 1

    def _message(self, message: bytes, *, is_text: bool) -> None:
        relay = self._relay
        if relay is None or self._refused:
            return  # what is on its way after a refusal is not refused again
        try:
            for event in self._dialect.receive(message, is_text=is_text, now_ms=1000 * time.monotonic()):
                if isinstance(event, Audio):
                    self._audio.append(event)
                else:
                    self._take(relay, event)
        except MalformedMessage as error:
            relay.count_malformed(error.kind)
        except Refused as error:
            trunk = self._origin.trunk if self._origin is not None else None
            of = {} if trunk is None else {"trunk": trunk.name}
            logger.warning("media stream refused", extra={"reason": str(error), **of})
            self._refused = True
            self.close(CloseCode.POLICY_VIOLATION)

    def _end(self, code: int | None) -> None:
        if self._relay is not None:
            for event in self._dialect.ended(code):
                self._take(self._relay, event)

    def _hear(self) -> None:
        """Have the relay hear what came at once."""
        if self._audio and self._relay is not None:
            self._relay.hear_audio(self._audio)
            self._audio = []

    def _rest(self) -> None:
        """Read nothing while nothing that comes is needed: it is read at once then, for a third of what it costs."""
        if self._relay is None or self._resting is not None or self._protocol.state is not OPEN:
            return
        if rest_s := self._relay.rest_s:
            self._transport.pause_reading()
            self._resting = asyncio.get_running_loop().call_later(rest_s, self._wake)

    def _wake(self) -> None:
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
            self._transport.resume_reading()

    def _take(self, relay: Relay, event: DialectEvent) -> None:
        self._hear()
        if isinstance(event, Started):
            self._start(relay, event)
        elif isinstance(event, Dialled):
            self._dial(event)
        elif isinstance(event, Offered):
            self._admission = asyncio.create_task(self._listen(relay, event))
        elif isinstance(event, Stopped):
            self._stop(relay, event)
        elif isinstance(event, Reply):
            self._reply(event)
        else:
            relay.hear(event)

    def _start(self, relay: Relay, started: Started) -> None:
        if self._origin is None:
            return
        own = self._origin.own(started)
        self._handshake.cancel()
        self._reception.start(relay, own, self)

    def _dial(self, event: Dialled) -> None:
        """Have messages come from elsewhere. Raises Refused if the trunk does not vouch for where that is."""
        if self._origin is None or not self._origin.vouches_for(event.host):
            raise Refused("dial: the host is an address in a --network of the trunk, and nothing else")
        self._is_elsewhere = True
        self._admission = asyncio.create_task(self._hear_from(event.url))

    async def _hear_from(self, url: str) -> None:
        code = await dialled(self._reception.http, url, self._from_elsewhere)
        self._end(code)
        self.close(CloseCode.NORMAL_CLOSURE if code == CloseCode.NORMAL_CLOSURE else CloseCode.TRY_AGAIN_LATER)

    def _from_elsewhere(self, message: str | bytes) -> None:
        if isinstance(message, str):
            self._message(message.encode(), is_text=True)
        else:
            self._message(message, is_text=False)
        self._hear()

    async def _listen(self, relay: Relay, offered: Offered) -> None:
        """Listen to what is offered, and answer where."""
        if self._origin is None:
            return
        ports = self._reception.ports
        try:
            receiver = await listening(offered, relay, self._origin, ports=ports, address=self._address)
        except Unavailable as error:
            logger.warning("media stream refused", extra={"reason": str(error)})
            self.close(CloseCode.TRY_AGAIN_LATER)
            return
        if self._stopped:  # it was closed meanwhile
            receiver.close()
            return
        self._receiver = receiver
        self._start(relay, offered.started)
        host = self._reception.media_host or self._transport.get_extra_info("sockname")[0]
        self._reply(Reply(answer_of(offered.offer, receiver.ports, address=host, session=1, version=1)))

    def _reply(self, reply: Reply) -> None:
        if self._protocol.state is OPEN:
            self._protocol.send_text(reply.text.encode())
            self._flush()

    def _stop(self, relay: Relay, stopped: Stopped) -> None:
        if not self._stopped:
            self._stopped = True
            if self._receiver is not None:
                self._receiver.end(stopped.reason)
            else:
                relay.hear(stopped)
        self.close(CloseCode.NORMAL_CLOSURE)

    def _flush(self) -> None:
        flush(self._protocol, self._transport, close_s=CLOSE_S)


def _subprotocol(_protocol: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Return the first that is known: whoever offers none, or others, is let in as well, as Twilio is."""
    return next((each for each in offered if each in SUBPROTOCOLS), None)
