"""What `finish` does for a call that is over."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from callscribe.bus import event
from callscribe.entries import CallEnded, Ledger, LegEnded, LegStarted, timestamp
from callscribe.log import Log
from tests.path.rights.act import Act
from tests.path.rights.deployment import TENANT
from tests.path.rights.right import rights

if TYPE_CHECKING:
    from tests.path.rights.deployment import Deployment

LEG = "MZ1/inbound"
SPOKEN = (
    LegStarted(
        leg=LEG, party="caller", track="inbound", codec="mulaw/8000", media_stream="MZ1", session="a-session",
        channel=0, offset_ms=0, session_begin_ms=0,
    ),
    LegEnded(leg=LEG, ledger=Ledger(heard=8000, sent=8000, acknowledged=8000), sessions=1, reconnects=0),
    CallEnded(reason="completed", duration_ms=1000),
)  # fmt: skip


def acts(deployment: Deployment) -> list[Act]:
    return [
        Act(
            "a call that is over gets its figures and its file",
            rights("CALLS_TABLE", "dynamodb:Query", "dynamodb:PutItem")
            | rights("GLADIA_SECRET", "secretsmanager:GetSecretValue")
            | rights("ARCHIVE_BUCKET/entries/*", "s3:PutObject"),
            partial(finishes, deployment),
        ),
        Act(
            "a call of a day that may be joined marks it",
            rights("CALLS_TABLE", "dynamodb:Query", "dynamodb:PutItem")
            | rights("GLADIA_SECRET", "secretsmanager:GetSecretValue")
            | rights("ARCHIVE_BUCKET/entries/*", "s3:PutObject")
            | rights("ARCHIVE_BUCKET/stale/*", "s3:PutObject"),
            partial(finishes, deployment, begun=timedelta(days=3)),
        ),
    ]


async def finishes(deployment: Deployment, *, begun: timedelta = timedelta()) -> None:
    call_id = deployment.new_call(begun=begun)
    at = timestamp(datetime.now(UTC))
    for number, body in enumerate(SPOKEN):
        entry = deployment.table(
            Log(deployment.stack.calls_table, call_id).append(body, at=at, tenant=TENANT, token=f"w{number}")
        )
    given = event(entry, "a-bus")
    body = {"source": given["Source"], "detail-type": given["DetailType"], "detail": json.loads(given["Detail"])}
    record = {
        "messageId": "m1",
        "receiptHandle": "r1",
        "body": json.dumps(body),
        "attributes": {"ApproximateReceiveCount": "1"},
    }
    answer = await deployment.invoke("finish", {"Records": [record]})

    assert answer == {"batchItemFailures": []}
    assert deployment.log(call_id)[-3:] == ["chapters", "analytics", "transcript.ready"]
