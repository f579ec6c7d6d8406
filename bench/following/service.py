"""The push service and the HTTP API in one process and in memory, by the functions' own rules.

Where API Gateway, Lambda and DynamoDB are on AWS, there is one server here, which a test can cut, refuse and hurry.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Self

import msgspec
from aiohttp import WSMsgType, web

from bench.chaos.tables import Failed, Tables
from callscribe.entries import Body, CallEnded, CallStarted, Entry, Ledger, LegEnded, LegStarted, Utterance, timestamp
from callscribe.errors import Refused, SubscriberGone
from callscribe.joined import Joined
from callscribe.log import Log
from callscribe.messages import PartialMessage, frames
from callscribe.requests import Conflict
from callscribe.subscriptions import Behind, Subscription, Subscriptions
from callscribe.twilio_rest import TwilioRest
from callscribe.used_tickets import UsedTickets
from functions.authorize.decision import decide
from functions.calls.operations import OPERATIONS, Operation
from functions.calls.problems import Problem
from functions.calls.questions import of_body, of_query
from functions.calls.service import Asked, Service
from functions.push.deliver import deliver
from functions.scope import of_context
from functions.stream_records import Batch, Written
from functions.subscribe.conversation import Client, Conversation

KEY = "cs_0123456789abcdef_" + "k" * 43
SIGNING = '{"current":"signing-key"}'
TENANT = "acme"
ORIGIN = {"access-control-allow-origin": "*", "access-control-allow-headers": "authorization, content-type"}


class FollowingService:
    """One deployment with one tenant."""

    def __init__(self) -> None:
        self.tables = Tables("Calls", "Subscriptions", "Tickets", written=self._written)
        self.sockets: dict[str, web.WebSocketResponse] = {}
        self._transports: dict[str, asyncio.Transport] = {}
        self.connections = 0
        self.tickets_refused = 0  # so many requests for tickets to come get 503
        self.expired = 0  # so many tickets to come expire as soon as they have let somebody in
        self.key = KEY
        self.asked: list[str] = []  # actions of clients
        self.connected = asyncio.Event()
        self._subscribed = asyncio.Event()
        self.url = ""
        self._workers = ThreadPoolExecutor(16)
        self.subscriptions = Subscriptions("Subscriptions")
        self.files: dict[str, bytes] = {}  # of the archive, by their keys
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        """Begin to answer."""
        app = web.Application()
        for operation in OPERATIONS:
            app.router.add_route(operation.method, operation.path, self._serving(operation))
        app.router.add_route("OPTIONS", "/{path:.*}", self._preflight)
        app.router.add_get("/live", self._connect)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, backlog=1024).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self.service = Service(
            calls_table="Calls",
            perform=self.perform,
            ask=_nobody,
            twilio=lambda: TwilioRest("", ""),
            settings=lambda: "{}",
            media_url=lambda: "wss://media.example.test",
            signing_secret=lambda: SIGNING,
            queries=_NoQueries(),
            joined=lambda _tenant: Joined(),
            file=self.files.get,
            push_url=self.url.replace("http", "ws") + "/live",
            stream_status_url="",
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Cut off whoever is there, and end."""
        self.cut()
        if self._runner is not None:
            await self._runner.cleanup()
        self._workers.shutdown()

    # What happens

    async def append(self, call_id: str, *bodies: Body) -> list[Entry]:
        """Append to a call's log, and push what was appended as the stream of Calls would have it."""
        entries = [self.write(call_id, body) for body in bodies]
        await self.push(*entries)
        return entries

    def write(self, call_id: str, body: Body) -> Entry:
        """Append to a call's log and push nothing."""
        log = Log("Calls", call_id)
        at = timestamp(datetime.now(UTC))
        tail = self.perform(log.tail())
        entry: Entry = self.perform(log.append(body, at=at, tenant=TENANT, token=f"{call_id}/{tail + 1}", tail=tail))
        return entry

    async def push(self, *entries: Entry) -> None:
        """Push entries, in this order, to whoever follows."""
        calls: dict[str, list[Written]] = {}
        for position, entry in enumerate(entries):
            calls.setdefault(entry.call_id, []).append(Written(position, str(position), entry))
        services = _Services(self, asyncio.get_running_loop())
        await asyncio.to_thread(deliver, Batch(calls, 0), services, workers=self._workers, now_s=time.time())

    async def say(self, call_id: str, text: str, *, leg: str, party: str, utterance: str, start_ms: int) -> None:
        """Post a partial to the call's followers, as the bridge does."""
        partial = PartialMessage(
            call_id=call_id, leg=leg, party=party, id=utterance, text=text, start_ms=start_ms,
            end_ms=start_ms + 60 * len(text), after=0,
        )  # fmt: skip
        for each in self.perform(self.subscriptions.of_call(call_id, now_s=time.time())):
            try:
                await self.post(each.connection_id, frames([partial])[0])
            except SubscriberGone:
                self.forget(each)

    def cut(self) -> None:
        """Cut every connection without a word."""
        for transport in self._transports.values():
            transport.abort()

    async def followed(self, call_id: str, by: int = 1) -> None:
        """Wait until so many connections follow a call."""
        while len(self.perform(self.subscriptions.of_call(call_id, now_s=time.time()))) < by:
            self._subscribed.clear()
            await self._subscribed.wait()

    def _written(self, table: str, _item: Any) -> None:
        if table == "Subscriptions":
            self._subscribed.set()

    def perform(self, steps: Any) -> Any:
        """Run a DynamoDB operation's steps on the tables."""
        answer: Any = None
        try:
            while True:
                request = steps.send(answer)
                operation = "".join(word.capitalize() for word in request.method.split("_"))
                try:
                    answer = self.tables.perform(operation, request.arguments)
                except Failed as failed:
                    if failed.item is None and failed.code != "ConditionalCheckFailedException":
                        raise
                    answer = Conflict(failed.item or {})
        except StopIteration as done:
            return done.value

    # How it is asked

    async def _preflight(self, _request: web.Request) -> web.Response:
        return web.Response(headers=ORIGIN)

    def _serving(self, operation: Operation) -> Callable[[web.Request], Any]:
        async def serve(request: web.Request) -> web.Response:
            if request.headers.get("authorization") != f"Bearer {self.key}":
                return _problem(Problem(HTTPStatus.UNAUTHORIZED, "unauthorized", "the API key is wrong"))
            if operation.name == "makeTicket" and self.tickets_refused:
                self.tickets_refused -= 1
                return _problem(Problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "ask again"))
            try:
                question = None
                if operation.query is not None:
                    question = of_query(request.query, operation.query)
                elif operation.body is not None:
                    question = of_body(await request.read(), operation.body)
                asked = Asked(tenant=TENANT, now=datetime.now(UTC), path=dict(request.match_info), question=question)
                reply = operation.act(self.service, asked)
            except Problem as problem:
                return _problem(problem)
            headers = {**ORIGIN, **reply.headers, "content-type": reply.media_type}
            return web.Response(status=reply.status, body=reply.body.encode(), headers=headers)

        return serve

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        text = request.query.get("ticket")
        if not text:
            return web.Response(status=401)
        answer, word = decide(
            text, ["signing-key"], method_arn="arn", now_s=time.time(),
            use=lambda ticket: self.perform(UsedTickets("Tickets").use(ticket)),
        )  # fmt: skip
        if word != "allowed":
            return web.Response(status=403)
        self.connections += 1
        ticket = of_context(answer["context"])
        if self.expired:
            self.expired -= 1
            ticket = msgspec.structs.replace(ticket, expires_at=1)
        client = Client(f"connection-{self.connections}", ticket)
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        self.sockets[client.connection_id] = socket
        if request.transport is not None:
            self._transports[client.connection_id] = request.transport
        self.connected.set()
        conversation = Conversation("Calls", self.subscriptions, self.perform, lambda: True)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self.asked.append(message.data)
                    for page in conversation.answer(message.data, client, now_s=time.time()):
                        for frame in frames(page):
                            await self.post(client.connection_id, frame)
        except SubscriberGone:
            pass
        finally:
            del self.sockets[client.connection_id]
            self._transports.pop(client.connection_id, None)
            self.perform(self.subscriptions.forget(client.connection_id))
        return socket

    async def post(self, connection_id: str, frame: bytes) -> None:
        """Post to a connection, as @connections does; raises SubscriberGone."""
        socket = self.sockets.get(connection_id)
        if socket is None or socket.closed:
            raise SubscriberGone(connection_id)
        try:
            await socket.send_str(frame.decode())
        except ConnectionError as error:
            raise SubscriberGone(connection_id) from error

    def forget(self, subscription: Subscription) -> None:
        """Remove a subscription."""
        self.perform(self.subscriptions.remove(subscription))


