"""Carries out what a session decides: its socket, its ears, its timer."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from aiohttp import WebSocketError, WSCloseCode, WSMsgType, web

from local.gladia.effects import Close, Drop, Effect, Finish, Freeze, Later, Listen, Send, Take
from local.gladia.injector import Victim
from local.gladia.interference import Interference
from local.gladia.recogniser import Heard, Recogniser
from local.gladia.session import Phase, Session
from local.gladia.settings import Settings

logger = logging.getLogger(__name__)

_Last = Close | Drop | Freeze
_Outbox = asyncio.Queue[Send | _Last]


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """A socket in use: what is to be sent on it, the task that does, and the connection under it."""

    outbox: _Outbox
    writer: asyncio.Task[None]
    transport: asyncio.Transport
    late: deque[Send | Close | Take] = field(default_factory=deque)
    """What is held back for a while."""
    thawed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set unless the socket is frozen: nothing is read or written on it, and the connection stays."""

    def thaw(self) -> None:
        """Drop the connection of a frozen socket."""
        self.transport.abort()
        self.thawed.set()


class Wire:
    """One session with the socket it has at the moment, if any. Used on the event loop's thread alone."""

    def __init__(
        self,
        session: Session,
        *,
        victim: Victim,
        recogniser: Recogniser,
        settings: Settings,
        clock: Callable[[], float],
    ) -> None:
        self.session = session
        self.victim = victim
        self._talk = Interference(session, victim.faults, victim.struck)
        self._settings = settings
        self._clock = clock
        self._line: _Line | None = None
        self._frozen: _Line | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._finish_timer: asyncio.TimerHandle | None = None
        self._ears = [recogniser.listen(track, self._teller(track.channel)) for track in session.tracks()]
        self._arm()

    async def attach(self, socket: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        """Serve `socket`, whose handshake is done, until it ends; `transport` is its connection."""
        if self._line is not None:
            if self._settings.second_socket == "refused":
                await socket.close(code=self._settings.second_socket_close_code)
                return
            self._post(Close(self._settings.second_socket_close_code, "another socket took over"))
        self._thaw()
        outbox: _Outbox = asyncio.Queue(self._settings.unread_limit_messages)
        line = self._line = _Line(outbox, asyncio.create_task(_write(socket, outbox, transport)), transport)
        line.thawed.set()
        try:
            self.perform(self._talk.connect(now=self._clock()))
            await self._read(socket, line)
        finally:
            self._hang_up(line, None)
            with contextlib.suppress(asyncio.CancelledError):
                await line.writer

    async def _read(self, socket: web.WebSocketResponse, line: _Line) -> None:
        """Take what the client sends until it goes."""
        while True:
            await line.thawed.wait()
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
                self.perform(self._talk.receive(message.data, now=self._clock()))

    def _hang_up(self, line: _Line, code: int | None) -> None:
        """Go on without `line`, which the client left; where we did, its last messages are on their way."""
        if self._line is line:
            self._line = None
            line.writer.cancel()
            self.perform(self._talk.disconnect(code, now=self._clock()))

    def perform(self, effects: Iterable[Effect]) -> None:
        """Do what the session asks, in its order."""
        for effect in effects:
            match effect:
                case Send() | Close() | Drop() | Freeze():
                    self._post(effect)
                case Later():
                    self._postpone(effect)
                case Take():
                    self.perform(self._talk.take(now=self._clock()))
                case Listen(tracks):
                    for ear, track in zip(self._ears, tracks, strict=True):
                        ear.hear(track)
                case Finish():
                    for ear in self._ears:
                        ear.finish()

    def stop(self) -> None:
        """Let go of everything; the server stops."""
        for timer in (self._timer, self._finish_timer):
            if timer is not None:
                timer.cancel()
        for ear in self._ears:
            ear.close()
        self._thaw()
        if self._line is not None:
            self._post(Close(WSCloseCode.GOING_AWAY, "server stops"))

    def _post(self, effect: Send | _Last) -> None:
        line = self._line
        if line is None:
            return
        is_last = not isinstance(effect, Send)
        try:
            while is_last and line.late:
                # Audio that is to be taken later has been taken or discarded with the end of the socket.
                if not isinstance(late := line.late.popleft(), Take):
                    line.outbox.put_nowait(late)
            line.outbox.put_nowait(effect)
        except asyncio.QueueFull:
            logger.warning("client dropped: it reads nothing", extra={"session_id": self.session.session_id})
            self._hang_up(line, None)
            line.transport.abort()
            return
        if is_last:
            self._leave(line, effect)

    def _leave(self, line: _Line, last: Send | _Last) -> None:
        """Go on without `line`, which we end with `last`."""
        self._line = None
        if isinstance(last, Freeze):
            self._frozen = line
            line.thawed.clear()
            line.transport.pause_reading()
            if last.meanwhile == "lost":
                return  # the session says what it has to say as if somebody heard
        self.perform(self._talk.disconnect(None, now=self._clock()))

    def _postpone(self, later: Later) -> None:
        call_later = asyncio.get_running_loop().call_later
        if isinstance(later.effect, Finish):
            self._finish_timer = call_later(later.delay_s, self.perform, [later.effect])
        elif self._line is not None:
            self._line.late.append(later.effect)
            call_later(later.delay_s, self._release, self._line)

    def _release(self, line: _Line) -> None:
        """Send the first of what `line` holds back, unless it has been sent with the socket's end."""
        if self._line is line and line.late:
            self.perform([line.late.popleft()])

    def _thaw(self) -> None:
        if self._frozen is not None:
            self._frozen.thaw()
            self._frozen = None

    def _teller(self, channel: int) -> Callable[[Heard], None]:
        def tell(heard: Heard) -> None:
            self.perform(self._talk.heard(channel, heard, now=self._clock()))
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
        self.perform(self._talk.tick(now=self._clock()))
        self._arm()


async def _write(socket: web.WebSocketResponse, outbox: _Outbox, transport: asyncio.Transport) -> None:
    """Send what is in `outbox` until it says to end."""
    while True:
        effect = await outbox.get()
        try:
            match effect:
                case Send(text):
                    await socket.send_str(text)
                case Close(code, reason):
                    await socket.close(code=code, message=reason.encode())
                    return
                case Drop():
                    transport.abort()
                    return
                case Freeze():
                    return
        except ConnectionError:
            return  # the reader sees the same, and tells the session
