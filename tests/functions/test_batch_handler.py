"""The batch function as Lambda invokes it, against the emulated Gladia and the simulated Twilio."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import boto3
import msgspec
import numpy as np
import pytest
from aiohttp import web

from callscribe.after_call import TranscriptReady
from callscribe.bus import event
from callscribe.entries import BatchWanted, CallEnded, CallStarted, Entry, LegStarted, Utterance, timestamp
from callscribe.log import Log
from callscribe.second_pass import BatchReady, BatchStarted, RecordingEnded, RecordingStarted
from callscribe.second_transcript import decode
from callscribe.settings import NumberSettings, SecondPass, Then
from callscribe.tickets import Ticket, sign
from functions.batch.callback import LIFE, address, call_of
from local.audio import mulaw_decode
from local.gladia.audio import AudioFormat
from local.gladia.scripted import ScriptedRecogniser, silence, spoken
from local.gladia.server import EmulatedGladia
from tests.functions.conftest import PUBLIC_URL, SIGNING_KEY, Aws

STARTED = CallStarted(
    provider="twilio", direction="inbound", account="AC1", from_number="+12025550123", to_number="+12025550188",
    settings=msgspec.to_builtins(NumberSettings(then=Then(say="hi"), second_pass=SecondPass())),
)  # fmt: skip
WANTED = BatchWanted(media_stream="MZ1", reason="no session was free")
ENDED = CallEnded(reason="completed", duration_ms=4000)
READY = TranscriptReady(archive="entries/…", utterances=0, complete=False, formats=())
RECORDED = RecordingEnded(
    recording="RE1", status="completed", channels=2, duration_ms=4000, started_at="2026-11-22T09:15:02.000Z"
)
OVER = (STARTED, RecordingStarted(recording="RE1"), WANTED, ENDED, RECORDED, READY)
LEG = LegStarted(
    leg="MZ1/inbound", party="caller", track="inbound", codec="mulaw/8000", media_stream="MZ1", session="G1", channel=0,
    offset_ms=0,
)  # fmt: skip


def audio() -> bytes:
    caller = spoken("I have lost my card") + silence(2000)
    agent = (silence(1500) + spoken("good morning")).ljust(len(caller), b"\xff")
    samples = np.stack([mulaw_decode(caller), mulaw_decode(agent)], axis=1).astype("<i2").tobytes()
    return AudioFormat("wav/pcm", 16, 8000, 2).wav(samples)


class Twilio:
    """Has one call in progress, and one recording that is over."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.is_away = False

    async def answer(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix("/2010-04-01/Accounts/AC1/")
        self.asked.append((request.method, path))
        if self.is_away:
            return web.Response(status=503)
        match request.method, path:
            case "GET", "Calls/CA1/Recordings.json":
                return web.json_response({"recordings": []})
            case "POST", "Calls/CA1/Recordings.json":
                return web.json_response({"sid": "RE1", "status": "in-progress", "channels": 2}, status=201)
            case "GET", "Recordings/RE1.wav":
                return web.Response(body=audio())
        return web.json_response({"code": 20404}, status=404)


@pytest.fixture
async def twilio(environment):
    known = Twilio()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", known.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    environment.setenv("TWILIO_URL", f"http://{host}:{port}")
    yield known
    await runner.cleanup()


@pytest.fixture
async def gladia(environment):
    async with EmulatedGladia(ScriptedRecogniser()) as emulated:
        environment.setenv("GLADIA_URL", emulated.url)
        yield emulated


@pytest.fixture
def archive(aws):
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="archive", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return s3


class Queue:
    """The function's own queue, and what Lambda would hand over of it."""

    def __init__(self, environment) -> None:
        self._sqs = boto3.client("sqs")
        self.url = self._sqs.create_queue(QueueName="batch", Attributes={"VisibilityTimeout": "960"})["QueueUrl"]
        environment.setenv("BATCH_QUEUE", self.url)

    def send(self, body: str) -> None:
        self._sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def receive(self) -> dict:
        found = self._sqs.receive_message(QueueUrl=self.url, AttributeNames=["All"], MaxNumberOfMessages=10)
        return {
            "Records": [
                {
                    "messageId": each["MessageId"],
                    "receiptHandle": each["ReceiptHandle"],
                    "body": each["Body"],
                    "attributes": each["Attributes"],
                }
                for each in found.get("Messages", [])
            ]
        }


@pytest.fixture
def queue(aws, environment) -> Queue:
    return Queue(environment)


def on_the_bus(seq: int, body) -> str:
    given = event(Entry("CA1", seq, "2026-11-22T09:15:02.417Z", "acme", body), "bus")
    return json.dumps({"source": "callscribe", "detail-type": "x", "detail": json.loads(given["Detail"])})


@dataclass
class Deployment:
    """The function with all that it needs, and its call."""

    aws: Aws
    queue: Queue
    twilio: Twilio
    handler: Callable[[dict], dict]

    def append(self, *bodies) -> None:
        """Write entries as of now: what is waited for too long is given up."""
        now = timestamp(datetime.now(UTC))
        for number, body in enumerate(bodies):
            self.aws.table(Log("Calls", "CA1").append(body, at=now, tenant="acme", token=f"{number}"))

    def log(self):
        return [entry.body for entry in self.aws.log("CA1")]

    async def handle(self, request: dict) -> dict:
        return await asyncio.to_thread(self.handler, request)


@pytest.fixture
def batch(aws, queue, twilio, started) -> Deployment:
    return Deployment(aws, queue, twilio, started)


@pytest.fixture
def started(archive, queue, gladia, start, context):
    handler = start("batch")
    return lambda request: handler(request, context)


async def test_a_call_in_progress_is_recorded(batch):
    batch.append(STARTED, LEG)
    batch.queue.send(on_the_bus(2, LEG))

    answer = await batch.handle(batch.queue.receive())

    assert answer == {"batchItemFailures": []}
    assert batch.log()[-1] == RecordingStarted(recording="RE1")


async def test_a_recording_is_carried_transcribed_and_collected(batch, archive):
    batch.append(*OVER)
    batch.queue.send(on_the_bus(6, READY))
    received = batch.queue.receive()

    answer = await batch.handle(received)
    assert answer == {"batchItemFailures": [{"itemIdentifier": received["Records"][0]["messageId"]}]}
    assert isinstance(batch.log()[-1], BatchStarted)

    while answer != {"batchItemFailures": []}:
        answer = await batch.handle(received)
    said = [body for body in batch.log() if isinstance(body, Utterance)]
    assert [each.text for each in said] == ["I have lost my card", "good morning"]
    ready = batch.log()[-1]
    assert isinstance(ready, BatchReady)
    document = decode(archive.get_object(Bucket="archive", Key=ready.transcript)["Body"].read())
    assert [line.utterance.text for line in document.lines] == ["I have lost my card", "good morning"]


async def test_what_waits_is_answered_as_not_done(batch, logged):
    batch.twilio.is_away = True
    batch.append(*OVER)
    batch.queue.send(on_the_bus(6, READY))
    received = batch.queue.receive()

    answer = await batch.handle(received)

    assert answer == {"batchItemFailures": [{"itemIdentifier": received["Records"][0]["messageId"]}]}
    assert json.loads(logged().splitlines()[-1])["outcome"] == "waits"


def called(request: dict, ticket: str) -> dict:
    """Return `request` as one of Gladia's with a ticket."""
    request["routeKey"] = "POST /gladia/batch/{ticket}"
    request["pathParameters"] = {"ticket": ticket} if ticket else None
    return request


async def test_gladias_callback_has_its_call_looked_at_now(batch, event):
    url = address(PUBLIC_URL, tenant="acme", call_id="CA1", key=SIGNING_KEY, now=datetime.now(UTC))

    answer = await batch.handle(called(event("http_api_webhook.json"), url.rpartition("/")[2]))

    assert answer["statusCode"] == 200
    (record,) = batch.queue.receive()["Records"]
    detail = json.loads(record["body"])["detail"]
    assert (detail["call_id"], detail["tenant"], detail["kind"]) == ("CA1", "acme", "gladia.called")
    assert await batch.handle({"Records": [record]}) == {"batchItemFailures": []}


NOW = datetime.now(UTC)
OTHERS = {
    "forged": address("", tenant="acme", call_id="CA1", key="another", now=NOW).rpartition("/")[2],
    "expired": address("", tenant="acme", call_id="CA1", key=SIGNING_KEY, now=NOW - LIFE).rpartition("/")[2],
    "of another use": sign(
        Ticket(use="media", tenant="acme", calls=("CA1",), expires_at=int(NOW.timestamp()) + 600), SIGNING_KEY
    ),
    "none": "",
}


@pytest.mark.parametrize("ticket", OTHERS.values(), ids=OTHERS)
async def test_nobody_else_has(batch, event, logged, ticket):
    answer = await batch.handle(called(event("http_api_webhook.json"), ticket))

    assert answer["statusCode"] == 403
    assert batch.queue.receive()["Records"] == []
    assert not ticket or ticket not in logged()


async def test_another_route_leads_nowhere(batch, event):
    request = event("http_api_webhook.json") | {"routeKey": "POST /else"}

    assert (await batch.handle(request))["statusCode"] == 404


def test_a_callbacks_address_is_for_one_call_and_a_few_hours():
    url = address("https://v.test", tenant="acme", call_id="CA1", key="key", now=NOW)

    assert url.startswith("https://v.test/gladia/batch/")
    assert call_of(url.rpartition("/")[2], ["other", "key"], now=NOW) == ("acme", "CA1")
    assert call_of(url.rpartition("/")[2], ["key"], now=NOW + LIFE) is None


async def test_logs_hold_neither_words_nor_numbers_nor_keys(batch, logged):
    batch.append(*OVER)
    batch.queue.send(on_the_bus(6, READY))
    received = batch.queue.receive()
    answer = await batch.handle(received)
    while answer != {"batchItemFailures": []}:
        answer = await batch.handle(received)

    assert "CA1" in logged()
    for secret in ("card", "+1202", "example-key", "example-token", "/gladia/batch/"):
        assert secret not in logged()
