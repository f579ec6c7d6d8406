"""What `batch` does for a call that is recorded."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from callscribe.after_call import TranscriptReady
from callscribe.bus import event
from callscribe.entries import BatchWanted, CallEnded, LegStarted, timestamp
from callscribe.log import Log
from callscribe.second_pass import RecordingEnded, RecordingStarted
from callscribe.settings import NumberSettings, SecondPass, Then
from functions.batch.callback import ROUTE, address
from local.gladia.scripted import spoken
from local.twilio.recordings import RecordingRequest
from tests.path.rights.act import Act
from tests.path.rights.clients import client
from tests.path.rights.deployment import DATA, SIGNING_KEY, STARTED, TENANT
from tests.path.rights.right import rights

if TYPE_CHECKING:
    from callscribe.entries import Body
    from tests.path.rights.carrier import Carrier, Line
    from tests.path.rights.deployment import Deployment

RECORDED = msgspec.structs.replace(
    STARTED, settings=msgspec.to_builtins(NumberSettings(then=Then(say="hi"), second_pass=SecondPass()))
)
LEG = LegStarted(
    leg="MZ1/inbound", party="caller", track="inbound", codec="mulaw/8000", media_stream="MZ1", session="a-session",
    channel=0, offset_ms=0,
)  # fmt: skip
WANTED = BatchWanted(media_stream="MZ1", reason="no session was free")
ENDED = CallEnded(reason="completed", duration_ms=1000)
READY = TranscriptReady(archive="", utterances=0, complete=False, formats=())
SECRET = "secretsmanager:GetSecretValue"


def acts(deployment: Deployment, carrier: Carrier) -> list[Act]:
    return [
        Act(
            "a call in progress is recorded",
            rights("CALLS_TABLE", "dynamodb:Query", "dynamodb:PutItem") | rights("TWILIO_SECRET", SECRET),
            partial(records, deployment, carrier),
        ),
        Act(
            "its recording is transcribed, and the log gets what it lacks",
            rights("CALLS_TABLE", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem")
            | rights("TWILIO_SECRET", SECRET)
            | rights("GLADIA_SECRET", SECRET)
            | rights("SIGNING_SECRET", SECRET)
            | rights("ARCHIVE_BUCKET/batch/*", "s3:PutObject")
            | rights("BATCH_QUEUE", "sqs:ChangeMessageVisibility"),
            partial(transcribes, deployment, carrier),
        ),
        Act(
            "Gladia's callback has its call looked at",
            rights("SIGNING_SECRET", SECRET) | rights("BATCH_QUEUE", "sqs:SendMessage"),
            partial(hears, deployment),
        ),
    ]


async def records(deployment: Deployment, carrier: Carrier) -> None:
    line = carrier.call()
    record = written(deployment, line, RECORDED, LEG)

    assert await deployment.invoke("batch", {"Records": [record]}) == {"batchItemFailures": []}
    assert deployment.log(line.sid)[-1] == "recording.started"


async def transcribes(deployment: Deployment, carrier: Carrier) -> None:
    line = carrier.call()
    recording = carrier.recordings.start(line.sid, RecordingRequest(channels=2), now_s=1e9)
    recording.hear(spoken("good morning"), spoken("hello there"))
    recording.end()
    ended = RecordingEnded(recording=recording.sid, status="completed", channels=2)
    started = RecordingStarted(recording=recording.sid)
    record = written(deployment, line, RECORDED, started, WANTED, ENDED, ended, READY)

    for _ in range(100):
        if await deployment.invoke("batch", {"Records": [record]}) == {"batchItemFailures": []}:
            break
        assert "batch.started" in deployment.log(line.sid)
    assert deployment.log(line.sid)[-1] == "batch.ready"
    assert "utterance" in deployment.log(line.sid)
    assert deployment.item("CALLS_TABLE", pk=f"CALL#{line.sid}", sk="HEAD")["parties"]["SS"] == ["callee", "caller"]


async def hears(deployment: Deployment) -> None:
    call_id = deployment.new_call()
    now = await asyncio.to_thread(datetime.now, UTC)
    url = address("", tenant=TENANT, call_id=call_id, key=SIGNING_KEY, now=now)
    request = json.loads((DATA / "http_api_webhook.json").read_text())
    request |= {"routeKey": ROUTE, "pathParameters": {"ticket": url.rpartition("/")[2]}}
    answer = await deployment.invoke("batch", request)

    assert answer["statusCode"] == 200


def written(deployment: Deployment, line: Line, *bodies: Body) -> dict[str, object]:
    """Write a call's log, and return the message that tells of its last entry, as the queue has it."""
    at = timestamp(datetime.now(UTC))
    for number, body in enumerate(bodies):
        steps = Log(deployment.stack.calls_table, line.sid).append(body, at=at, tenant=TENANT, token=f"w{number}")
        entry = deployment.table(steps)
    given = event(entry, "a-bus")
    body = {"source": given["Source"], "detail-type": given["DetailType"], "detail": json.loads(given["Detail"])}
    sqs, url = client(deployment.stack.root, "sqs"), deployment.variable("BATCH_QUEUE")
    sqs.purge_queue(QueueUrl=url)
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body))
    (message,) = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
    }
