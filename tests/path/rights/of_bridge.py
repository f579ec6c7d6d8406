"""What the bridge asks of AWS, through its own adapters, under its task's role."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from aiobotocore.session import get_session

from bridge.__main__ import AWS
from bridge.assistant import Assistant
from bridge.audience import Audience
from bridge.aws import read_secret
from bridge.connections import Connections
from bridge.dynamodb import Dynamodb
from bridge.log_writer import LogWriter
from bridge.meter import Meter
from bridge.pulse import Pulse
from bridge.signed_service import SignedService
from bridge.takeover import Keeper
from bridge.telling import Append, Partial
from bridge.tenure import Tenure
from bridge.trunk_book import TrunkBook
from bridge.trunk_door import WRONG
from bridge.watch import Watch
from callscribe.entries import LegStarted
from callscribe.hooks import Said
from callscribe.log import Log
from callscribe.sessions import Sessions
from local.twilio.account import new_sid
from tests.path.rights.act import Act
from tests.path.rights.deployment import TENANT
from tests.path.rights.of_sweep import DIED_MS, lane
from tests.path.rights.right import rights

if TYPE_CHECKING:
    from tests.path.rights.deployment import Client, Deployment

CALLS, SESSIONS, SUBSCRIPTIONS = "CALLS_TABLE", "SESSIONS_TABLE", "SUBSCRIPTIONS_TABLE"
SECRETS = ("GLADIA_SECRET", "TWILIO_SECRET", "SIGNING_SECRET")
TASK = "a-task"
PATIENCE_S = 0.5  # for what is tried until it is allowed
SAID = LegStarted(
    leg="MZ1/inbound", party="caller", track="inbound", codec="mulaw/8000", media_stream="MZ1", session="G1",
    channel=0, offset_ms=0,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bridge:
    """The bridge's clients of AWS."""

    deployment: Deployment
    secrets: Any
    dynamodb: Any
    connections: Any
    functions: Any

    @property
    def sessions(self) -> Sessions:
        return Sessions(self.deployment.variable(SESSIONS))


@asynccontextmanager
async def bridge(deployment: Deployment) -> AsyncIterator[Bridge]:
    """Make the clients as the process does."""
    access, witness = deployment.stack.bridge_access, deployment.witness
    aws = get_session()
    aws.set_config_variable("region", access.region)
    aws.set_credentials(access.key_id, access.secret, access.token)
    push = witness.at(deployment.stack.bridge["PUSH_ENDPOINT"])
    async with AsyncExitStack() as stack:
        secrets, functions = [
            await stack.enter_async_context(aws.create_client(service, endpoint_url=witness.url, config=AWS))
            for service in ("secretsmanager", "lambda")
        ]
        dynamodb = Dynamodb(await SignedService.of(aws, witness.url, service="dynamodb"))
        connections = await Connections.of(aws, push)
        stack.callback(dynamodb.close)
        stack.callback(connections.close)
        yield Bridge(deployment, secrets, dynamodb, connections, functions)


def acts(bridge: Bridge, client: Client) -> list[Act]:
    return [
        Act("trunks are looked up", rights("KEYS_TABLE", "dynamodb:GetItem"), partial(looks_up, bridge)),
        *(
            Act(f"it starts with {name}", rights(name, "secretsmanager:GetSecretValue"), partial(reads, bridge, name))
            for name in SECRETS
        ),
        Act(
            "what is heard is written to the call's log, after what is there",
            rights(CALLS, "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem"),
            partial(writes, bridge),
        ),
        Act(
            "subscribers are shown what is being said",
            rights(SUBSCRIPTIONS, "dynamodb:Query") | rights("PUSH_ENDPOINT", "execute-api:ManageConnections"),
            partial(shows, bridge, client),
        ),
        Act("hooks are asked", rights("ASSIST_FUNCTION", "lambda:InvokeFunction"), partial(has_hooks_asked, bridge)),
        Act(
            "its heart beats, and it is forgotten when it leaves in order",
            rights(SESSIONS, "dynamodb:PutItem", "dynamodb:DeleteItem")
            | rights(f"{SESSIONS}/index/by-owner", "dynamodb:Query"),
            partial(beats, bridge),
        ),
        Act(
            "the calls of a task that died are found",
            rights(SESSIONS, "dynamodb:Query") | rights(f"{SESSIONS}/index/by-owner", "dynamodb:Query"),
            partial(watches, bridge),
        ),
        Act(
            "a lane is written down, and promised to the task that claims it",
            rights(SESSIONS, "dynamodb:UpdateItem", "dynamodb:GetItem"),
            partial(hands_over, bridge),
        ),
    ]


