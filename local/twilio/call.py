"""A simulated call: it asks for TwiML, follows it, and lets both parties be heard."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from urllib.parse import urljoin

from local.twilio.account import Account, new_sid
from local.twilio.debugger import Debugger
from local.twilio.events import (
    CallEvent,
    DialEnded,
    Dialled,
    HungUp,
    Pausing,
    Ringing,
    Saying,
    WebhookAnswered,
    WebhookFailed,
)
from local.twilio.forks import Forks
from local.twilio.forms import Form, completed_form, dial_form, recording_form, voice_form
from local.twilio.line import FRAME_MS, SAY_CHARACTER_MS, Line
from local.twilio.placement import Placement
from local.twilio.problems import Code, Problem
from local.twilio.recordings import Recording
from local.twilio.report import CallReport
from local.twilio.switchboard import CallRecord, CallStatus, StreamRecord, Switchboard
from local.twilio.twiml import Dial, Hangup, InvalidTwiml, Pause, Redirect, Say, StartStream, StopStream, Verb, parse
from local.twilio.webhook import Answer, Webhooks

_DOCUMENTS_PER_CALL = 100
_TWIML_TYPES = frozenset({"text/xml", "application/xml"})


def _nobody(_: CallEvent) -> None:
    """Observe nothing."""


async def place(
    call: Placement,
    *,
    account: Account,
    observe: Callable[[CallEvent], None] = _nobody,
    switchboard: Switchboard | None = None,
) -> CallReport:
    """Place `call` and return what it came to, when it is over and every callback has been answered.

    `observe` is told what happens as it happens. Nothing that a webhook or a receiver of media does raises: it is in
    the report. While the call is on, `switchboard` knows it, and with it Twilio's REST API.
    """
    board = switchboard or Switchboard()
    async with Webhooks(account) as webhooks, asyncio.TaskGroup() as sockets:
        async with asyncio.TaskGroup() as tasks:
            conversation = _Conversation(
                call, account=account, observe=observe, webhooks=webhooks, tasks=tasks, sockets=sockets
            )
            board.connect(conversation)
            try:
                await conversation.run()
            finally:
                board.disconnect(conversation)
        await conversation.complete()
    return conversation.report()


@dataclass(frozen=True, slots=True)
class _Document:
    """A TwiML document and where it came from, which relative addresses in it are relative to."""

    url: str
    verbs: tuple[Verb, ...]


class _CallEnded(Exception):
    """The caller's patience is over, or the call was ended from outside."""


