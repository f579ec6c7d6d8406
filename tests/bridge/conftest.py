"""A running bridge with its sockets, and all that it talks to: Gladia emulated, DynamoDB by moto, @connections."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import pathlib
import tempfile
import time
from collections.abc import AsyncIterator

import boto3
import pytest
from aiohttp import ClientSession, web
from moto.server import ThreadedMotoServer
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import connect

from bridge.door import Door
from bridge.environment import Environment
from bridge.governor import Governor
from bridge.keys import KeyRing, Keys
from bridge.server import Bridge
from bridge.services import Services
from bridge.spill import Spill
from callscribe.dynamodb import perform
from callscribe.entries import CallStarted
from callscribe.log import Log
from callscribe.sessions import Sessions
from callscribe.slots import Slots
from callscribe.tickets import Ticket, sign
from callscribe.transcript import transcript
from local.gladia.plan import NO_FAULTS, Faults
from local.gladia.scripted import ScriptedRecogniser, silence, spoken
from local.gladia.server import EmulatedGladia
from local.gladia.settings import Settings
from tests.aws_clients import REGION, connections_at, tables_at
from tests.tables import TABLES

NAMES = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}


@pytest.fixture(scope="session")
def moto():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


BRIDGES = ("Calls", "Subscriptions", "Sessions", "Keys")


@pytest.fixture
def dynamodb(moto):
    client = boto3.client("dynamodb", endpoint_url=moto, **NAMES)
    for table in BRIDGES:
        client.create_table(**TABLES[table])
    yield client
    for table in BRIDGES:
        client.delete_table(TableName=table)


class Connections:
    """@connections: keeps what was posted to whom; an unknown connection is gone."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.posted: dict[str, list[bytes]] = {}
        self.first_post = asyncio.Event()

    async def post(self, request: web.Request) -> web.Response:
        connection = request.match_info["connection"]
        if connection not in self.known:
            return web.json_response({"message": "Gone"}, status=410, headers={"x-amzn-ErrorType": "GoneException"})
        self.posted.setdefault(connection, []).append(await request.read())
        self.first_post.set()
        return web.Response()


KEYS = Keys(gladia="key", auth_tokens=("auth token",), signing=("signing key",))


async def unchanged() -> Keys:
    """Return the keys as they were."""
    return KEYS


class WatchedBridge(Bridge):
    """A bridge that tells when a media stream has started."""

    def __init__(self, services: Services, door: Door) -> None:
        super().__init__(services, door)
        self.started = asyncio.Event()

    def start(self, relay, started, socket) -> None:
        super().start(relay, started, socket)
        self.started.set()


class Path:
    """A running bridge and all that it talks to."""

    def __init__(
        self, bridge: WatchedBridge, url: str, gladia: EmulatedGladia, connections: Connections, dynamodb
    ) -> None:
        self.bridge = bridge
        self.url = url
        self.gladia = gladia
        self.connections = connections
        self.dynamodb = dynamodb

    def address(self, call_id: str) -> tuple[str, dict[str, str]]:
        ticket = Ticket(use="media", tenant="acme", calls=(call_id,), expires_at=int(time.time()) + 60)
        url = f"{self.url}/twilio/{sign(ticket, 'signing key')}"
        return url, {"X-Twilio-Signature": RequestValidator("auth token").compute_signature(url, {})}

    def socket(self, call_id: str):
        url, headers = self.address(call_id)
        return connect(url, additional_headers=headers, compression=None, proxy=None)

    def open_call(self, call_id: str, **settings) -> None:
        started = CallStarted(
            provider="twilio",
            direction="inbound",
            account="AC1",
            from_number="+1",
            to_number="+2",
            settings={"then": {"say": ""}, **settings},
        )
        perform(self.dynamodb, Log("Calls", call_id).open(started, at="now", tenant="acme", token=call_id))

    def entries(self, call_id: str) -> list:
        return perform(self.dynamodb, Log("Calls", call_id).read(limit=1000))

    def said(self, call_id: str) -> list[tuple[str, str]]:
        """Who said what, in the order of speech."""
        return [(line.party, line.said.text) for line in transcript(self.entries(call_id))]

    async def talk(self, call_id: str, inbound: bytes, outbound: bytes) -> None:
        """Send a whole call and wait until the bridge has closed."""
        async with self.socket(call_id) as socket:
            for message in messages(call_id, inbound, outbound):
                await socket.send(message)
            await socket.wait_closed()

    def metrics(self) -> dict[str, float]:
        """What the process counted since it was asked last."""
        return self.bridge._services.meter.line(0)

    async def settled(self) -> None:
        async with asyncio.timeout(20):
            await self.bridge.started.wait()
            while self.bridge.live:
                await asyncio.gather(*self.bridge._live, return_exceptions=True)