async def looks_up(bridge: Bridge) -> None:
    book = TrunkBook(bridge.dynamodb, bridge.deployment.variable("KEYS_TABLE"))
    found = await book.admit("/asterisk/nobody", {"Authorization": "Bearer guess"}, address="203.0.113.7")
    assert found == WRONG


async def has_hooks_asked(bridge: Bridge) -> None:
    meter = Meter()
    assistant = Assistant(bridge.functions, bridge.deployment.variable("ASSIST_FUNCTION"), meter)
    async with asyncio.TaskGroup() as tasks:
        assistant.ask([SOMETHING], tasks)
    assert meter.line(0)["hooks_asked"] == 1


SOMETHING = Said(
    hook="nobody", kind="utterance", call_id="CA1", tenant=TENANT, leg="a", party="caller", id="u1", text="hello",
    start_ms=0, end_ms=1, at_ms=0,
)  # fmt: skip


async def reads(bridge: Bridge, name: str) -> None:
    assert await read_secret(bridge.secrets, bridge.deployment.stack.bridge[name])


async def writes(bridge: Bridge) -> None:
    call_id = bridge.deployment.new_call()
    log = Log(bridge.deployment.stack.calls_table, call_id)
    writer = LogWriter(bridge.dynamodb, log, tenant=TENANT, tail=None)
    writer.append(Append(SAID, "MZ1/started"))
    writer.finish(deadline_s=PATIENCE_S)
    await writer.run()

    assert (writer.written, bridge.deployment.log(call_id)) == (1, ["call.started", "leg.started"])
    assert "parties" in bridge.deployment.item(CALLS, pk=f"CALL#{call_id}", sk="HEAD")


async def shows(bridge: Bridge, client: Client) -> None:
    call_id = bridge.deployment.new_call()
    bridge.deployment.subscribed(call_id, client.id)
    async with asyncio.TaskGroup() as tasks:
        audience = Audience(
            dynamodb=bridge.dynamodb,
            connections=bridge.connections,
            subscriptions=bridge.deployment.subscriptions,
            call_id=call_id,
            tenant=TENANT,
            tasks=tasks,
        )
        audience.show([Partial("MZ1/inbound", "caller", "G1/1", "good", 0, 100)], after=1, now=0.0)

    assert [(each["type"], each["text"]) for each in await client.received()] == [("partial", "good")]


async def beats(bridge: Bridge) -> None:
    bridge.deployment.empty(SESSIONS)
    key = {"pk": "TASKS", "sk": f"TASK#{TASK}"}
    async with Pulse(bridge.dynamodb, bridge.sessions, TASK):
        assert bridge.deployment.item(SESSIONS, **key)

    assert bridge.deployment.item(SESSIONS, **key) is None


async def watches(bridge: Bridge) -> None:
    asked = asyncio.Queue()

    class Recall:
        async def ask(self, *, call_id: str, **_more: object) -> None:
            asked.put_nowait(call_id)

    bridge.deployment.empty(SESSIONS)
    record = lane(new_sid("CA"), owner="a-dead-task", at_ms=now_ms() - DIED_MS)
    bridge.deployment.table(bridge.sessions.keep(record))
    bridge.deployment.table(bridge.sessions.beat(record.owner, now_ms=record.at_ms, leaving=False))
    await Watch(bridge.dynamodb, bridge.sessions, Recall(), task=TASK).look()

    assert asked.get_nowait() == record.call_id


async def hands_over(bridge: Bridge) -> None:
    record = lane(new_sid("CA"), owner=TASK, at_ms=now_ms())
    keeper = Keeper(TASK, TENANT)
    tenure = Tenure(bridge.dynamodb, bridge.sessions, keeper, call_id=record.call_id, media_stream=record.media_stream)
    assert await tenure.keep([record])
    assert bridge.deployment.table(bridge.sessions.claim(record, "another-task"))

    assert await tenure.accept_claim(record.lane)


def now_ms() -> int:
    return time.time_ns() // 1_000_000
