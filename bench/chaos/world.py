"""All that a bridge talks to, and the bridge: an emulated Gladia, AWS in memory, a number's webhooks, Twilio's REST.

The bridge is a process of its own, as in the task; the rest is this process, over real sockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from xml.sax.saxutils import quoteattr

from aiohttp import web

from bench.chaos.aws import SIGNING_KEY, Aws
from bench.chaos.expressions import Item
from bench.chaos.observation import Written
from bench.chaos.plan import CallPlan
from bench.chaos.tables import Failed, Tables
from bench.chaos.watch import Watch
from bench.ports import free_port
from callscribe.call import fold
from callscribe.entries import CallEnded, CallStarted, Entry, timestamp
from callscribe.log import Log, Steps, entry_of
from callscribe.requests import Conflict
from callscribe.tickets import Ticket, sign
from callscribe.trunks import Trunks, new_trunk
from local.gladia.injector import Injected
from local.gladia.recogniser import Recogniser
from local.gladia.scripted import ScriptedRecogniser
from local.gladia.server import EmulatedGladia
from local.gladia.settings import Settings
from local.process import GRACE_S, Process
from local.twilio.account import Account
from local.twilio.rest import RestServer
from local.twilio.switchboard import Switchboard

TENANT = "chaos"
_CALLS = "Calls"
_TABLES = (_CALLS, "Subscriptions", "Sessions", "Keys")
_FOLLOWS_S = 3600
LINGER_S = 30.0
# Calls that speak at the same time, each as fast as it can; with more, everything would be late at once, and the
# bridge's deadlines would be tested instead of what it does with faults.
TALKING = 3


class World:
    """Runs while it is entered; many calls may be placed in it at once."""

    def __init__(
        self,
        gladia: Settings,
        *,
        name: str = "chaos",
        patience: Mapping[str, float] | None = None,
        drain_s: int = 60,
        twilio_url: str | None = None,
        recogniser: Recogniser | None = None,
        sip_port: int = 0,
    ) -> None:
        """`patience` sets constants of the bridge, by their path; `name` is its log's, in the temporary folder.

        `twilio_url` is where the bridge looks for Twilio's REST API; None for the one that is simulated here.
        `recogniser` is Gladia's, one for scripted audio if there is none; with `sip_port` calls are recorded there.
        """
        self.account = Account()
        self.switchboard = Switchboard()
        self.watches: dict[str, Watch] = {}
        self.strays: list[str] = []  # entries that came after their call was judged
        self.gladia = EmulatedGladia(recogniser or ScriptedRecogniser(), settings=gladia)
        self.aws = Aws(Tables(*_TABLES, written=self._written), auth_token=self.account.auth_token)
        self.rest = RestServer(self.account, self.switchboard)
        self.log_path = Path(tempfile.gettempdir()) / f"callscribe-{name}-bridge.log"
        self.talking = asyncio.Semaphore(TALKING)
        self.sip_port = sip_port
        self.url = ""
        self.media_url = ""
        self.bridge: Process | None = None
        self._patience = dict(patience or {})
        self._drain_s = drain_s
        self._twilio_url = twilio_url
        self._spill = ""
        self._plans: dict[str, CallPlan] = {}
        self._stack = contextlib.AsyncExitStack()
        self._struck: dict[str, list[Injected]] = {}
        self._counted = 0

    async def __aenter__(self) -> Self:
        """Start everything."""
        app = web.Application(client_max_size=1 << 23)
        app.router.add_post("/voice/{call}", self._voice)
        app.router.add_post("/status/{call}", self._status)
        self.aws.add_routes(app)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
        async with contextlib.AsyncExitStack() as stack:
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            await stack.enter_async_context(self.gladia)
            await stack.enter_async_context(self.rest)
            self._spill = stack.enter_context(tempfile.TemporaryDirectory(prefix="callscribe-spill-"))
            await self._answer(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything, the bridge first."""
        await self._stack.aclose()

    def expect(self, plan: CallPlan) -> Watch:
        """Be ready for the webhooks of a call, and return the watch on its log."""
        call = plan.call_id
        self._plans[call] = plan
        self.aws.expect(call, plan.aws, plan.subscriber)
        if plan.subscriber != "none":
            follows = {
                "pk": {"S": f"CALL#{call}"},
                "sk": {"S": "CONNECTION#1"},
                "connection_id": {"S": call},
                "tenant": {"S": TENANT},
                "expires_at": {"N": str(int(time.time()) + _FOLLOWS_S)},
            }
            self.aws.tables.perform("PutItem", {"TableName": "Subscriptions", "Item": follows})
        watch = self.watches[call] = Watch()
        return watch

    def add_trunk(self, name: str, *, networks: Iterable[str] = ()) -> str:
        """Have a trunk of that name, whose calls may come; return its secret."""
        new = new_trunk(TENANT, name, at=_now(), networks=networks)
        self._perform(Trunks("Keys").add(new))
        return new.secret

    def entries(self, call: str) -> list[Entry]:
        """Return a call's log."""
        entries: list[Entry] = []
        while page := self._perform(Log(_CALLS, call).read(after=len(entries))):
            entries += page
        return entries

    async def ended(self, call: str) -> list[Entry]:
        """Return a call's log once nothing is missing in it, or after a minute."""
        for _ in range(600):
            if fold(entries := self.entries(call)).settled:
                break
            await asyncio.sleep(0.1)
        return entries

    def forget(self, call: str) -> None:
        """Drop all that is kept of a call; what is written of it from now on is a stray."""
        del self.watches[call], self._plans[call]
        # A request whose answer was lost may still be tried again, and must find what is there.
        asyncio.get_running_loop().call_later(LINGER_S, self.aws.forget, call)
        self._struck.pop(call, None)
        for session in [
            each for each in self.gladia.sessions.values() if call_of(each.request.custom_metadata) == call
        ]:
            self.gladia.forget(session.session_id)

    def struck(self, call: str) -> list[Injected]:
        """Return the faults of Gladia's that struck a call so far."""
        for injected in self.gladia.injected[self._counted :]:
            self._struck.setdefault(injected.who.partition("/")[0], []).append(injected)
        self._counted = len(self.gladia.injected)
        return self._struck.get(call, [])

    async def _answer(self, stack: contextlib.AsyncExitStack) -> None:
        """Start what answers at `media_url`, until `stack` ends: the bridge."""
        port = free_port()
        self.media_url = f"ws://127.0.0.1:{port}"
        self.bridge = await stack.enter_async_context(self._bridge(port, self.log_path))

    def _written(self, table: str, item: Item) -> None:
        if table != _CALLS or not item["sk"]["S"].startswith("LOG#"):
            return
        entry = entry_of(item)
        watch = self.watches.get(entry.call_id)
        if watch is None:
            self.strays.append(f"{entry.kind} of {entry.call_id}")
        else:
            watch.add(Written(item["token"]["S"], entry))

    async def _voice(self, request: web.Request) -> web.Response:
        plan = self._plans[request.match_info["call"]]
        form = await request.post()
        started = CallStarted(
            provider="twilio",
            direction="inbound",
            account=self.account.sid,
            from_number=str(form["From"]),
            to_number=str(form["To"]),
            settings=plan.settings,
        )
        log = Log(_CALLS, plan.call_id)
        self._perform(log.open(started, at=_now(), tenant=TENANT, token=plan.call_id))
        ticket = Ticket(use="media", tenant=TENANT, calls=(plan.call_id,), expires_at=int(time.time()) + 600)
        address = quoteattr(f"{self.media_url}/twilio/{sign(ticket, SIGNING_KEY)}")
        verbs = f'<Start><Stream url={address} track="both_tracks"/></Start><Dial>+12025550100</Dial>'
        return web.Response(text=f"<Response>{verbs}</Response>", content_type="text/xml")

    async def _status(self, request: web.Request) -> web.Response:
        plan = self._plans[request.match_info["call"]]
        form = await request.post()
        ended = CallEnded(reason=str(form["CallStatus"]), duration_ms=int(str(form["CallDuration"])) * 1000)
        token = f"{plan.call_id}/ended"
        self._perform(Log(_CALLS, plan.call_id).append(ended, at=_now(), tenant=TENANT, token=token))
        return web.Response()

    def _perform(self, steps: Steps[Any]) -> Any:
        """Run the log's requests as a function would, straight on the tables."""
        answer: Any = None
        while True:
            try:
                request = steps.send(answer)
            except StopIteration as done:
                return done.value
            operation = "".join(word.capitalize() for word in request.method.split("_"))
            try:
                answer = self.aws.tables.perform(operation, request.arguments)
            except Failed as failed:
                if failed.item is None:
                    raise
                answer = Conflict(failed.item)

    def _bridge(self, port: int, log: Path, *, grace_s: float = GRACE_S) -> Process:
        environment = {
            "PATH": os.environ["PATH"],
            "CALLS_TABLE": _CALLS,
            "SUBSCRIPTIONS_TABLE": "Subscriptions",
            "SESSIONS_TABLE": "Sessions",
            "KEYS_TABLE": "Keys",
            "PUSH_ENDPOINT": f"{self.url}/live",
            "MEDIA_URL": self.media_url,
            "GLADIA_URL": self.gladia.url,
            "GLADIA_SESSIONS": "1000",  # more than there are calls; each asking looks at all of them
            "TWILIO_URL": self._twilio_url or self.rest.url,
            "GLADIA_SECRET": "GLADIA",
            "TWILIO_SECRET": "TWILIO",
            "SIGNING_SECRET": "SIGNING",
            "SPILL_DIR": self._spill,
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "SIP_PORT": str(self.sip_port),
            "DRAIN_S": str(self._drain_s),
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "chaos",
            "AWS_SECRET_ACCESS_KEY": "chaos",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
        }
        what = ["bench.chaos.bridge_process", json.dumps(self._patience)] if self._patience else ["bridge"]
        return Process(
            "the bridge",
            [sys.executable, "-m", *what],
            log=log,
            environment=environment,
            grace_s=grace_s,
            ready=lambda line: "ready" if line.get("message") == "listening" else None,
        )


def call_of(metadata: Mapping[str, Any] | None) -> str:
    """Return the call that a Gladia session was opened for, by its metadata."""
    return str((metadata or {}).get("call_id", ""))


def _now() -> str:
    return timestamp(datetime.now(UTC))