class _Conversation:
    def __init__(
        self,
        call: Placement,
        *,
        account: Account,
        observe: Callable[[CallEvent], None],
        webhooks: Webhooks,
        tasks: asyncio.TaskGroup,
        sockets: asyncio.TaskGroup,
    ) -> None:
        self._call = call
        self._account = account
        self._observe = observe
        self._webhooks = webhooks
        self._tasks = tasks
        self._sid = call.call_sid or new_sid("CA")
        self._form = voice_form(call, account_sid=account.sid, call_sid=self._sid)
        self._debugger = Debugger(self._sid, observe)
        self._forks = Forks(
            call,
            account=account,
            call_sid=self._sid,
            webhooks=webhooks,
            debugger=self._debugger,
            tasks=tasks,
            sockets=sockets,
        )
        self._line = Line(caller=call.inbound_audio, callee=call.outbound_audio)
        self._began_s = 0.0
        self._began_at_s = time.time()
        self._ended_at_s: float | None = None
        self._hung_up = asyncio.Event()  # from outside
        self._recordings: list[Recording] = []
        self._documents = 0
        self._failure: str | None = None

    async def run(self) -> None:
        """Have the conversation, then end its media streams; their callbacks may still be under way."""
        self._observe(Ringing(self._sid))
        try:
            document = await self._fetch("voice", self._call.voice_url)
            while document is not None:
                document = await self._follow(document)
        except _CallEnded:
            self._line.end_dial()
        self._ended_at_s = time.time()
        self._observe(HungUp(self._sid, _seconds(self._line.frames)))
        self._forks.stop_all()

    async def complete(self) -> None:
        """Post the call's last status, and what became of its recordings."""
        url = self._call.status_url
        if url is not None:
            form = completed_form(self._form, duration_s=_seconds(self._line.frames), now_s=time.time())
            self._debugger.told("completed", url, await self._webhooks.send(url, form))
        for recording in self._recordings:
            recording.end()
            await self._tell(recording)

    def record(self) -> CallRecord:
        """Return the call as its resource shows it now."""
        status: CallStatus = "in-progress" if self._form["CallStatus"] == "in-progress" else "ringing"
        over = self._ended_at_s is not None or self._hung_up.is_set()
        return CallRecord(
            sid=self._sid,
            from_number=self._call.from_number,
            to_number=self._call.to_number,
            direction=self._call.direction,
            status="completed" if over else status,
            began_at_s=self._began_at_s,
            ended_at_s=self._ended_at_s,
            duration_s=None if self._ended_at_s is None else _seconds(self._line.frames),
        )

    def attach(self, verb: StartStream) -> StreamRecord | Problem:
        """Start another media stream, or tell why not."""
        return self._forks.attach(verb, "")

    def detach(self, name: str) -> StreamRecord | None:
        """Stop the media stream of that name or identifier; None if none goes on under it."""
        return self._forks.detach(name)

    def record_from_now(self, recording: Recording) -> None:
        """Let `recording` hear the call from now on."""
        self._recordings.append(recording)
        self._tasks.create_task(self._tell(recording))

    async def _tell(self, recording: Recording) -> None:
        """Post how a recording stands, to whoever wants to know of that."""
        url, method = recording.request.status_callback or "", recording.request.status_callback_method
        form = recording_form(recording, account_sid=self._account.sid)
        for _ in range(recording.tells(recording.status)):
            answer = await self._webhooks.send(url, form, method)
            self._debugger.told(f"recording {recording.status}", url, answer)

    def hang_up(self) -> None:
        """End the call."""
        self._hung_up.set()

    def report(self) -> CallReport:
        """Return what the call came to."""
        return CallReport(
            call_sid=self._sid,
            account_sid=self._account.sid,
            ended_normally=self._failure is None,
            failure=self._failure,
            duration_s=_seconds(self._line.frames),
            media_streams=self._forks.reports(self._line),
            webhooks=tuple(self._debugger.webhooks),
            warnings=tuple(self._debugger.warnings),
            heard_ms=self._line.frames * FRAME_MS,
        )

    async def _fetch(self, kind: str, url: str, method: str = "POST", extra: Form | None = None) -> _Document | None:
        """Ask for TwiML; None, with the reason kept, if there is none to follow."""
        self._documents += 1
        if self._documents > _DOCUMENTS_PER_CALL:
            text = f"{_DOCUMENTS_PER_CALL} TwiML documents in one call: does a <Redirect> lead to itself?"
            self._fail(kind, None, Problem(None, text))
            return None
        answer = await self._meanwhile(self._webhooks.send(url, self._form | (extra or {}), method))
        self._debugger.asked(kind, url, answer)
        if answer.status is None or answer.problem is not None:
            self._fail(kind, answer.status, answer.problem or Problem(None, "it did not answer"))
            return None
        if answer.content_type not in _TWIML_TYPES:
            text = f"the answer's Content-Type is {answer.content_type or 'missing'!r}, where TwiML is text/xml"
            self._fail(kind, answer.status, Problem(Code.INVALID_CONTENT_TYPE, text))
            return None
        try:
            twiml = parse(answer.body)
        except InvalidTwiml as invalid:
            self._fail(kind, answer.status, invalid.problem)
            return None
        self._observe(WebhookAnswered(self._sid, kind, answer.status, tuple(type(v).__name__ for v in twiml.verbs)))
        for warning in twiml.warnings:
            self._debugger.warn(warning)
        return _Document(url, twiml.verbs)

    def _fail(self, kind: str, status: int | None, problem: Problem) -> None:
        self._failure = f"the call ended because of its {kind} webhook: {problem}"
        self._observe(WebhookFailed(self._sid, kind, status, problem))

    async def _follow(self, document: _Document) -> _Document | None:
        """Do what `document` says; return the one that takes its place, or None when the call is over."""
        for verb in document.verbs:
            match verb:
                case StartStream():
                    self._forks.start(verb, document.url)
                case StopStream(name):
                    self._forks.stop(name)
                case Say(text):
                    await self._hear_ms(len(text) * SAY_CHARACTER_MS, Saying(self._sid, text))
                case Pause(length_s):
                    await self._hear_ms(length_s * 1000, Pausing(self._sid, length_s))
                case Dial(action=None):
                    await self._dial(verb)
                case Dial(action=str(action), method=method):
                    extra = dial_form(duration_s=await self._dial(verb), child_sid=new_sid("CA"))
                    return await self._fetch("dial action", urljoin(document.url, action), method, extra)
                case Redirect(url, method):
                    return await self._fetch("redirect", urljoin(document.url, url), method)
                case Hangup():
                    return None
        return None

    async def _dial(self, verb: Dial) -> int:
        """Let the callee be heard until both parties have said all, and return how many seconds that took."""
        await self._begin()
        self._observe(Dialled(self._sid, verb.destinations))
        before = self._line.frames
        self._line.begin_dial()
        while not self._line.all_said:
            await self._tick()
        self._line.end_dial()
        duration_s = _seconds(self._line.frames - before)
        self._observe(DialEnded(self._sid, duration_s))
        return duration_s

    async def _hear_ms(self, duration_ms: int, meanwhile: Saying | Pausing) -> None:
        await self._begin()
        self._observe(meanwhile)
        for _ in range(-(-duration_ms // FRAME_MS)):
            await self._tick()

    async def _begin(self) -> None:
        """Begin the conversation, unless it has: once each media stream is open or has failed.

        A person takes longer to answer than a socket to open; so the first byte of a recording is on the stream.
        """
        if self._line.frames == 0:
            await self._forks.settle()
            self._form["CallStatus"] = "in-progress"
            self._began_s = time.monotonic()

    async def _tick(self) -> None:
        """Let one frame be heard, when its time has come: all times count from the first frame, so none drifts."""
        frame = self._line.frames
        limit_s, pace = self._call.hang_up_after_s, self._call.pace
        if limit_s is not None and frame * FRAME_MS >= limit_s * 1000:
            raise _CallEnded
        if self._hung_up.is_set():
            raise _CallEnded
        if pace is None:
            await self._forks.drain()
            await asyncio.sleep(0)
        else:
            due_s = self._began_s + frame * FRAME_MS / 1000 / pace
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        heard = self._line.hear()
        for recording in self._recordings:
            recording.hear(*heard)
        self._forks.hear(frame, *heard)

    async def _meanwhile(self, request: Coroutine[None, None, Answer]) -> Answer:
        """Return the answer to `request`; a call that has begun is heard meanwhile, unless it has no pace."""
        task = self._tasks.create_task(request)
        paced = self._line.frames > 0 and self._call.pace is not None
        while paced and not (task.done() or self._hung_up.is_set()):
            await self._tick()
        hung_up = asyncio.create_task(self._hung_up.wait())
        try:
            await asyncio.wait({task, hung_up}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            hung_up.cancel()
        if self._hung_up.is_set():
            task.cancel()
            raise _CallEnded
        return await task


def _seconds(frames: int) -> int:
    """Return the seconds begun in that many frames."""
    return -(-frames * FRAME_MS // 1000)
