"""The bridge with its sockets: a media stream in, Gladia's protocol, the log and the subscribers out."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time

import boto3
import pytest
from aiobotocore.session import get_session
from aiohttp import ClientSession, web
from moto.server import ThreadedMotoServer
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from bridge.door import Door
from bridge.environment import Environment
from bridge.relay import Services
from bridge.server import Bridge
from callscribe.call import fold
from callscribe.dynamodb import perform
from callscribe.entries import CallStarted, LegGap
from callscribe.log import Log
from callscribe.messages import PartialMessage, decode_frame
from callscribe.subscriptions import Subscription, Subscriptions
from callscribe.tickets import Ticket, sign
from callscribe.transcript import transcript
from local.gladia.scripted import ScriptedRecogniser, silence, spoken
from local.gladia.server import EmulatedGladia

REGION = "eu-west-1"
NAMES = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}


@pytest.fixture(scope="module")
def moto():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def dynamodb(moto):
    client = boto3.client("dynamodb", endpoint_url=moto, **NAMES)
    for table in ("Calls", "Subscriptions"):
        client.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
    yield client
    for table in ("Calls", "Subscriptions"):
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

    async def settled(self) -> None:
        async with asyncio.timeout(20):
            await self.bridge.started.wait()
            while self.bridge.live:
                await asyncio.gather(*self.bridge._live, return_exceptions=True)


@pytest.fixture
async def path(moto, dynamodb):
    connections = Connections()
    app = web.Application()
    app.router.add_post("/live/@connections/{connection}", connections.post)
    runner = web.AppRunner(app)
    async with contextlib.AsyncExitStack() as stack:
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        push = f"http://127.0.0.1:{runner.addresses[0][1]}/live"
        gladia = await stack.enter_async_context(EmulatedGladia(ScriptedRecogniser()))
        environment = Environment(
            calls_table="Calls",
            subscriptions_table="Subscriptions",
            push_endpoint=push,
            media_url="",
            gladia_secret="",
            twilio_secret="",
            signing_secret="",
            gladia_url=gladia.url,
            host="127.0.0.1",
            port=0,
            drain_s=5,
        )
        aws = get_session()
        services = Services(
            environment=environment,
            dynamodb=await stack.enter_async_context(aws.create_client("dynamodb", endpoint_url=moto, **NAMES)),
            connections=await stack.enter_async_context(
                aws.create_client("apigatewaymanagementapi", endpoint_url=push, **NAMES)
            ),
            http=await stack.enter_async_context(ClientSession()),
            gladia_key="key",
        )
        bridge = WatchedBridge(services, Door("", ("signing key",), ("auth token",)))
        port = await bridge.listen()
        stack.push_async_callback(bridge.drain)
        url = f"ws://127.0.0.1:{port}"
        bridge.door = Door(url, ("signing key",), ("auth token",))
        yield Path(bridge, url, gladia, connections, dynamodb)


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


def said(entries: list) -> list[str]:
    return [line.said.text for line in transcript(entries)]


async def talk(path: Path, call_id: str, inbound: bytes, outbound: bytes) -> None:
    async with path.socket(call_id) as socket:
        for message in messages(call_id, inbound, outbound):
            await socket.send(message)
        await socket.wait_closed()


async def test_what_both_parties_say_is_in_the_log_and_gladia_had_every_byte(path):
    inbound, outbound = conversation("good morning", "hello there", "I lost my card", "one moment")
    path.open_call("CA1", parties={"outbound": "agent"})

    await talk(path, "CA1", inbound, outbound)
    await path.settled()

    entries = path.entries("CA1")
    call = fold(entries)
    assert [(line.party, line.said.text) for line in transcript(entries)] == [
        ("caller", "good morning"), ("agent", "hello there"), ("caller", "I lost my card"), ("agent", "one moment"),
    ]  # fmt: skip
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert [leg.complete for leg in call.legs] == [True, True]
    for leg in call.legs:
        assert leg.ended.ledger.heard == leg.ended.ledger.sent == leg.ended.ledger.acknowledged == len(inbound)
    (session,) = path.gladia.sessions.values()
    assert bytes(session.audio[0::2]) == inbound
    assert bytes(session.audio[1::2]) == outbound


async def test_per_leg_each_party_has_a_session_and_its_bytes_are_untouched(path):
    inbound, outbound = conversation("good morning", "hello there")
    path.open_call("CA1", session="per_leg")

    await talk(path, "CA1", inbound, outbound)
    await path.settled()

    assert sorted(bytes(session.audio) for session in path.gladia.sessions.values()) == sorted([inbound, outbound])
    assert said(path.entries("CA1")) == [
        "good morning", "hello there",
    ]  # fmt: skip


async def test_twenty_calls_at_once_share_no_word(path):
    names = [f"CA{number}" for number in range(20)]
    for name in names:
        path.open_call(name)
        path.connections.known.add(name)
        subscription = Subscription(name, name, "acme", int(time.time()) + 60)
        perform(path.dynamodb, Subscriptions("Subscriptions").put(subscription))

    await asyncio.gather(*(talk(path, name, *conversation(f"I am {name}", f"and I answer {name}")) for name in names))
    await path.settled()

    for name in names:
        entries = path.entries(name)
        assert said(entries) == [
            f"I am {name}", f"and I answer {name}",
        ]  # fmt: skip
        assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
        shown = [message for frame in path.connections.posted.get(name, []) for message in decode_frame(frame)]
        assert {message.call_id for message in shown} <= {name}
    assert path.connections.posted


async def test_a_hang_up_without_a_stop_still_gets_its_last_words(path):
    inbound, outbound = conversation("good morning", "hello there")
    path.open_call("CA1")

    async with path.socket("CA1") as socket:
        for message in list(messages("CA1", inbound, outbound))[:-1]:
            await socket.send(message)
        socket.transport.abort()
    await path.settled()

    assert said(path.entries("CA1")) == [
        "good morning", "hello there",
    ]  # fmt: skip


async def test_a_bad_message_is_dropped_and_the_call_goes_on(path, caplog):
    inbound, outbound = conversation("good morning", "hello there")
    path.open_call("CA1")
    caplog.set_level("INFO", "bridge")

    async with path.socket("CA1") as socket:
        for place, message in enumerate(messages("CA1", inbound, outbound)):
            await socket.send(message)
            if place == 5:
                await socket.send("this is no JSON")
                await socket.send(b"\xff\x00")
                await socket.send('{"event":"surprise"}')
        await socket.wait_closed()
    await path.settled()

    assert all(leg.complete for leg in fold(path.entries("CA1")).legs)
    closed = next(record for record in caplog.records if record.getMessage() == "media stream closed")
    assert closed.malformed == {"json": 2, "shape": 1}


async def test_subscribers_are_shown_partials_while_the_party_speaks(path):
    inbound, outbound = conversation("good morning to you", "hello")
    path.open_call("CA1")
    path.connections.known.add("here")
    subscriptions = Subscriptions("Subscriptions")
    for connection, tenant in (("here", "acme"), ("gone", "acme"), ("stranger", "another")):
        subscription = Subscription("CA1", connection, tenant, int(time.time()) + 60)
        perform(path.dynamodb, subscriptions.put(subscription))

    async with path.socket("CA1") as socket:
        sending = messages("CA1", inbound, outbound)
        for message, _ in zip(sending, range(60), strict=False):
            await socket.send(message)
        async with asyncio.timeout(10):
            await path.connections.first_post.wait()
        assert path.connections.posted.keys() == {"here"}
        for message in sending:
            await socket.send(message)
        await socket.wait_closed()
    await path.settled()

    (partial,) = decode_frame(path.connections.posted["here"][0])
    assert isinstance(partial, PartialMessage)
    assert (partial.call_id, partial.party, partial.text) == ("CA1", "caller", "good")


async def test_a_call_of_which_no_webhook_has_told_is_transcribed_all_the_same(path):
    await talk(path, "CA9", *conversation("anybody there", "yes"))
    await path.settled()

    entries = path.entries("CA9")
    assert entries[0].kind == "call.started"
    assert said(entries) == ["anybody there", "yes"]


async def test_frames_that_never_came_are_a_gap_in_the_log(path):
    inbound, outbound = conversation("good morning", "hello there")
    path.open_call("CA1")

    async with path.socket("CA1") as socket:
        for place, message in enumerate(messages("CA1", inbound, outbound)):
            if not 120 <= place < 130:
                await socket.send(message)
        await socket.wait_closed()
    await path.settled()

    entries = path.entries("CA1")
    gaps = [entry.body for entry in entries if isinstance(entry.body, LegGap)]
    assert {gap.leg: (gap.start_ms, gap.end_ms) for gap in gaps} == {
        "MZCA1/inbound": (1180, 1280),
        "MZCA1/outbound": (1180, 1280),
    }
    ledgers = [leg.ended.ledger for leg in fold(entries).legs]
    assert [(ledger.heard, ledger.filled, ledger.sent) for ledger in ledgers] == [
        (len(inbound) - 800, 800, len(inbound)),
    ] * 2


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda url, headers: (url, {}), 403),
        (lambda url, headers: (url, {"X-Twilio-Signature": "wrong"}), 403),
        (lambda url, headers: (url + "x", headers), 403),
        (lambda url, headers: (url.rsplit("/", 1)[0] + "/nothing", headers), 403),
        (lambda url, headers: (url.replace("/twilio/", "/elsewhere/"), headers), 404),
        (lambda url, headers: (url + "?a=b", headers), 404),
    ],
)
async def test_the_door_stays_shut_for_strangers_and_the_log_holds_no_secret(path, caplog, change, status):
    url, headers = change(*path.address("CA1"))

    with pytest.raises(InvalidStatus) as raised:
        async with connect(url, additional_headers=headers, proxy=None):
            pass

    assert raised.value.response.status_code == status
    assert path.address("CA1")[0].rsplit("/", 1)[1] not in caplog.text


async def test_a_ticket_for_another_call_closes_the_socket(path):
    async with path.socket("CA1") as socket:
        await socket.send(start("CA2"))
        await socket.wait_closed()

    assert socket.close_code == 1008
    assert path.entries("CA2") == []


async def test_a_socket_on_which_nothing_starts_is_closed(path, monkeypatch):
    monkeypatch.setattr("bridge.media_socket.HANDSHAKE_S", 0.1)

    async with path.socket("CA1") as socket:
        await socket.send('{"event":"connected","protocol":"Call","version":"1.0.0"}')
        await socket.wait_closed()

    assert path.bridge.live == 0


async def test_health_is_served_on_the_same_port_and_readiness_ends_with_drain(path):
    base = path.url.replace("ws://", "http://")
    async with ClientSession() as http:
        async with http.get(f"{base}/healthz") as health, http.get(f"{base}/readyz") as ready:
            assert (health.status, ready.status) == (200, 200)
        path.bridge.accepting = False
        async with http.get(f"{base}/healthz") as health, http.get(f"{base}/readyz") as ready:
            assert (health.status, ready.status) == (200, 503)
