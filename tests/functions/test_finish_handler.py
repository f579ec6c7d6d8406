"""The finish function as Lambda invokes it, against the emulated Gladia."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import boto3
import pytest

from callscribe.after_call import TranscriptReady
from callscribe.archive import unpack
from callscribe.bus import event
from callscribe.entries import CallEnded, CallStarted, Entry, Ledger, LegEnded, LegStarted
from local.gladia.scripted import ScriptedRecogniser
from local.gladia.server import EmulatedGladia

STARTED = CallStarted(
    provider="twilio", direction="inbound", account="AC1", from_number="+12025550123", to_number="+12025550188"
)
LEG = "MZ1/inbound"
SPOKEN = (
    LegStarted(
        leg=LEG, party="caller", track="inbound", codec="mulaw/8000", media_stream="MZ1", session="G1", channel=0,
        offset_ms=0, session_begin_ms=0,
    ),
    LegEnded(leg=LEG, ledger=Ledger(heard=8000, sent=8000, acknowledged=8000), sessions=1, reconnects=0),
    CallEnded(reason="completed", duration_ms=1000),
)  # fmt: skip
NEVER = timedelta(days=100_000)
KEY = "entries/day=2026-11-22/tenant=acme/CA1.jsonl.gz"


def messages(*bodies) -> dict:
    """Return what Lambda hands over: a message for each body, `m0` and so on."""
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": f"r{number}",
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1"},
            }
            for number, body in enumerate(bodies)
        ]
    }


def over(call_id: str = "CA1") -> str:
    """Return the event that tells that a call is over."""
    given = event(Entry(call_id, 4, "2026-11-22T09:15:02.417Z", "acme", SPOKEN[-1]), "bus")
    return json.dumps({"source": given["Source"], "detail-type": "call.ended", "detail": json.loads(given["Detail"])})


@pytest.fixture
def archive(aws):
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="archive", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return s3


@pytest.fixture
async def gladia(environment):
    async with EmulatedGladia(ScriptedRecogniser()) as emulated:
        environment.setenv("GLADIA_URL", emulated.url)
        yield emulated


async def test_a_call_that_is_over_is_finished_and_its_file_is_there(aws, archive, gladia, start, context):
    aws.append("CA1", STARTED, *SPOKEN)

    answer = await in_thread(start("finish"), messages(over(), over(), "not an event"), context)

    assert answer == {"batchItemFailures": []}
    assert [type(entry.body) for entry in aws.log("CA1")].count(TranscriptReady) == 1
    file = archive.get_object(Bucket="archive", Key=KEY)["Body"].read()
    assert [row.kind for row in unpack(file)][-2:] == ["chapters", "analytics"]


async def test_what_can_not_be_done_now_comes_again_and_the_rest_is_done(aws, archive, start, context, environment):
    environment.setenv("GLADIA_URL", "http://127.0.0.1:9")
    aws.append("CA1", STARTED, CallEnded(reason="no-answer", duration_ms=0))
    aws.append("CA2", STARTED, *SPOKEN[:2])  # goes on
    archive.delete_bucket(Bucket="archive")

    with pytest.raises(archive.exceptions.NoSuchBucket):
        await in_thread(start("finish"), messages(over()), context)
    archive.create_bucket(Bucket="archive", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    answer = await in_thread(start("finish"), messages(over(), over("CA2"), over("CA9")), context)

    assert answer == {"batchItemFailures": []}
    assert isinstance(aws.log("CA1")[-1].body, TranscriptReady)
    assert len(aws.log("CA2")) == 3


async def test_a_call_that_gladia_has_not_done_with_comes_again(aws, start, context, environment, logged):
    environment.setenv("GLADIA_URL", "http://127.0.0.1:9")  # where nobody listens
    aws.append("CA1", STARTED, *SPOKEN)
    environment.setattr("functions.finish.finish.PATIENCE", NEVER)

    answer = await in_thread(start("finish"), messages(over()), context)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert "waits" in logged()
    assert "+1202" not in logged()


async def in_thread(handler, event, context):
    """Return what the handler answers, in a thread of its own, as the emulated Gladia is in this one."""
    return await asyncio.to_thread(handler, event, context)
