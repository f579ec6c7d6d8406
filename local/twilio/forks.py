"""The media streams of one call: which start, which stop, and the callbacks about them."""

import asyncio
import time
from urllib.parse import urljoin

from local.twilio.account import Account, new_sid
from local.twilio.admission import StreamPlan, admit
from local.twilio.debugger import Debugger
from local.twilio.events import StreamEvent, StreamFailed, StreamOpened
from local.twilio.fork import Fork
from local.twilio.forms import stream_form
from local.twilio.line import Line
from local.twilio.placement import Placement
from local.twilio.problems import Code, Problem
from local.twilio.report import MediaStreamReport
from local.twilio.switchboard import StreamRecord
from local.twilio.twiml import StartStream
from local.twilio.webhook import Webhooks


class Forks:
    """Starts and stops media streams in the background, so that the call never waits for them."""

    def __init__(
        self,
        call: Placement,
        *,
        account: Account,
        call_sid: str,
        webhooks: Webhooks,
        debugger: Debugger,
        tasks: asyncio.TaskGroup,
        sockets: asyncio.TaskGroup,
    ) -> None:
        self._call = call
        self._account = account
        self._call_sid = call_sid
        self._webhooks = webhooks
        self._debugger = debugger
        self._tasks = tasks
        self._sockets = sockets  # outlives `tasks`, as a socket may outlive its call
        self._forks: list[Fork] = []
        self._streams: list[Fork | MediaStreamReport] = []  # also those that didn't start
        self._callbacks: dict[str, tuple[str, str, asyncio.Lock]] = {}

    def start(self, verb: StartStream, document_url: str) -> None:
        """Start the media stream that `verb` asks for, or report why not."""
        started = self.attach(verb, document_url)
        if isinstance(started, Problem):
            self._refuse(verb, document_url, started)

    def attach(self, verb: StartStream, document_url: str) -> StreamRecord | Problem:
        """Start the media stream that `verb` asks for, or return why not; nobody else is told."""
        live = [fork for fork in self._forks if fork.live]
        plan = admit(
            verb,
            document_url=document_url,
            forked_tracks=sum(len(fork.plan.tracks) for fork in live),
            names={fork.plan.name for fork in live if fork.plan.name is not None},
            allow_insecure=self._call.allow_insecure,
            query=self._call.behaviour.query,
        )
        if isinstance(plan, Problem):
            return plan
        for warning in plan.warnings:
            self._debugger.warn(warning)
        fork = self._new(plan)
        self._remember_callback(fork.sid, verb, document_url)
        self._run(fork)
        return StreamRecord(fork.sid, plan.name, "in-progress")

    def stop(self, name: str) -> None:
        """Stop the media stream of that name, or of that identifier."""
        if self.detach(name) is None:
            self._debugger.warn(Problem(None, f"there is no media stream named {name!r} to stop"))

    def detach(self, name: str) -> StreamRecord | None:
        """Stop the media stream of that name, or of that identifier; return None if there is none."""
        for fork in self._forks:
            if fork.live and name in (fork.plan.name, fork.sid):
                self._tasks.create_task(fork.stop())
                return StreamRecord(fork.sid, fork.plan.name, "stopped")
        return None

    def stop_all(self) -> None:
        """Stop every media stream, as the call is over."""
        for fork in self._forks:
            self._tasks.create_task(fork.stop())

    async def settle(self) -> None:
        """Wait until each media stream is open or has failed."""
        for fork in self._forks:
            await fork.settled.wait()

    async def drain(self) -> None:
        """Wait until each receiver has room."""
        for fork in self._forks:
            await fork.drain()

    def hear(self, frame: int, inbound: bytes, outbound: bytes) -> None:
        """Send frame number `frame` of the call on each open media stream."""
        for fork in self._forks:
            fork.hear(frame, inbound, outbound)

    def reports(self, line: Line) -> tuple[MediaStreamReport, ...]:
        """Return what became of each, in the order of their start."""
        return tuple(stream.report(line) if isinstance(stream, Fork) else stream for stream in self._streams)

    def _new(self, plan: StreamPlan) -> Fork:
        started, scripts = len(self._forks), self._call.faults
        return Fork(
            plan,
            call_sid=self._call_sid,
            account=self._account,
            behaviour=self._call.behaviour,
            script=scripts[started] if started < len(scripts) else (),
            tell=self._tell,
            warn=self._debugger.warn,
            start_another=lambda plan: self._run(self._new(plan)),
        )

    def _run(self, fork: Fork) -> None:
        self._forks.append(fork)
        self._streams.append(fork)
        self._sockets.create_task(fork.run())

    def _refuse(self, verb: StartStream, document_url: str, problem: Problem) -> None:
        sid = new_sid("MZ")
        self._streams.append(MediaStreamReport.of_unstarted(sid, verb.name, problem))
        if problem.code is not Code.STREAM_TRACK:  # a wrong track was seen to fail without any callback
            self._remember_callback(sid, verb, document_url)
        self._tell(StreamFailed(self._call_sid, sid, verb.name, None, problem))

    def _remember_callback(self, stream_sid: str, verb: StartStream, document_url: str) -> None:
        if verb.status_callback is not None:
            url = urljoin(document_url, verb.status_callback)
            self._callbacks[stream_sid] = url, verb.status_callback_method, asyncio.Lock()

    def _tell(self, event: StreamEvent) -> None:
        self._debugger.observe(event)
        if event.stream_sid in self._callbacks:
            self._tasks.create_task(self._post(event, now_ns=time.time_ns()))

    async def _post(self, event: StreamEvent, *, now_ns: int) -> None:
        url, method, in_order = self._callbacks[event.stream_sid]
        kind, error = "stream-stopped", None
        if isinstance(event, StreamOpened):
            kind = "stream-started"
        elif isinstance(event, StreamFailed):
            kind, error = "stream-error", str(event.problem)
        form = stream_form(
            account_sid=self._account.sid,
            call_sid=self._call_sid,
            stream_sid=event.stream_sid,
            name=event.name,
            event=kind,
            error=error,
            now_ns=now_ns,
        )
        async with in_order:
            self._debugger.told(kind, url, await self._webhooks.send(url, form, method))
