"""The other side of a simulated call: an application that answers webhooks, and a receiver of media streams."""

import asyncio
import json
from base64 import b64decode
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl

import pytest
from aiohttp import web
from multidict import MultiDict
from twilio.request_validator import RequestValidator
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from local.twilio import Account, Placement


@dataclass
class Received:
    """One request to the application."""

    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    pairs: list[tuple[str, str]]
    genuine: bool  # Twilio's own validator accepts its signature

    @property
    def form(self) -> dict[str, str]:
        return dict(self.pairs)


@dataclass
class Application:
    """Answers each path with what the test put there, and keeps what it was asked."""

    account: Account
    url: str = ""
    answers: dict[str, str | web.Response] = field(default_factory=dict)
    holds: dict[str, asyncio.Event] = field(default_factory=dict)  # set to let the answer go
    received: list[Received] = field(default_factory=list)
    reached: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        query = parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True)
        form = parse_qsl(body.decode(), keep_blank_values=True)
        validator = RequestValidator(self.account.auth_token)
        self.received.append(
            Received(
                method=request.method,
                path=request.path,
                headers={name.lower(): value for name, value in request.headers.items()},
                pairs=form or query,
                genuine=validator.validate(
                    f"{self.url}{request.raw_path}", MultiDict(form), request.headers.get("X-Twilio-Signature", "")
                ),
            )
        )
        self.reached[request.path].set()
        if request.path in self.holds:
            await self.holds[request.path].wait()
        answer = self.answers.get(request.path, "")
        if isinstance(answer, web.Response):
            # aiohttp sends one object once, and this may be asked again.
            return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
        return web.Response(text=answer, content_type="text/xml")

    def twiml(self, path: str, verbs: str) -> str:
        """Answer `path` with `verbs`, and return its URL."""
        self.answers[path] = f"<Response>{verbs}</Response>"
        return self.url + path

    def on(self, path: str) -> list[Received]:
        return [request for request in self.received if request.path == path]


@dataclass
class Upgrade:
    """One media stream as its receiver saw it."""

    path: str
    headers: list[tuple[str, str]]
    messages: list[str] = field(default_factory=list)
    close_code: int | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def events(self) -> list[dict]:
        return [json.loads(message) for message in self.messages]

    def audio(self, track: str) -> bytes:
        return b"".join(b64decode(e["media"]["payload"]) for e in self.media(track))

    def media(self, track: str | None = None) -> list[dict]:
        return [e for e in self.events if e["event"] == "media" and track in (None, e["media"]["track"])]


@dataclass
class Receiver:
    """Takes media streams, or refuses them."""

    url: str = ""
    refuse_with: HTTPStatus | None = None
    on_message: Callable[[ServerConnection, str], object] | None = None
    upgrades: list[Upgrade] = field(default_factory=list)

    def decide(self, connection: ServerConnection, request: Request) -> Response | None:
        self.upgrades.append(Upgrade(request.path, list(request.headers.raw_items())))
        connection.upgrade = self.upgrades[-1]
        return None if self.refuse_with is None else connection.respond(self.refuse_with, "no\n")

    async def handle(self, connection: ServerConnection) -> None:
        upgrade = connection.upgrade
        try:
            async for message in connection:
                upgrade.messages.append(message)
                if self.on_message is not None:
                    asked = self.on_message(connection, message)
                    if asyncio.iscoroutine(asked):
                        await asked
        except ConnectionClosed:
            pass
        finally:
            upgrade.close_code = connection.close_code
            upgrade.over.set()

    async def heard(self) -> Upgrade:
        """Return the only media stream, when its receiver has read it to the end."""
        (upgrade,) = await self.heard_all()
        return upgrade

    async def heard_all(self) -> list[Upgrade]:
        for upgrade in self.upgrades:
            await upgrade.over.wait()
        return self.upgrades


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
async def application(account: Account) -> AsyncIterator[Application]:
    application = Application(account)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", application.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    application.url = f"http://{host}:{port}"
    yield application
    await runner.cleanup()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server: Server
    async with serve(
        receiver.handle, "127.0.0.1", 0, process_request=receiver.decide, server_header=None, close_timeout=1
    ) as server:
        host, port = next(iter(server.sockets)).getsockname()
        receiver.url = f"ws://{host}:{port}/media"
        yield receiver


@pytest.fixture
def placement(application: Application) -> Callable[..., Placement]:
    def placement(voice_path: str = "/voice", **changes) -> Placement:
        defaults = {
            "voice_url": application.url + voice_path,
            "from_number": "+12025550123",
            "to_number": "+12025550188",
            "inbound_audio": b"",
            "outbound_audio": b"",
            "pace": None,
            "allow_insecure": True,
        }
        return Placement(**defaults | changes)

    return placement


@pytest.fixture
def stream(receiver: Receiver) -> Callable[..., str]:
    """Return TwiML that starts a media stream to the receiver."""

    def stream(url: str | None = None, *, track: str = "both_tracks", inner: str = "", **attributes: str) -> str:
        written = " ".join(f'{name}="{value}"' for name, value in attributes.items())
        return f'<Start><Stream url="{url or receiver.url}" track="{track}" {written}>{inner}</Stream></Start>'

    return stream
