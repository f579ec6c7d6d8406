"""What `deliver` does for endpoints that want to be told of a call."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from callscribe.after_call import TranscriptReady
from callscribe.bus import event
from callscribe.deliveries import Deliveries, Delivery
from callscribe.entries import timestamp
from callscribe.log import Log
from callscribe.webhooks import Webhooks, new_endpoint
from functions.deliver.messages import due
from tests.path.customer import served
from tests.path.rights.act import Act
from tests.path.rights.deployment import TENANT
from tests.path.rights.right import rights

if TYPE_CHECKING:
    from tests.path.rights.deployment import Deployment

READY = TranscriptReady(archive="", utterances=0, complete=False, formats=())


class Crm:
    """A customer's server."""

    url = ""
    received = 0

    async def answer(self, _request: web.Request) -> web.Response:
        self.received += 1
        return web.json_response({"title": "Lost cards"})  # which hooks answer, and webhooks may


@asynccontextmanager
async def crm() -> AsyncIterator[Crm]:
    """Run one while inside."""
    known = Crm()
    async with served(known.answer) as root:
        known.url = f"{root}/"
        yield known


def acts(deployment: Deployment, crm: Crm) -> list[Act]:
    return [
        Act(
            "who wants to be told of a call is noted",
            rights("WEBHOOKS_TABLE", "dynamodb:Query", "dynamodb:PutItem") | rights("DELIVER_QUEUE", "sqs:SendMessage"),
            partial(plans, deployment, crm),
        ),
        Act(
            "an endpoint is told, and that it was",
            rights("WEBHOOKS_TABLE", "dynamodb:GetItem", "dynamodb:UpdateItem")
            | rights("CALLS_TABLE", "dynamodb:Query"),
            partial(tells, deployment, crm),
        ),
        Act(
            "what is due is taken up",
            rights("WEBHOOKS_TABLE/index/due", "dynamodb:Query")
            | rights("WEBHOOKS_TABLE", "dynamodb:UpdateItem")
            | rights("DELIVER_QUEUE", "sqs:SendMessage"),
            partial(takes_up, deployment, crm),
        ),
    ]


async def plans(deployment: Deployment, crm: Crm) -> None:
    table, endpoint, delivery = wanted(deployment, crm)
    entry = deployment.table(Log(deployment.stack.calls_table, delivery.call_id).read(after=1))[0]
    given = event(entry, "a-bus")
    body = {"source": given["Source"], "detail-type": given["DetailType"], "detail": json.loads(given["Detail"])}

    assert await tell(deployment, json.dumps(body)) == {"batchItemFailures": []}
    (planned,) = deployment.table(table.of_endpoint(endpoint, since="2020", until="2100"))
    assert planned.state == "waiting"


async def tells(deployment: Deployment, crm: Crm) -> None:
    table, _, delivery = wanted(deployment, crm)
    deployment.table(table.plan(delivery, now=datetime.now(UTC)))
    before = crm.received

    assert await tell(deployment, due(delivery)) == {"batchItemFailures": []}
    assert crm.received == before + 1
    assert deployment.table(table.find(delivery)).state == "delivered"


async def takes_up(deployment: Deployment, crm: Crm) -> None:
    table, _, delivery = wanted(deployment, crm)
    long_ago = datetime.now(UTC) - timedelta(days=1)
    deployment.table(table.plan(delivery, now=long_ago))

    assert await deployment.invoke("deliver", {"source": "aws.events", "detail": {}}) is None
    assert deployment.table(table.due(now=datetime.now(UTC), limit=10)) == []  # somebody has


def wanted(deployment: Deployment, crm: Crm) -> tuple[Deliveries, str, Delivery]:
    """Return the table, the id of a new endpoint, and what it wants to be told of a new call."""
    name, at = deployment.variable("WEBHOOKS_TABLE"), timestamp(datetime.now(UTC))
    endpoint = new_endpoint(TENANT, crm.url, (), at=at)
    deployment.empty("WEBHOOKS_TABLE")
    deployment.table(Webhooks(name).add(endpoint))
    call_id = deployment.new_call()
    entry = deployment.table(
        Log(deployment.stack.calls_table, call_id).append(READY, at=at, tenant=TENANT, token="ready")
    )
    return Deliveries(name), endpoint.id, Delivery(endpoint.id, TENANT, call_id, entry.seq, at, entry.kind)


async def tell(deployment: Deployment, body: str) -> object:
    """Return what the function answers to a message."""
    return await deployment.invoke("deliver", {"Records": [{"messageId": "m1", "body": body}]})
