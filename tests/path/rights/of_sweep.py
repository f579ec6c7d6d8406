"""What `sweep` does for a call whose bridge has died."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from callscribe.entries import timestamp
from callscribe.lane_record import LaneRecord, LegRecord
from callscribe.log import Log
from callscribe.sessions import Sessions
from local.aws.warm import EVENTS
from tests.path.rights.act import Act
from tests.path.rights.deployment import ACCOUNT, STARTED, TENANT
from tests.path.rights.right import rights

if TYPE_CHECKING:
    from tests.path.rights.carrier import Carrier, Line
    from tests.path.rights.deployment import Deployment

CALLS, SESSIONS = "CALLS_TABLE", "SESSIONS_TABLE"
SECRET = "secretsmanager:GetSecretValue"
DIED_MS = 30_000  # ago

FOUND = (
    rights(CALLS, "dynamodb:Query")
    | rights(f"{CALLS}/index/in-progress", "dynamodb:Query")
    | rights(SESSIONS, "dynamodb:Query")
    | rights(f"{SESSIONS}/index/by-owner", "dynamodb:Query")
    | rights("TWILIO_SECRET", SECRET)
)


def acts(deployment: Deployment, carrier: Carrier) -> list[Act]:
    return [
        Act(
            "a call that goes on is sent to another bridge",
            FOUND
            | rights(SESSIONS, "dynamodb:UpdateItem")
            | rights("MEDIA_URL_PARAMETER", "ssm:GetParameter")
            | rights("SIGNING_SECRET", SECRET),
            partial(sends_on, deployment, carrier),
        ),
        Act(
            "a call that is over is brought to its end, and its lane forgotten",
            FOUND
            | rights(CALLS, "dynamodb:PutItem", "dynamodb:UpdateItem")
            | rights(SESSIONS, "dynamodb:DeleteItem")
            | rights("GLADIA_SECRET", SECRET),
            partial(closes, deployment, carrier),
        ),
    ]


async def sends_on(deployment: Deployment, carrier: Carrier) -> None:
    line = orphaned(deployment, carrier)
    await deployment.invoke("sweep", EVENTS["sweep"])

    assert len(line.asked) == 1


async def closes(deployment: Deployment, carrier: Carrier) -> None:
    line = orphaned(deployment, carrier)
    line.hang_up()
    await deployment.invoke("sweep", EVENTS["sweep"])

    assert "call.ended" in deployment.log(line.sid)
    assert deployment.listed(line.sid) == "ended"
    assert deployment.table(Sessions(deployment.variable(SESSIONS)).find(line.sid)) == []


def orphaned(deployment: Deployment, carrier: Carrier) -> Line:
    """Return a call whose bridge died half a minute ago, the only one that there is."""
    deployment.empty(CALLS)
    deployment.empty(SESSIONS)
    line = carrier.call()
    at = timestamp(datetime.now(UTC))
    deployment.table(Log(deployment.stack.calls_table, line.sid).open(STARTED, at=at, tenant=TENANT, token=line.sid))
    record = lane(line.sid, owner="a-dead-task", at_ms=time.time_ns() // 1_000_000 - DIED_MS)
    sessions = Sessions(deployment.variable(SESSIONS))
    deployment.table(sessions.keep(record))
    deployment.table(sessions.beat(record.owner, now_ms=record.at_ms, leaving=False))
    return line


def lane(call_id: str, *, owner: str, at_ms: int) -> LaneRecord:
    """Return what is written down of a call's only lane."""
    leg = LegRecord(name="MZ1/inbound", party="caller", track="inbound", channel=0, heard=8000, filled=0, dropped=0)
    return LaneRecord(
        call_id=call_id, tenant=TENANT, lane="inbound", owner=owner, media_stream="MZ1", account=ACCOUNT.sid,
        legs=(leg,), session_id="45463597-20b7-4af7-b3b3-f5fb778203ab", url="wss://gladia.example.test", begin=0,
        acknowledged=7200, sent=8000, position_ms=1000, at_ms=at_ms, offset_ms=0, sessions=1, reconnects=0,
        encoding="mulaw", rate_hz=8000,
    )  # fmt: skip
