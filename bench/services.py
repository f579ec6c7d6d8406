"""What the bridge talks to, in its cheapest form: a Gladia that discards audio, an AWS that agrees to everything.

Neither keeps nor checks anything, so that what is measured is the bridge. The clock is CLOCK_MONOTONIC.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import ssl
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from bench.answering import Answering, Asked, response
from bench.discarding import Arrivals, Session, utterance
from bench.load import Caller

CHUNK_BYTES = 1600  # 100 ms of both tracks
FIRST_FRAMES = 50
PARTIAL_EVERY_S = 0.3
FINAL_EVERY_S = 3.0
SECRETS = {"GLADIA": {"api_key": "k"}, "TWILIO": {"auth_token": "token"}, "SIGNING": {"current": "key"}}
_AMZ_JSON = "application/x-amz-json-1.0"


class Services:
    """Gladia and AWS on one port; Gladia on another one too, by TLS, if there is a context for it."""

    def __init__(self, *, speaks: bool, tls: ssl.SSLContext | None = None) -> None:
        """`speaks`: Gladia sends partials and finals on both channels, and one subscriber follows each call."""
        self._speaks = speaks
        self.tls = tls
        self.sessions: dict[str, Arrivals] = {}
        self.appended = 0
        self.posted = 0
        self.url = ""
        self.gladia_url = ""

    def connection(self) -> Answering:
        """Return what serves a client that has just connected."""
        return Answering(self._respond, self._join)

    def _respond(self, asked: Asked) -> bytes:
        if asked.path.startswith("/v2/live"):
            return self._open(asked.body) if asked.method == "POST" else response(b"", status="404 Not Found")
        if asked.path.startswith("/live/"):
            return response(b"") if self._post(unquote(asked.path).rpartition("/")[2], asked.body) else b""
        target = asked.header(b"x-amz-target").rpartition(b".")[2].decode()
        status, answer = self._aws(target, msgspec.json.decode(asked.body, type=dict[str, Any]))
        return response(msgspec.json.encode(answer), status=status, content_type=_AMZ_JSON)

    def _open(self, body: bytes) -> bytes:
        metadata = msgspec.json.decode(body)["custom_metadata"]
        # Who has a session a track says which.
        session = ".".join(metadata[name] for name in ("call_id", "track") if name in metadata)
        self.sessions[session] = Arrivals(metadata["call_id"])
        url = f"{self.gladia_url.replace('http', 'ws', 1)}/v2/live?token={session}"
        opened = {"id": session, "created_at": "2026-11-26T09:15:02.417Z", "url": url}
        return response(msgspec.json.encode(opened), status="201 Created")

    def _join(self, asked: Asked, transport: asyncio.Transport) -> Session | None:
        token = parse_qs(urlsplit(asked.path).query)["token"][0]
        arrivals = self.sessions.get(token)
        if arrivals is None:
            return None
        session = Session(transport, arrivals)
        if self._speaks:
            session.speak(self._speak(session, token, arrivals))
        return session

    async def _speak(self, session: Session, _call_id: str, arrivals: Arrivals) -> None:
        each = round(FINAL_EVERY_S / PARTIAL_EVERY_S)
        for step in itertools.count():
            await asyncio.sleep(PARTIAL_EVERY_S)
            number, count = divmod(step, each)
            words = [f" word{place}" for place in range(count + 1)]
            for channel in (0, 1):
                at_s = arrivals.received / 16_000
                session.send_text(utterance(channel, number, words, at_s=at_s, is_final=count + 1 == each))

    def _post(self, _connection: str, _body: bytes) -> bool:
        """Take a post to a connection; return whether it is answered at all."""
        self.posted += 1
        return True

    def _aws(self, target: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the status and the body of the answer to an operation."""
        if target == "PutItem":
            self.appended += 1
        return "200 OK", self._answer(target, body)

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
    """Let `services` be at its `url`, and its Gladia at its `gladia_url`."""
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        plain = await loop.create_server(services.connection, "127.0.0.1", 0, backlog=1024)
        stack.callback(plain.close)
        services.url = services.gladia_url = f"http://127.0.0.1:{plain.sockets[0].getsockname()[1]}"
        if services.tls is not None:
            secure = await loop.create_server(services.connection, "127.0.0.1", 0, backlog=1024, ssl=services.tls)
            stack.callback(secure.close)
            services.gladia_url = f"https://127.0.0.1:{secure.sockets[0].getsockname()[1]}"
        yield


def added_ms(
    caller: Caller, chunks: list[tuple[int, float]], *, tick_bytes: int = 320, chunk_bytes: int = CHUNK_BYTES
) -> list[float]:
    """Return for each of these arrivals how long after its last frame was sent it came.

    A tick of the caller's is `tick_bytes` of the session; only what came in whole chunks counts. The first second
    is left out: the session is still being opened, and its first words are a backlog.
    """
    return [
        (at_s - caller.sent_at_s[received // tick_bytes - 1]) * 1000
        for received, at_s in chunks
        if received % chunk_bytes == 0 and received // tick_bytes - 1 > FIRST_FRAMES
    ]
