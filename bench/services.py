"""What the bridge talks to, in its cheapest form: a Gladia that discards audio, an AWS that agrees to everything.

Neither keeps nor checks anything, so that what is measured is the bridge. The clock is CLOCK_MONOTONIC.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from bench.load import Caller

CHUNK_BYTES = 1600  # 100 ms of both tracks
FIRST_FRAMES = 50
PARTIAL_EVERY_S = 0.3
FINAL_EVERY_S = 3.0
SECRETS = {"GLADIA": {"api_key": "k"}, "TWILIO": {"auth_token": "token"}, "SIGNING": {"current": "key"}}


@dataclass(slots=True)
class Arrivals:
    """When a session had received so many bytes of audio."""

    at_s: list[tuple[int, float]] = field(default_factory=list)
    received: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Services:
    """Gladia and AWS on one port."""

    def __init__(self, *, speaks: bool) -> None:
        """`speaks`: Gladia sends partials and finals on both channels, and one subscriber follows each call."""
        self._speaks = speaks
        self.sessions: dict[str, Arrivals] = {}
        self.appended = 0
        self.posted = 0
        self.url = ""

    def app(self) -> web.Application:
        """Return both as one web application."""
        app = web.Application()
        app.router.add_post("/v2/live", self._open)
        app.router.add_get("/v2/live", self._session)
        app.router.add_post("/live/@connections/{connection}", self._post)
        app.router.add_post("/", self._aws)
        return app

    async def _open(self, request: web.Request) -> web.Response:
        body = await request.json()
        session = body["custom_metadata"]["call_id"]
        self.sessions[session] = Arrivals()
        url = f"{self.url.replace('http', 'ws')}/v2/live?token={session}"
        return web.json_response({"id": session, "created_at": "now", "url": url}, status=201)

    async def _session(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False, autoping=True)
        await socket.prepare(request)
        arrivals = self.sessions[request.query["token"]]
        speaking = asyncio.create_task(self._speak(socket, request.query["token"], arrivals)) if self._speaks else None
        async for message in socket:
            if message.type is not WSMsgType.BINARY:
                break  # stop_recording
            begin = arrivals.received
            arrivals.received += len(message.data)
            arrivals.at_s.append((arrivals.received, time.monotonic()))
            await socket.send_str(
                '{"type":"audio_chunk","session_id":"s","created_at":"now","acknowledged":true,"error":null,'
                f'"data":{{"byte_range":[{begin},{arrivals.received}],"time_range":[0,0]}}}}'
            )
        if speaking is not None:
            speaking.cancel()
        arrivals.ended.set()
        await socket.close()
        return socket

    async def _speak(self, socket: web.WebSocketResponse, _call_id: str, arrivals: Arrivals) -> None:
        each = round(FINAL_EVERY_S / PARTIAL_EVERY_S)
        for step in itertools.count():
            await asyncio.sleep(PARTIAL_EVERY_S)
            number, count = divmod(step, each)
            words = [f" word{place}" for place in range(count + 1)]
            for channel in (0, 1):
                at_s = arrivals.received / 16_000
                await socket.send_str(utterance(channel, number, words, at_s=at_s, is_final=count + 1 == each))

    async def _post(self, request: web.Request) -> web.Response:
        await request.read()
        self.posted += 1
        return web.Response()

    async def _aws(self, request: web.Request) -> web.Response:
        target = request.headers["X-Amz-Target"].rpartition(".")[2]
        body = msgspec.json.decode(await request.read(), type=dict[str, Any])
        if target == "PutItem":
            self.appended += 1
        return web.json_response(self._answer(target, body), content_type="application/x-amz-json-1.0")

    def _answer(self, target: str, body: dict[str, Any]) -> dict[str, Any]:
        match target:
            case "GetSecretValue":
                return {"SecretString": json.dumps(SECRETS[body["SecretId"]])}
            case "Query" if body["TableName"] == "Subscriptions" and self._speaks:
                call = body["ExpressionAttributeValues"][":pk"]
                item = {
                    "pk": call,
                    "sk": {"S": "CONNECTION#c"},
                    "connection_id": {"S": call["S"].removeprefix("CALL#")},
                    "tenant": {"S": "bench"},
                    "expires_at": {"N": "9999999999"},
                }
                return {"Items": [item], "Count": 1}
            case "Query":
                return {"Items": [], "Count": 0}
            case _:
                return {}


@contextlib.asynccontextmanager
async def serving(services: Services) -> AsyncIterator[None]:
    """Let `services` be at its `url`."""
    runner = web.AppRunner(services.app(), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        services.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield
    finally:
        await runner.cleanup()


def utterance(channel: int, number: int, words: list[str], *, at_s: float, is_final: bool) -> str:
    """Return what Gladia says of utterance `number` of a channel so far, or for good."""
    timed = [{"word": word, "start": at_s, "end": at_s, "confidence": 0.9} for word in words]
    said = {
        "text": "".join(words), "start": at_s, "end": at_s, "confidence": 0.9, "channel": channel,
        "language": "en", "words": timed,
    }  # fmt: skip
    data = {"id": f"{channel:02}_{number:08}", "is_final": is_final, "utterance": said}
    return json.dumps({"type": "transcript", "session_id": "s", "created_at": "now", "data": data})


def added_ms(caller: Caller, chunks: list[tuple[int, float]]) -> list[float]:
    """Return for each of these arrivals how long after its last frame was sent it came.

    The first second is left out: the session is still being opened, and its first words are a backlog.
    """
    return [
        (at_s - caller.sent_at_s[received // 320 - 1]) * 1000
        for received, at_s in chunks
        if received % CHUNK_BYTES == 0 and received // 320 - 1 > FIRST_FRAMES
    ]
