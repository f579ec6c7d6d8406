"""One media stream of a running call, from its upgrade to its end."""

import asyncio
import contextlib
import math
import time
from array import array
from collections.abc import Callable

from local.twilio.account import Account, new_sid
from local.twilio.admission import StreamPlan, Track
from local.twilio.delivery import Delivery, Effect, Part, Piece, Send, StartAnother
from local.twilio.events import StreamEvent, StreamFailed, StreamOpened, StreamStopped
from local.twilio.faults import Parting, Script
from local.twilio.line import FRAME_BYTES, FRAME_MS, Line
from local.twilio.mediasocket import MediaSocket, StreamRefused
from local.twilio.mediastream import MediaStream
from local.twilio.placement import Behaviour
from local.twilio.problems import Code, Problem
from local.twilio.report import MediaStreamReport
from local.twilio.signing import sign_upgrade
from local.twilio.spans import Coverage, missing

_SLOW_RECEIVER_BYTES = 64 * 1024  # on our side of the socket, about 1.5 s of both tracks
_DRAIN_TIMEOUT_S = 15.0


class Fork:
    """Sends a call's frames to one receiver. Whatever happens to it is told, and never reaches the call."""

    def __init__(
        self,
        plan: StreamPlan,
        *,
        call_sid: str,
        account: Account,
        behaviour: Behaviour,
        script: Script,
        tell: Callable[[StreamEvent], None],
        warn: Callable[[Problem], None],
        start_another: Callable[[StreamPlan], None],
    ) -> None:
        self.sid = new_sid("MZ")
        self.plan = plan
        self.settled = asyncio.Event()  # open, or known to stay closed
        self._signature = sign_upgrade(account, plan.url)
        self._call_sid = call_sid
        self._behaviour = behaviour
        self._tell = tell
        self._warn = warn
        self._start_another = start_another
        self._warned: set[Code | None] = set()
        self._over = asyncio.Event()
        self._stopping = False
        self._deadline = asyncio.timeout(None)  # of the connection, once it is to end
        self._socket: MediaSocket | None = None
        self._status: int | None = None
        self._problem: Problem | None = None
        self._messages = MediaStream(
            stream_sid=self.sid,
            call_sid=call_sid,
            account_sid=account.sid,
            tracks=plan.tracks,
            parameters=plan.parameters,
            chunks=behaviour.chunks,
            first_timestamp_ms=behaviour.first_timestamp_ms,
        )
        self._delivery = Delivery(self._messages, plan.tracks, script)
        self._messages_sent = 0
        self._sent: dict[Track, int] = dict.fromkeys(plan.tracks, 0)
        self._dropped: dict[Track, int] = dict.fromkeys(plan.tracks, 0)
        self._delivered = {track: Coverage() for track in plan.tracks}
        self._heard_frames = 0  # since the first, while the stream was to go on
        self._sent_at_s = array("d")
        self._first_frame: int | None = None  # of the call

    @property
    def live(self) -> bool:
        """Whether it counts among the call's forked tracks."""
        return not self._over.is_set() and not self._stopping and self._problem is None

    async def run(self) -> None:
        """Open the media stream and answer its receiver until the connection is over."""
        try:
            self._socket = await MediaSocket.open(
                self.plan.url, signature=self._signature, timeout_s=self._behaviour.connect_timeout_s
            )
        except StreamRefused as refused:
            self._over.set()
            self.settled.set()
            self._status = refused.status
            self._fail(refused.problem)
            return
        try:
            self._status = 101
            for message in self._messages.opening():
                self._send(message)
            self._tell(StreamOpened(self._call_sid, self.sid, self.plan.name, self.plan.tracks))
            self.settled.set()
            ended = Problem(Code.STREAM_BROKEN_PIPE, "the receiver let the end of the media stream pass")
            with contextlib.suppress(TimeoutError):
                async with self._deadline:
                    ended = await self._socket.listen(self._warn_once)
            if not self._stopping and self._problem is None:
                self._fail(ended)
        finally:
            self._socket.abort()
            self._over.set()

    def hear(self, frame: int, inbound: bytes, outbound: bytes) -> None:
        """Send frame number `frame` of the call, on the tracks that were asked for."""
        if self._socket is None or self._stopping or (self._first_frame is None and not self.live):
            return
        if self._first_frame is None:
            self._first_frame = frame
        self._heard_frames = frame - self._first_frame + 1
        if not self.live:
            return
        slow = self._socket.unsent_bytes > _SLOW_RECEIVER_BYTES
        if slow:
            self._warn_once(Problem(Code.STREAM_BUFFER_OVERFLOW, "the receiver reads too slowly; audio was dropped"))
        self._sent_at_s.append(math.nan)
        if slow:
            for track in self.plan.tracks:
                self._dropped[track] += FRAME_BYTES
            return
        media_ms = (frame - self._first_frame) * FRAME_MS
        for effect in self._delivery.hear(media_ms, {"inbound": inbound, "outbound": outbound}):
            self._perform(effect)

    async def drain(self) -> None:
        """Wait for the receiver; one that takes nothing for long is given up."""
        if self._socket is None or not self.live:
            return
        try:
            async with asyncio.timeout(_DRAIN_TIMEOUT_S):
                await self._socket.drain()
        except TimeoutError:
            text = f"the receiver read nothing for {_DRAIN_TIMEOUT_S:g} s; the media stream was given up"
            self._fail(Problem(Code.STREAM_BUFFER_OVERFLOW, text))
            self._socket.abort()

    async def stop(self) -> None:
        """End the media stream: `stop`, then a close with 1000 that the receiver has a while to answer."""
        await self.settled.wait()
        if self._socket is None or not self.live:
            return
        self._stopping = True
        left_open = False
        for effect in self._delivery.end():
            self._perform(effect)
            left_open = effect == Part("nothing")
        if not left_open:
            try:
                async with asyncio.timeout(self._behaviour.close_timeout_s):
                    await self._over.wait()
            except TimeoutError:
                self._socket.abort()
        self._tell(StreamStopped(self._call_sid, self.sid, self.plan.name))

    def report(self, line: Line) -> MediaStreamReport:
        """Return what became of it in the call that was heard on `line`."""
        begins: dict[Track, int] = {}
        if self._first_frame is not None:
            begins["inbound"] = -self._first_frame * FRAME_MS
            if line.callee_begins is not None:
                begins["outbound"] = (line.callee_begins - self._first_frame) * FRAME_MS
        delivered = {track: coverage.spans() for track, coverage in self._delivered.items()}
        end_ms = self._heard_frames * FRAME_MS
        return MediaStreamReport(
            stream_sid=self.sid,
            name=self.plan.name,
            tracks=self.plan.tracks,
            opened=self._socket is not None,
            status=self._status,
            problem=self._problem,
            messages_sent=self._messages_sent,
            bytes_sent=dict(self._sent),
            bytes_dropped=dict(self._dropped),
            audio_begins_ms={track: ms for track, ms in begins.items() if track in self.plan.tracks},
            frames_sent_at_s=self._sent_at_s,
            injected=self._delivery.injected,
            starts_ms=None if self._first_frame is None else self._first_frame * FRAME_MS,
            delivered=delivered,
            undelivered={
                track: self._delivery.as_stamped(missing(spans, end_ms=end_ms), end_ms=end_ms)
                for track, spans in delivered.items()
            },
        )

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Send(text, piece):
                if self._send(text) and piece is not None:
                    self._note(piece)
            case StartAnother():
                self._start_another(self.plan)
            case Part(how):
                self._part(how)

    def _note(self, piece: Piece) -> None:
        """Keep that the audio of `piece` was sent, and when: the first time counts, and a frame's last part."""
        self._sent[piece.track] += len(piece.audio)
        self._delivered[piece.track].add(piece.span)
        now_s = time.monotonic()
        for frame in range(piece.span.start_ms // FRAME_MS, -(-piece.span.end_ms // FRAME_MS)):
            if math.isnan(self._sent_at_s[frame]) or piece.span.start_ms > frame * FRAME_MS:
                self._sent_at_s[frame] = now_s

    def _part(self, how: Parting) -> None:
        """End the connection in that way; before its time, that is a problem, unless nobody can see it."""
        if self._socket is None:
            return
        self._socket.part(how)
        if how == "nothing":
            if self._stopping:
                self._let_go(self._behaviour.abandoned_after_s)
            return
        self._let_go(self._behaviour.close_timeout_s)
        if not self._stopping:
            self._fail(Problem(Code.STREAM_BROKEN_PIPE, "the connection of the media stream broke, as it was to"))

    def _let_go(self, after_s: float) -> None:
        if not self._over.is_set():
            self._deadline.reschedule(asyncio.get_running_loop().time() + after_s)

    def _send(self, message: str) -> bool:
        sent = self._socket is not None and self._socket.send(message)
        self._messages_sent += sent
        return sent

    def _fail(self, problem: Problem) -> None:
        self._problem = problem
        self._tell(StreamFailed(self._call_sid, self.sid, self.plan.name, self._status_of_refusal, problem))

    @property
    def _status_of_refusal(self) -> int | None:
        return None if self._socket is not None else self._status

    def _warn_once(self, problem: Problem) -> None:
        if problem.code not in self._warned:
            self._warned.add(problem.code)
            self._warn(problem)
