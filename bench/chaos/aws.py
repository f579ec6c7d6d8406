"""AWS as the bridge meets it, over HTTP and in memory: DynamoDB, secrets, clients' connections; faults by call.

A fault strikes requests that name a call's partition, so that one call's faults are the same whatever others do.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

from bench.chaos.aws_faults import SLOW_S, AwsFault, Kind, Subscriber
from bench.chaos.expressions import Unsupported
from bench.chaos.tables import Failed, Tables

SIGNING_KEY = "key"
_JSON = "application/x-amz-json-1.0"
_HANG_S = 60.0  # longer than any client's patience
_POSTS: dict[Subscriber, tuple[int, str]] = {
    "gone": (410, "GoneException"),
    "throttled": (429, "LimitExceededException"),
    "failed": (500, "InternalServerError"),
}


@dataclass(slots=True)
class Misfortune:
    """What one call has to expect of AWS, and what came of it."""

    faults: tuple[AwsFault, ...] = ()
    subscriber: Subscriber = "none"
    requests: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    posts: int = 0

    def next(self) -> Kind | None:
        """Return what happens to the call's next request to DynamoDB."""
        self.requests += 1
        kind = next((fault.kind for fault in self.faults if fault.strikes(self.requests)), None)
        if kind is not None:
            self.struck[kind] += 1
        return kind


class Aws:
    """All of AWS on one port. `unsupported` are requests that it could not even understand: each is a finding."""

    def __init__(self, tables: Tables, *, auth_token: str) -> None:
        self.tables = tables
        self.is_throttled = False  # DynamoDB refuses whatever anybody asks of it
        self._calls: dict[str, Misfortune] = {}
        self.unsupported: list[str] = []
        self._secrets = {
            "GLADIA": {"api_key": "k"},
            "TWILIO": {"auth_token": auth_token},
            "SIGNING": {"current": SIGNING_KEY},
        }

    def expect(self, call: str, faults: tuple[AwsFault, ...], subscriber: Subscriber) -> None:
        """Let this befall a call; its subscriber's connection bears its name."""
        self._calls[call] = Misfortune(faults, subscriber)

    def struck(self, call: str) -> Counter[str]:
        """Return which faults struck a call so far."""
        return self._calls[call].struck

    def forget(self, call: str) -> None:
        """Drop all that is kept of a call."""
        del self._calls[call]
        self.tables.forget(f"CALL#{call}")

    def add_routes(self, app: web.Application) -> None:
        """Serve AWS's routes in `app`."""
        app.router.add_post("/", self._ask)
        app.router.add_post("/live/@connections/{connection}", self._post)

    async def _ask(self, request: web.Request) -> web.StreamResponse:
        operation = request.headers["X-Amz-Target"].rpartition(".")[2]
        body = msgspec.json.decode(await request.read(), type=dict[str, Any])
        if operation == "GetSecretValue":
            return _answer({"SecretString": json.dumps(self._secrets[body["SecretId"]])})
        if self.is_throttled:
            return _refusal(400, "ProvisionedThroughputExceededException")
        call = self._calls.get(_call_of(body))
        return await self._befall(
            request, None if call is None else call.next(), lambda: self._dynamodb(operation, body)
        )

    async def _befall(
        self, request: web.Request, kind: Kind | None, perform: Callable[[], web.Response]
    ) -> web.StreamResponse:
        match kind:
            case "throttled":
                return _refusal(400, "ProvisionedThroughputExceededException")
            case "failed":
                return _refusal(500, "InternalServerError")
            case "slow":
                await asyncio.sleep(SLOW_S)
            case "hung":
                await asyncio.sleep(_HANG_S)
            case "cut":
                return _cut(request)
            case "answer_lost":
                perform()
                return _cut(request)
        return perform()

    def _dynamodb(self, operation: str, body: dict[str, Any]) -> web.Response:
        try:
            return _answer(self.tables.perform(operation, body))
        except Failed as failed:
            return _refusal(400, failed.code, item=failed.item)
        except Unsupported as unsupported:
            self.unsupported.append(str(unsupported))
            return _refusal(400, "ValidationException")

    async def _post(self, request: web.Request) -> web.StreamResponse:
        call = self._calls.get(request.match_info["connection"])
        await request.read()
        if call is None:
            return _refusal(410, "GoneException")
        call.posts += 1
        if call.subscriber == "hangs":
            await asyncio.sleep(_HANG_S)
        if call.subscriber in _POSTS:
            return _refusal(*_POSTS[call.subscriber])
        return web.Response()


def _call_of(body: Mapping[str, Any]) -> str:
    """Return the id of the call whose partition a request names; empty if it names none."""
    named = body.get("Item") or body.get("Key")
    keys = [named["pk"]] if named else body.get("ExpressionAttributeValues", {}).values()
    return next((key["S"][5:] for key in keys if str(key.get("S", "")).startswith("CALL#")), "")


def _answer(body: Mapping[str, Any], *, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), status=status, content_type=_JSON)


def _refusal(status: int, code: str, *, item: Any = None) -> web.Response:
    body: dict[str, Any] = {"__type": f"com.amazonaws#{code}", "message": "refused, on demand"} | (
        {} if item is None else {"Item": item}
    )
    answer = _answer(body, status=status)
    answer.headers["x-amzn-ErrorType"] = code
    return answer


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