class _Services:
    """What `push` asks, in a thread of its own."""

    def __init__(self, service: FollowingService, loop: asyncio.AbstractEventLoop) -> None:
        self._service = service
        self._loop = loop

    def followers(self, call_id: str) -> list[Subscription]:
        found: list[Subscription] = self._perform(self._service.subscriptions.of_call(call_id, now_s=time.time()))
        return found

    def watchers(self, tenant: str) -> list[Subscription]:
        found: list[Subscription] = self._perform(self._service.subscriptions.of_tenant(tenant, now_s=time.time()))
        return found

    def post(self, connection_id: str, frame: bytes, *, patience_s: float) -> None:  # noqa: ARG002
        asyncio.run_coroutine_threadsafe(self._service.post(connection_id, frame), self._loop).result(10)

    def forget(self, subscription: Subscription) -> None:
        self._service.forget(subscription)

    def fall_behind(self, subscription: Subscription, behind: Behind) -> None:
        self._perform(self._service.subscriptions.fall_behind(subscription, behind))

    def _perform(self, steps: Any) -> Any:
        return self._service.perform(steps)


def _problem(problem: Problem) -> web.Response:
    body = msgspec.json.encode(problem.document())
    return web.Response(
        status=problem.status, body=body, headers={**ORIGIN, "content-type": "application/problem+json"}
    )


