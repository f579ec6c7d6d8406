"""What the functions behind the WebSocket API do: let a client in, answer it, post to it."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from callscribe.subscriptions import Behind
from callscribe.tickets import push_ticket, sign
from local.aws.stream_services import StreamServices
from tests.path.rights.act import Act
from tests.path.rights.deployment import LONG, SIGNING_KEY, TENANT, event
from tests.path.rights.right import rights

if TYPE_CHECKING:
    from tests.path.rights.deployment import Client, Deployment

SUBSCRIPTIONS = "SUBSCRIPTIONS_TABLE"
POST = rights("PUSH_ENDPOINT", "execute-api:ManageConnections")
GONE = "L0SM9cOFvHcCIhw="


def of_authorize(deployment: Deployment) -> list[Act]:
    return [
        Act(
            "a ticket lets one connection in",
            rights("SIGNING_SECRET", "secretsmanager:GetSecretValue") | rights("TICKETS_TABLE", "dynamodb:PutItem"),
            partial(lets_in_once, deployment),
        )
    ]


def of_subscribe(deployment: Deployment, client: Client) -> list[Act]:
    read = rights("CALLS_TABLE", "dynamodb:Query")
    found = rights(f"{SUBSCRIPTIONS}/index/by-connection", "dynamodb:Query")
    return [
        Act(
            "a client follows a call, and is sent its log",
            read | POST | rights(SUBSCRIPTIONS, "dynamodb:PutItem"),
            partial(follows, deployment, client),
        ),
        Act(
            "a client that lacks something is sent it at its next ping",
            read | POST | found | rights(SUBSCRIPTIONS, "dynamodb:UpdateItem"),
            partial(catches_up, deployment, client),
        ),
        Act(
            "what a closed connection followed is forgotten",
            found | rights(SUBSCRIPTIONS, "dynamodb:DeleteItem"),
            partial(forgets, deployment),
        ),
    ]


def of_push(deployment: Deployment, client: Client) -> list[Act]:
    find = rights(SUBSCRIPTIONS, "dynamodb:Query")
    return [
        Act("an entry is posted to those who follow the call", find | POST, partial(posts, deployment, client)),
        Act(
            "a subscriber whose connection is gone is forgotten",
            find | POST | rights(SUBSCRIPTIONS, "dynamodb:DeleteItem"),
            partial(drops, deployment),
        ),
        Act(
            "a subscriber who can't be posted to is marked",
            find | POST | rights(SUBSCRIPTIONS, "dynamodb:UpdateItem"),
            partial(marks, deployment, client),
        ),
        Act(
            "records that were given up are reported",
            rights("PUSH_FAILURES", "sqs:SendMessage"),
            partial(reports, deployment, "push"),
        ),
    ]


def of_publish(deployment: Deployment) -> list[Act]:
    return [
        Act(
            "what was written is put on the bus",
            rights("EVENT_BUS", "events:PutEvents"),
            partial(publishes, deployment),
        ),
        Act(
            "what is given up is reported",
            rights("PUBLISH_FAILURES", "sqs:SendMessage"),
            partial(reports, deployment, "publish"),
        ),
    ]


async def lets_in_once(deployment: Deployment) -> None:
    ticket = sign(push_ticket(TENANT, None, expires_at=int(time.time()) + LONG), SIGNING_KEY)
    request = event("websocket_authorizer.json") | {"queryStringParameters": {"ticket": ticket}}
    answers = [await deployment.invoke("authorize", request) for _ in range(2)]

    assert [each["policyDocument"]["Statement"][0]["Effect"] for each in answers] == ["Allow", "Deny"]


async def follows(deployment: Deployment, client: Client) -> None:
    call_id = deployment.new_call()
    await say(deployment, client, {"action": "subscribe", "call_id": call_id})

    assert [each["type"] for each in await client.received()] == ["entry", "replayed"]
    assert [each.connection_id for each in deployment.followers(call_id)] == [client.id]


async def catches_up(deployment: Deployment, client: Client) -> None:
    deployment.empty(SUBSCRIPTIONS)
    call_id = deployment.new_call()
    subscription = deployment.subscribed(call_id, client.id)
    deployment.table(deployment.subscriptions.fall_behind(subscription, Behind(0, int(time.time()) + LONG)))
    await say(deployment, client, {"action": "ping"})

    assert [each["type"] for each in await client.received()] == ["entry", "replayed", "pong"]
    assert [each.behind for each in deployment.followers(call_id)] == [None]


async def forgets(deployment: Deployment) -> None:
    call_id = deployment.new_call()
    closed = event("websocket_disconnect.json")
    deployment.subscribed(call_id, closed["requestContext"]["connectionId"])
    await deployment.invoke("subscribe", closed)

    assert deployment.followers(call_id) == []


async def posts(deployment: Deployment, client: Client) -> None:
    call_id = deployment.new_call()
    deployment.subscribed(call_id, client.id)
    await append(deployment, call_id)

    assert [(each["call_id"], each["seq"]) for each in await client.received()] == [(call_id, 1)]


async def drops(deployment: Deployment) -> None:
    call_id = deployment.new_call()
    deployment.subscribed(call_id, GONE)
    await append(deployment, call_id)

    assert deployment.followers(call_id) == []


async def marks(deployment: Deployment, client: Client) -> None:
    call_id = deployment.new_call()
    subscription = deployment.subscribed(call_id, client.id)
    # Marked before, and rested, so that it is tried once.
    deployment.table(deployment.subscriptions.fall_behind(subscription, Behind(0, 1)))
    deployment.witness.busy.add(client.id)
    try:
        await append(deployment, call_id)
    finally:
        deployment.witness.busy.clear()

    (follower,) = deployment.followers(call_id)
    assert follower.behind.again_at > time.time()


async def publishes(deployment: Deployment) -> None:
    answer = await deployment.invoke("publish", event("stream_of_calls.json"))
    assert answer == {"batchItemFailures": []}


async def reports(deployment: Deployment, folder: str) -> None:
    """Lambda sends the report, under the function's role; the local AWS's own mapping does here."""
    stack, mapped = deployment.stack, deployment.stack.mappings[folder]
    role = replace(mapped.access, url=deployment.witness.url)
    services = await asyncio.to_thread(StreamServices, mapped.mapping, role=role, service=stack.root)
    await asyncio.to_thread(services.report, {"requestContext": {"condition": "RetryAttemptsExhausted"}})


async def say(deployment: Deployment, client: Client, message: dict[str, str]) -> None:
    """Let the function answer what the client says, as if API Gateway handed it over."""
    request = event("websocket_message.json") | {"body": json.dumps(message)}
    request["requestContext"] |= {"routeKey": message["action"], "connectionId": client.id}
    request["requestContext"]["authorizer"] |= {"tenant": TENANT, "calls": "*"}
    await deployment.invoke("subscribe", request)


async def append(deployment: Deployment, call_id: str) -> None:
    """Bring the first entry of the call to `push`."""
    (record, *_) = event("stream_of_calls.json")["Records"]
    record["dynamodb"]["NewImage"]["pk"] = record["dynamodb"]["Keys"]["pk"] = {"S": f"CALL#{call_id}"}
    answer = await deployment.invoke("push", {"Records": [record]})
    assert answer == {"batchItemFailures": []}