@contextlib.asynccontextmanager
async def running(moto: str, dynamodb, faults: Faults) -> AsyncIterator[Path]:
    connections = Connections()
    app = web.Application()
    app.router.add_post("/live/@connections/{connection}", connections.post)
    runner = web.AppRunner(app)
    async with contextlib.AsyncExitStack() as stack:
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        push = f"http://127.0.0.1:{runner.addresses[0][1]}/live"
        gladia = await stack.enter_async_context(EmulatedGladia(ScriptedRecogniser(), settings=Settings(faults=faults)))
        environment = Environment(
            calls_table="Calls",
            subscriptions_table="Subscriptions",
            sessions_table="Sessions",
            keys_table="Keys",
            push_endpoint=push,
            media_url="",
            gladia_secret="",
            twilio_secret="",
            signing_secret="",
            gladia_url=gladia.url,
            twilio_url="",  # nobody is asked for another media stream
            host="127.0.0.1",
            port=0,
            drain_s=5,
        )
        client = stack.enter_context(tables_at(moto))
        governor = Governor(client, Slots("Sessions", 30), "task")
        stack.push_async_callback(governor.close, timeout_s=5)
        services = Services(
            environment=environment,
            task="task",
            dynamodb=client,
            connections=stack.enter_context(connections_at(push)),
            http=await stack.enter_async_context(ClientSession()),
            keys=KeyRing(KEYS, unchanged),
            sessions=Sessions("Sessions"),
            governor=governor,
            recall=None,
            spill=Spill(pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))),
        )
        bridge = WatchedBridge(services, Door("", ("signing key",), ("auth token",)))
        port = await bridge.listen()
        stack.push_async_callback(bridge.drain)
        url = f"ws://127.0.0.1:{port}"
        bridge.door = Door(url, ("signing key",), ("auth token",))
        yield Path(bridge, url, gladia, connections, dynamodb)


@pytest.fixture
async def path(moto, dynamodb):
    async with running(moto, dynamodb, NO_FAULTS) as path:
        yield path


@pytest.fixture
def path_with(moto, dynamodb):
    """A path whose Gladia has faults."""
    return lambda faults: running(moto, dynamodb, faults)


@pytest.fixture
def spoken_by():
    """`spoken_by(*lines)`: each line said after the other, the first by the caller, the second by the callee …"""
    return conversation


@pytest.fixture
def carrier_messages():
    """`carrier_messages(call_id, inbound, outbound)`: what Twilio sends."""
    return messages


def start(call_id: str) -> str:
    body = {
        "streamSid": f"MZ{call_id}", "accountSid": "AC1", "callSid": call_id, "tracks": ["inbound", "outbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}, "customParameters": {},
    }  # fmt: skip
    return json.dumps({"event": "start", "sequenceNumber": "1", "streamSid": body["streamSid"], "start": body})


def messages(call_id: str, inbound: bytes, outbound: bytes):
    number = 1
    yield '{"event":"connected","protocol":"Call","version":"1.0.0"}'
    yield start(call_id)
    for at in range(0, len(inbound), 160):
        for track, audio in (("inbound", inbound), ("outbound", outbound)):
            number += 1
            media = {
                "track": track, "chunk": str(number), "timestamp": str(102 + at // 8),
                "payload": base64.b64encode(audio[at : at + 160]).decode(),
            }  # fmt: skip
            yield json.dumps({"event": "media", "sequenceNumber": str(number), "streamSid": "MZ", "media": media})
    yield json.dumps({"event": "stop", "sequenceNumber": str(number + 1), "streamSid": "MZ", "stop": {}})


def conversation(*lines: str) -> tuple[bytes, bytes]:
    """Each line is said after the other, the first by the caller, the second by the callee, and so on."""
    tracks = [b"", b""]
    for place, line in enumerate(lines):
        words = spoken(line) + silence(500)
        tracks[place % 2] += words
        tracks[1 - place % 2] += silence(len(words) // 8)
    return tracks[0], tracks[1]