class _NoQueries:
    """No archive: nobody searches here."""

    def start(self, sql: str) -> str:
        """Refuse."""
        raise Refused(f"no archive is here for {len(sql)} characters of SQL")

    def rows(self, query: str, *, wait_s: float) -> list[list[str]] | None:
        """Refuse."""
        raise Refused(f"no statement {query} to wait {wait_s} s for")


def _nobody(_exchange: Any) -> Any:
    raise Refused("there is no Twilio here")


# What calls are made of


def began(*, caller: str = "+12025550101") -> CallStarted:
    """Return the first entry of a call."""
    return CallStarted(
        provider="twilio", direction="inbound", account="AC1", from_number=caller, to_number="+12025550188"
    )


def leg(party: str) -> LegStarted:
    """Return the beginning of one party's audio."""
    return LegStarted(
        leg=f"MZ1/{party}", party=party, track="inbound", codec="mulaw/8000", media_stream="MZ1", session="G1",
        channel=0, offset_ms=0,
    )  # fmt: skip


def said(party: str, text: str, *, number: int, start_ms: int, end_ms: int | None = None) -> Utterance:
    """Return what a party said; without an end, it lasted as long as reading it aloud."""
    return Utterance(
        leg=f"MZ1/{party}", id=f"G1/{party}/{number}", text=text, start_ms=start_ms,
        end_ms=start_ms + 60 * len(text) if end_ms is None else end_ms, language="en", confidence=0.9, words=(),
    )  # fmt: skip


def silent(party: str) -> LegEnded:
    """Return the end of one party's audio, all of it heard."""
    ledger = Ledger(heard=8000, sent=8000, acknowledged=8000)
    return LegEnded(leg=f"MZ1/{party}", ledger=ledger, sessions=1, reconnects=0)


OVER = CallEnded(reason="completed", duration_ms=60_000)
