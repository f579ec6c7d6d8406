"""An AWS for one function, in a process of its own: tables in memory, secrets, parameters, a bucket, connections."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import multiprocessing
from collections.abc import Iterator, Mapping
from multiprocessing.connection import Connection
from typing import Any, Final

from aiohttp import web

from bench.chaos.tables import Failed, Tables
from callscribe.api_keys import ApiKey, ApiKeys, NewKey
from callscribe.dynamodb import perform
from callscribe.entries import CallEnded, CallStarted, Ledger, LegEnded, LegStarted, Utterance, Word
from callscribe.log import Log
from callscribe.subscriptions import Subscription, Subscriptions
from tests.tables import TABLES

SECRETS: Final = {
    "gladia": {"api_key": "example-key-of-gladia"},
    "twilio": {"auth_token": "example-token-not-a-secret"},
    "signing": {"current": "example-key-not-a-secret"},
}
PARAMETERS: Final = {
    "/settings": json.dumps({"default": {"then": {"dial": "+12025550199"}, "tenant": "acme"}}),
    "/media-url": "wss://d111111abcdef8.cloudfront.net",
}
TENANT: Final = "acme"
# A call in progress with one subscriber, one with many, and all calls whose names begin with the third are over.
CALL, CROWDED, OVER = "CA1", "CA500", "CAover"
CROWD: Final = 500
UTTERANCES: Final = 20
POST_S: Final = 0.02  # what @connections takes to answer: 10 to 50 ms
API_KEY: Final = "cs_0123456789abcdef_" + 43 * "k"
_AT = "2026-11-22T09:15:02.417Z"
_NEVER = 4102444800


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """Yield the address of an AWS while inside; it is also Gladia's, which knows no session."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,), daemon=True)
    server.start()
    there.close()  # so that one that ends at once is noticed
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        server.terminate()
        server.join()


def _serve(told: Connection) -> None:
    async def run() -> None:
        runner = web.AppRunner(_Aws().app(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        told.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())


class _Aws:
    def __init__(self) -> None:
        self._tables = Tables(*TABLES, written=lambda _table, _item: None)
        self._client: Any = _Client(self._tables)
        self._fill()

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/", self._service)
        app.router.add_post("/live/@connections/{id}", self._post)
        app.router.add_put("/archive/{key:.*}", self._put)
        app.router.add_get("/{path:.*}", self._nothing)
        return app

    async def _service(self, request: web.Request) -> web.Response:
        service, _, operation = request.headers["X-Amz-Target"].rpartition(".")
        body = json.loads(await request.read())
        try:
            answer = self._answer(service, operation, body)
        except Failed as failed:
            said = {"__type": f"com.amazonaws.dynamodb.v20120810#{failed.code}", "Item": failed.item or {}}
            return web.json_response(said, status=400, content_type="application/x-amz-json-1.0")
        return web.json_response(answer, content_type="application/x-amz-json-1.1")

    def _answer(self, service: str, operation: str, body: dict[str, Any]) -> Mapping[str, Any]:
        match operation:
            case "GetSecretValue":
                return {"SecretString": json.dumps(SECRETS[body["SecretId"]])}
            case "GetParameter":
                return {"Parameter": {"Name": body["Name"], "Type": "String", "Value": PARAMETERS[body["Name"]]}}
            case "PutEvents":
                return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in body["Entries"]]}
            case _ if service.startswith("DynamoDB"):
                self._end(body)
                return self._tables.perform(operation, body)
            case _:
                return {}

    def _end(self, request: Mapping[str, Any]) -> None:
        """Have a call whose log is read for the first time be over: each is finished once."""
        partition = request.get("ExpressionAttributeValues", {}).get(":pk", {}).get("S", "")
        calls = self._tables.tables["Calls"].partitions
        if partition.startswith(f"CALL#{OVER}") and partition not in calls:
            self._log(partition.removeprefix("CALL#"), is_over=True)

    def _fill(self) -> None:
        subscriptions = Subscriptions("Subscriptions")
        for call_id, crowd in ((CALL, 1), (CROWDED, CROWD)):
            self._log(call_id)
            for number in range(crowd):
                perform(self._client, subscriptions.put(Subscription(call_id, _connection(number), TENANT, _NEVER)))
        key = ApiKey(API_KEY[3:19], TENANT, "bench", _AT)
        perform(self._client, ApiKeys("Keys").add(NewKey(key, API_KEY)))

    def _log(self, call_id: str, *, is_over: bool = False) -> None:
        for seq, body in enumerate(_bodies(is_over=is_over), start=1):
            steps = Log("Calls", call_id).append(body, at=_AT, tenant=TENANT, token=str(seq), tail=seq - 1)
            perform(self._client, steps)

    @staticmethod
    async def _post(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(POST_S)
        return web.Response()

    @staticmethod
    async def _put(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(headers={"ETag": '"1"'})

    @staticmethod
    async def _nothing(_request: web.Request) -> web.Response:
        return web.json_response({}, status=404)


class _Client:
    """The tables, as `callscribe.dynamodb` asks boto3's client."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def __getattr__(self, method: str) -> Any:
        operation = "".join(part.title() for part in method.split("_"))
        return lambda **arguments: self._tables.perform(operation, arguments)


def _connection(number: int) -> str:
    return base64.b64encode(f"{number:010}".encode()).decode()


def _bodies(*, is_over: bool) -> Iterator[Any]:
    leg = "MZ1/inbound"
    yield CallStarted(
        provider="twilio", direction="inbound", account="AC1", from_number="+12025550123", to_number="+12025550188"
    )
    yield LegStarted(
        leg=leg, party="caller", track="inbound", codec="mulaw/8000", media_stream="MZ1", session="G1", channel=0,
        offset_ms=0, session_begin_ms=0,
    )  # fmt: skip
    for number in range(UTTERANCES):
        begin_ms = 3000 * number
        words = tuple(Word(f" word{at}", begin_ms + 200 * at, begin_ms + 200 * at + 180, 0.9) for at in range(10))
        yield Utterance(
            leg=leg, id=f"G1/{number}", text="".join(word.text for word in words).strip(), start_ms=begin_ms,
            end_ms=begin_ms + 2000, language="en", confidence=0.9, words=words,
        )  # fmt: skip
    if is_over:
        yield LegEnded(leg=leg, ledger=Ledger(heard=8000, sent=8000, acknowledged=8000), sessions=1, reconnects=0)
        yield CallEnded(reason="completed", duration_ms=60_000)
