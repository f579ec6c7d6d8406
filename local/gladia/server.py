"""The emulated Gladia as a server: HTTP and WebSocket on one port."""

import asyncio
import logging
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
from aiohttp import web

from local.gladia.errors import RequestError, decode_json, invalid
from local.gladia.faults import (
    HandshakeFault,
    HandshakeHangs,
    HandshakeRefused,
    OpeningFault,
    OpeningHangs,
    OpeningRefused,
    OpeningSlow,
)
from local.gladia.injector import Injected, Injector
from local.gladia.messages import timestamp
from local.gladia.prerecorded.routes import PreRecorded
from local.gladia.recogniser import Recogniser
from local.gladia.registry import Registry, job
from local.gladia.request import parse
from local.gladia.session import Session
from local.gladia.settings import Settings
from local.gladia.wire import Wire

logger = logging.getLogger(__name__)

REGIONS = ("eu-west", "us-west")
POST_SESSION_METADATA_LIMIT_BYTES = 100_000
_REQUEST_LIMIT_BYTES = 1 << 20

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class EmulatedGladia:
    """A Gladia on this machine, running while it is entered.

    `port` 0 takes a free one. `url` is what goes where `https://api.gladia.io` would stand.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        *,
        settings: Settings | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._recogniser = recogniser
        self._settings = settings or Settings()
        self._host = host
        self._port = port
        self._registry = Registry(self._settings)
        self._injector = Injector(self._settings.faults)
        self._stopping = asyncio.Event()
        self._wires: dict[str, Wire] = {}
        self._runner: web.AppRunner | None = None
        self._clock: Callable[[], float] = time.time
        self._folder = tempfile.TemporaryDirectory(prefix="gladia-")
        self.recordings = PreRecorded(
            recogniser,
            settings=self._settings,
            folder=Path(self._folder.name),
            admit=self._registry.admit,
            clock=self._now,
        )

    @property
    def sessions(self) -> Mapping[str, Session]:
        """Every session opened and not deleted, by id, the oldest first."""
        return self._registry.sessions

    @property
    def injected(self) -> Sequence[Injected]:
        """Every fault that struck, in that order."""
        return self._injector.injected

    @property
    def url(self) -> str:
        """The address to give to clients."""
        return f"http://{self._host}:{self._port}"

    def forget(self, session_id: str) -> None:
        """Let go of a session and its memory, whatever state it is in; its socket is closed with 1001."""
        self._registry.forget(self._registry.sessions[session_id])
        self._wires.pop(session_id).stop()

    async def __aenter__(self) -> Self:
        """Load the recogniser, then listen."""
        await self._recogniser.__aenter__()
        # POSIX seconds that never jump, so that no limit passes because somebody set the clock.
        offset_s = time.time() - asyncio.get_running_loop().time()
        loop_clock = asyncio.get_running_loop().time
        self._clock = lambda: loop_clock() + offset_s
        app = web.Application(middlewares=[self._answer_errors], client_max_size=_REQUEST_LIMIT_BYTES)
        app.add_routes(
            [
                web.get("/health", self._health),
                web.post("/v2/live", self._open),
                web.get("/v2/live", self._list_or_connect),
                web.get("/v2/live/{id}", self._get),
                web.patch("/v2/live/{id}", self._patch),
                web.delete("/v2/live/{id}", self._delete),
                web.get("/v2/live/{id}/file", self._file),
                *self.recordings.routes(),
            ]
        )
        # No access log: the socket's address is a secret.
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every socket with 1001, then the port, then the recogniser."""
        self._stopping.set()
        for wire in self._wires.values():
            wire.stop()
        await self.recordings.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        self._folder.cleanup()
        await self._recogniser.__aexit__(kind, error, trace)

    def _now(self) -> float:
        return self._clock()

    async def _health(self, _: web.Request) -> web.Response:
        return _json({"health": "OK"})

    async def _open(self, http: web.Request) -> web.Response:
        key = self._registry.admit(http.headers.get("x-gladia-key"))
        region = http.query.get("region")
        if region is not None and region not in REGIONS:
            raise invalid(f"region must be one of the following values: {', '.join(REGIONS)}")
        request = parse(await http.read(), nested_unknowns_refused=self._settings.nested_unknowns_refused)
        metadata = request.custom_metadata or {}
        victim, fault = self._injector.opening(metadata)
        await self._interfere(fault)
        try:
            session = self._registry.open(key, request, now=self._clock())
        except RequestError:
            self._injector.put_back(victim, metadata)
            raise
        victim.session_id = session.session_id
        self._wires[session.session_id] = Wire(
            session, victim=victim, recogniser=self._recogniser, settings=self._settings, clock=self._clock
        )
        self._log_opening(session)
        url = http.url.with_scheme("ws").with_path("/v2/live").with_query(token=session.token)
        body = {"id": session.session_id, "created_at": timestamp(session.created_at_s), "url": str(url)}
        return _json(body, status=201)

    def _log_opening(self, session: Session) -> None:
        facts = {"session_id": session.session_id}
        logger.info("session opened", extra=facts)
        asked, known = set(session.request.language_config.languages), self._recogniser.languages
        if asked and known and not asked & known:
            logger.warning("no transcripts: the recogniser knows none of the languages asked for", extra=facts)
        if session.request.callback:
            logger.warning("no callbacks: the emulated Gladia sends none", extra=facts)

    async def _list_or_connect(self, http: web.Request) -> web.StreamResponse:
        if "token" in http.query:
            return await self._connect(http, http.query["token"])
        key = self._registry.admit(http.headers.get("x-gladia-key"))
        return _json(self._registry.page(key, http.query_string, url=str(http.url.with_query(None))))

    async def _connect(self, http: web.Request, token: str) -> web.StreamResponse:
        session = self._registry.by_token(token)
        if session is None:
            raise RequestError(self._settings.unknown_token_status, "token not found")
        if session.is_barred:
            raise RequestError(403, "too many messages were too long")
        socket = web.WebSocketResponse(
            autoclose=False,
            compress=self._settings.compression,
            max_msg_size=self._settings.message_limit_bytes + 1,  # aiohttp refuses from its limit on
        )
        if not socket.can_prepare(http):
            raise invalid("a WebSocket upgrade is expected")
        wire = self._wires[session.session_id]
        await self._interfere(wire.victim.handshake())
        transport = http.transport
        await socket.prepare(http)
        if transport is not None:  # else the client left before its handshake was done
            await wire.attach(socket, transport)
        return socket

    async def _interfere(self, fault: OpeningFault | HandshakeFault | None) -> None:
        """Do to a request what a plan of faults has for it, then let it go on. Raises RequestError if it may not."""
        match fault:
            case OpeningRefused(status=status, retry_after_s=seconds):
                headers = {} if seconds is None else {"Retry-After": str(seconds)}
                raise RequestError(status, "refused, on demand", headers=headers)
            case HandshakeRefused(status=status):
                raise RequestError(status, "refused, on demand")
            case OpeningHangs() | HandshakeHangs():
                await self._stopping.wait()
                raise RequestError(503, "server stops")
            case OpeningSlow(delay_s=delay_s):
                await asyncio.sleep(delay_s)

    async def _get(self, http: web.Request) -> web.Response:
        return _json(job(self._session(http)))

    async def _patch(self, http: web.Request) -> web.Response:
        session = self._session(http)
        content = await http.read()
        if len(content) > POST_SESSION_METADATA_LIMIT_BYTES:
            raise RequestError(413, "post_session_metadata is larger than 100 kB")
        match decode_json(content):
            case {"post_session_metadata": dict(metadata)}:
                session.post_session_metadata = metadata
                return web.Response(status=204)
        raise invalid("post_session_metadata must be an object")

    async def _delete(self, http: web.Request) -> web.Response:
        session = self._session(http)
        self._registry.delete(session.key, session.session_id)
        del self._wires[session.session_id]
        return web.Response(status=202)

    async def _file(self, http: web.Request) -> web.Response:
        session = self._session(http)
        if not session.audio:
            raise RequestError(404, "no audio was received")
        content = session.audio_format.wav(bytes(session.audio))
        return web.Response(body=content, content_type="application/octet-stream")

    def _session(self, http: web.Request) -> Session:
        key = self._registry.admit(http.headers.get("x-gladia-key"))
        return self._registry.get(key, http.match_info["id"])

    @web.middleware
    async def _answer_errors(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Answer every error in the API's one shape."""
        try:
            return await handler(request)
        except RequestError as error:
            answer = error
        except web.HTTPException as error:
            answer = RequestError(error.status, f"Cannot {request.method} {request.path}: {error.reason}")
        request_id, moment = f"G-{uuid.uuid4().hex[:8]}", timestamp(self._clock())
        logger.info("request refused", extra={"status": answer.status, "request_id": request_id})
        body = answer.body(path=request.path, request_id=request_id, timestamp=moment)
        return _json(body, status=answer.status, headers=answer.headers)


def _json(body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    content = msgspec.json.encode(body)
    return web.Response(body=content, status=status, content_type="application/json", headers=headers)
