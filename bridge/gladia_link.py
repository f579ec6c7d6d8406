"""The adapter between a session and Gladia: one HTTP request, then a WebSocket, and another if it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import msgspec
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI

from bridge import gladia
from bridge.exchange import perform
from bridge.gladia_socket import ABNORMAL, GladiaSocket, dial
from bridge.governor import Governor, Lease
from bridge.session_events import (
    NO_SLOT,
    Command,
    Connect,
    Disconnect,
    Event,
    Fetch,
    Open,
    OpeningFailed,
    OpeningRefused,
    Received,
    Release,
    ResultAbsent,
    ResultFailed,
    ResultFetched,
    Send,
    SessionOpened,
    SocketLost,
    SocketOpened,
)
from callscribe.decoding import NOT_DECODABLE
from callscribe.errors import MalformedMessage, Refused, Unavailable
from callscribe.stored_result import fetch

OPEN_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turnstile:
    """How one session gets its slot of Gladia's plan: under which name, for whom, and how long it waits."""

    governor: Governor
    holder: str
    tenant: str
    wait_s: float
    waits: Callable[[int], None]  # told once how many slots are taken, if it waits

    async def enter(self, *, at_once: bool = False) -> Lease | None:
        """Return the lease; None if there was none in time."""
        wait_s = 0.0 if at_once else self.wait_s
        return await self.governor.acquire(
            self.holder, self.tenant, wait_s=wait_s, waits=lambda waiting: self.waits(waiting.taken)
        )


class GladiaLink:
    """Does what one session commands and tells it what came of it."""

    def __init__(
        self,
        *,
        http: aiohttp.ClientSession,
        url: str,
        api_key: str,
        turnstile: Turnstile,
        tasks: asyncio.TaskGroup,
        tell: Callable[[Event], None],
    ) -> None:
        self._http = http
        self._url = url
        self._api_key = api_key
        self._turnstile = turnstile
        self._tasks = tasks
        self._tell = tell
        self._lease: Lease | None = None
        self._waiting: asyncio.Task[None] | None = None
        self._open_socket: GladiaSocket | None = None
        self._socket: asyncio.Task[None] | None = None

    def perform(self, command: Command) -> None:
        """Begin what the session asks; never waits."""
        match command:
            case Send(message=message):
                # Not bounded here: what waits in the socket is in the session's backlog too, which is.
                if self._open_socket is not None:
                    self._open_socket.send(message)
            case Open(request=request):
                self._waiting = self._tasks.create_task(self._open(msgspec.json.encode(request)))
            case Connect(url=url):
                if self._waiting is None:  # another process opened the session; its slot is still under this name
                    self._waiting = self._tasks.create_task(self._enter(at_once=True))
                self._socket = self._tasks.create_task(self._run_socket(url))
            case Disconnect():
                self._disconnect()
            case Fetch(session_id=session_id):
                self._tasks.create_task(self._fetch(session_id))
            case Release():
                self._release()

    def _disconnect(self) -> None:
        if self._open_socket is not None:
            self._open_socket.leave()
            self._open_socket = None
        if self._socket is not None:
            self._socket.cancel()

    async def closed(self) -> None:
        """Wait until the socket is closed, after Disconnect."""
        if self._socket is not None:
            await asyncio.wait({self._socket})

    def _release(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
        if self._lease is not None:
            self._turnstile.governor.release(self._lease)
            self._lease = None

    async def _enter(self, *, at_once: bool = False) -> None:
        self._lease = await self._turnstile.enter(at_once=at_once)

    async def _open(self, request: bytes) -> None:
        if self._lease is None:
            await self._enter()
        if self._lease is None:
            self._tell(OpeningRefused(NO_SLOT))
            return
        headers = {"x-gladia-key": self._api_key, "content-type": "application/json"}
        timeout = aiohttp.ClientTimeout(total=OPEN_TIMEOUT_S)
        try:
            async with self._http.post(
                f"{self._url}/v2/live", data=request, headers=headers, timeout=timeout
            ) as response:
                body = await response.read()
                self._tell(_opening(response.status, body))
        except (aiohttp.ClientError, TimeoutError) as error:
            self._tell(OpeningFailed(f"gladia can't be reached: {type(error).__name__}"))

    async def _fetch(self, session_id: str) -> None:
        try:
            stored = await perform(self._http, fetch(self._url, self._api_key, session_id))
        except Unavailable as error:
            self._tell(ResultFailed(str(error)))
        except (Refused, MalformedMessage) as error:
            self._tell(ResultAbsent(str(error)))
        else:
            self._tell(ResultFetched(stored))

    async def _run_socket(self, url: str) -> None:
        code = ABNORMAL
        try:
            socket = await dial(url, opened=self._opened, received=self._received, within_s=OPEN_TIMEOUT_S)
        except InvalidStatus as error:
            code = _code(error.response.status_code)
        except (OSError, InvalidHandshake, InvalidURI, TimeoutError):
            code = ABNORMAL
        else:
            try:
                code = await asyncio.shield(socket.lost)
            finally:
                await socket.close()
        self._tell(SocketLost(code))

    def _opened(self, socket: GladiaSocket) -> None:
        self._open_socket = socket
        self._tell(SocketOpened())

    def _received(self, message: bytes) -> None:
        self._tell(Received(message))


def _code(status: int) -> int:
    """Return the close code that a refused handshake comes to: 44xx if the session can't be reached any more."""
    # Gladia bars a session that was sent too much with 403; what it answers to one that is gone is not documented.
    return 4400 + status % 100 if status in {401, 403, 404, 410} else 1006


class _ErrorBody(msgspec.Struct):
    message: str = ""
    validation_errors: list[str] = []


def _opening(status: int, body: bytes) -> Event:
    """Return what Gladia's answer to `POST /v2/live` means."""
    if status in {200, 201}:
        try:
            opened = gladia.decode_opened(body)
        except MalformedMessage as error:
            return OpeningFailed(str(error))
        return SessionOpened(opened.id, opened.url)
    try:
        said = msgspec.json.decode(body, type=_ErrorBody)
    except NOT_DECODABLE:
        said = _ErrorBody()
    reason = "; ".join([f"gladia answered {status}: {said.message}".rstrip(": "), *said.validation_errors])
    final = 400 <= status < 500 and status not in {408, 425, 429}
    return OpeningRefused(reason) if final else OpeningFailed(reason)
