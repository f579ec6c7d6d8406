"""Carries out what a session decides: its socket, its ears, its timer."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aiohttp import WebSocketError, WSCloseCode, WSMsgType, web

from local.gladia.effects import Close, Effect, Finish, Listen, Send
from local.gladia.recogniser import Heard, Recogniser
from local.gladia.session import Phase, Session
from local.gladia.settings import Settings

logger = logging.getLogger(__name__)

_Outbox = asyncio.Queue[Send | Close]


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """A socket in use: what is to be sent on it, the task that does, and the connection under it."""

    outbox: _Outbox
    writer: asyncio.Task[None]
    transport: asyncio.Transport


class Wire:
    """One session with the socket it has at the moment, if any. Used on the event loop's thread alone."""

    def __init__(
        self, session: Session, *, recogniser: Recogniser, settings: Settings, clock: Callable[[], float]
    ) -> None:
        self.session = session
        self._settings = settings
        self._clock = clock
        self._line: _Line | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ears = [recogniser.listen(track, self._teller(track.channel)) for track in session.tracks()]
        self._arm()

    async def attach(self, socket: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        """Serve `socket`, whose handshake is done, until it ends; `transport` is its connection."""
        if self._line is not None:
            if self._settings.second_socket == "refused":
                await socket.close(code=self._settings.second_socket_close_code)
                return
            self._post(Close(self._settings.second_socket_close_code, "another socket took over"))
        outbox: _Outbox = asyncio.Queue(self._settings.unread_limit_messages)
        line = self._line = _Line(outbox, asyncio.create_task(_write(socket, outbox)), transport)
        try:
            self.perform(self.session.connect())
            await self._read(socket, line)
        finally:
            self._hang_up(line, None)
            with contextlib.suppress(asyncio.CancelledError):
                await line.writer

    async def _read(self, socket: web.WebSocketResponse, line: _Line) -> None:
        """Take what the client sends until it goes."""
        while True:
            message = await socket.receive()
            if message.type is WSMsgType.CLOSE:
                self._hang_up(line, message.data or None)
                # By itself aiohttp would answer 1000 to any code; RFC 6455, 5.5.1: echo the one received.
                await socket.close(code=message.data or WSCloseCode.OK)
                return
            if message.type not in (WSMsgType.BINARY, WSMsgType.TEXT):
                if isinstance(message.data, WebSocketError) and message.data.code == WSCloseCode.MESSAGE_TOO_BIG:
                    self.session.too_long += 1
                return
            if self._line is line:
                self.perform(self.session.receive(message.data, now=self._clock()))

    def _hang_up(self, line: _Line, code: int | None) -> None:
        """Go on without `line`, which the client left; where we did, its last messages are on their way."""
        if self._line is line:
            self._line = None
            line.writer.cancel()
            self.perform(self.session.disconnect(code))

    def perform(self, effects: Iterable[Effect]) -> None:
        """Do what the session asks, in its order."""
        for effect in effects:
            match effect:
                case Send() | Close():
                    self._post(effect)
                case Listen(tracks):
                    for ear, track in zip(self._ears, tracks, strict=True):
                        ear.hear(track)
                case Finish():
                    for ear in self._ears:
                        ear.finish()

    def stop(self) -> None:
        """Let go of everything; the server stops."""
        if self._timer is not None:
            self._timer.cancel()
        for ear in self._ears:
            ear.close()
        if self._line is not None:
            self._post(Close(WSCloseCode.GOING_AWAY, "server stops"))

    def _post(self, effect: Send | Close) -> None:
        line = self._line
        if line is None:
            return
        try:
            line.outbox.put_nowait(effect)
        except asyncio.QueueFull:
            logger.warning("client dropped: it reads nothing", extra={"session_id": self.session.session_id})
            self._hang_up(line, None)
            line.transport.abort()
            return
        if isinstance(effect, Close):
            self._line = None

    def _teller(self, channel: int) -> Callable[[Heard], None]:
        def tell(heard: Heard) -> None:
            self.perform(self.session.heard(channel, heard, now=self._clock()))
            if self.session.phase is Phase.ENDED and self._ears:
                self._ended()

        return tell

    def _ended(self) -> None:
        self._ears = []
        if self._timer is not None:
            self._timer.cancel()
        session = self.session
        counts = {"finals": len(session.finals), "received_bytes": session.received_bytes, "ignored": session.ignored}
        logger.info("session ended", extra={"session_id": session.session_id, **counts})

    def _arm(self) -> None:
        """See to the session when its deadline comes; the deadline may have moved by then."""
        if self.session.deadline_s is not None:
            wait_s = max(0.0, self.session.deadline_s - self._clock())
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._tick)

    def _tick(self) -> None:
        self.perform(self.session.tick(now=self._clock()))
        self._arm()


async def _write(socket: web.WebSocketResponse, outbox: _Outbox) -> None:
    """Send what is in `outbox` until it says to close."""
    while True:
        effect = await outbox.get()
        try:
            if isinstance(effect, Close):
                await socket.close(code=effect.code, message=effect.reason.encode())
                return
            await socket.send_str(effect.text)
        except ConnectionError:
            return  # the reader sees the same, and tells the session
