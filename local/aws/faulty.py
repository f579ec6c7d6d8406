"""A reverse proxy before an AWS endpoint that lets requests fail on demand: DynamoDB, and `@connections`."""

import asyncio
import contextlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import unquote

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web
from yarl import URL

from local.aws import faults
from local.aws.faults import NO_FAULTS, POST, Fault, Plan

# Those of one hop, and what the proxy's own client and server write themselves.
_NOT_PASSED_ON = {"connection", "keep-alive", "transfer-encoding", "host", "content-length", "date", "server"}
_LARGEST_BODY_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request is: the operation, its table if it has one, and the partition key or connection it is about."""

    operation: str
    table: str
    about: str


@dataclass(frozen=True, slots=True)
class Struck:
    """A request that met a fault; `number` counts those of the same operation about the same, from 1."""

    asked: Asked
    number: int
    fault: Fault


class FaultyAws:
    """The proxy, as an asynchronous context; `url` is what a client takes for the endpoint.

    `plan` may be replaced at any time; what was counted for rules begins again then.
    """

    def __init__(self, upstream_url: str, plan: Plan = NO_FAULTS) -> None:
        self.url = ""
        self.struck: list[Struck] = []
        self.passed: Counter[str] = Counter()  # by operation
        self.stuck = asyncio.Event()  # a request hangs
        self._upstream_url = upstream_url.rstrip("/")
        self._plan = plan
        self._fitting: Counter[int] = Counter()  # by place of the rule
        self._numbers: Counter[Asked] = Counter()
        self._gone: set[str] = set()
        self._closing = asyncio.Event()
        self._stack = contextlib.AsyncExitStack()

    @property
    def plan(self) -> Plan:
        """The plan in force."""
        return self._plan

    @plan.setter
    def plan(self, plan: Plan) -> None:
        self._plan = plan
        self._fitting.clear()

    async def __aenter__(self) -> Self:
        """Listen on a free port of this machine."""
        app = web.Application(client_max_size=_LARGEST_BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None)
        # Headers and bodies go through as they are, however large or compressed.
        self._http = await self._stack.enter_async_context(
            ClientSession(
                connector=TCPConnector(limit=0),
                auto_decompress=False,
                cookie_jar=DummyCookieJar(),
                timeout=ClientTimeout(total=None),
            )
        )
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        self._stack.callback(self._closing.set)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """Stop, with all requests that hang."""
        await self._stack.aclose()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        asked = asked_by(request.raw_path, request.headers.get("X-Amz-Target", ""), body)
        self._numbers[asked] += 1
        fault = self._fault(asked)
        if fault is None:
            self.passed[asked.operation] += 1
            return await self._pass_on(request, body)
        self.struck.append(Struck(asked, self._numbers[asked], fault))
        match fault:
            case faults.Hangs():
                self.stuck.set()
                await self._closing.wait()
                return _reset(request)
            case faults.Cut(at="request"):
                return _reset(request)
            case faults.Cut(at=moment):
                answer = await self._pass_on(request, body)
                return _reset(request) if moment == "done" else await _half(request, answer)
            case faults.Gone():
                self._gone.add(asked.about)
        return _error(fault)

    def _fault(self, asked: Asked) -> Fault | None:
        """Return what happens to this request; every rule that fits counts it, though only one strikes."""
        if asked.operation == POST and asked.about in self._gone:
            return faults.Gone()
        striking: Fault | None = None
        for place, rule in enumerate(self._plan.rules):
            if rule.fits(asked.operation, asked.table, asked.about):
                self._fitting[place] += 1
                if striking is None and rule.strikes(self._fitting[place]):
                    striking = rule.fault
        if striking is None and self._plan.chance is not None:
            striking = self._plan.chance.draw(asked.operation, asked.about, self._numbers[asked])
        return striking

    async def _pass_on(self, request: web.Request, body: bytes) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _NOT_PASSED_ON}
        async with self._http.request(
            request.method, URL(self._upstream_url + request.raw_path, encoded=True), headers=headers, data=body
        ) as answer:
            passed_on = {name: value for name, value in answer.headers.items() if name.lower() not in _NOT_PASSED_ON}
            return web.Response(status=answer.status, body=await answer.read(), headers=passed_on)


def asked_by(path: str, target: str, body: bytes) -> Asked:
    """Return what a request asks, by its path, its `X-Amz-Target` and its body."""
    _, found, connection = path.partition("/@connections/")
    if found:
        return Asked(POST, "", unquote(connection.partition("?")[0]))
    operation = target.rpartition(".")[2]
    try:
        arguments: Any = json.loads(body)
        key = arguments.get("Item") or arguments.get("Key")
        about = key["pk"] if key else arguments.get("ExpressionAttributeValues", {}).get(":pk", {})
        return Asked(operation, str(arguments.get("TableName", "")), str(about.get("S", "")))
    except (ValueError, AttributeError, KeyError, TypeError):
        return Asked(operation, "", "")


def _error(fault: Fault) -> web.Response:
    """Return the answer that says so, as AWS words it."""
    match fault:
        case faults.Throttled(code=code) | faults.Denied(code=code):
            body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "on demand"}
            return web.json_response(body, status=400, content_type="application/x-amz-json-1.0")
        case faults.Gone():
            return _rest_error(410, "GoneException")
        case faults.Limited():
            return _rest_error(429, "LimitExceededException")
        case faults.Forbidden():
            return _rest_error(403, "ForbiddenException")
        case faults.Failed(status=500):
            body = {"__type": "com.amazonaws.dynamodb.v20120810#InternalServerError", "message": "on demand"}
            return web.json_response(body, status=500, content_type="application/x-amz-json-1.0")
        case faults.Failed(status=status):
            return web.Response(status=status, text="<html>on demand</html>", content_type="text/html")  # a gateway's
    raise AssertionError(fault)


def _rest_error(status: int, code: str) -> web.Response:
    return web.json_response({"message": "on demand"}, status=status, headers={"x-amzn-ErrorType": code})


def _reset(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _half(request: web.Request, answer: web.Response) -> web.StreamResponse:
    """Send what `answer` announces, and break off in the middle."""
    body = answer.body if isinstance(answer.body, bytes) else b""
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_length = max(2, len(body))
    await response.prepare(request)
    await response.write(body[: len(body) // 2] or b"{")
    if request.transport is not None:
        request.transport.abort()
    return response
