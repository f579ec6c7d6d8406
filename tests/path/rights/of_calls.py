"""What `calls` does for the holder of a key: lists, reads, gives tickets, asks for media streams."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from callscribe.api_keys import ApiKeys, new_key
from callscribe.entries import timestamp
from callscribe.joined import STATE_KEY, encode_state
from callscribe.log import Log
from callscribe.second_pass import BatchReady
from callscribe.second_transcript import SecondTranscript, encode
from tests.path.rights.act import Act
from tests.path.rights.clients import client
from tests.path.rights.deployment import ACCOUNT, TENANT, event
from tests.path.rights.right import rights
from tests.routes import matched

if TYPE_CHECKING:
    from tests.path.rights.carrier import Carrier
    from tests.path.rights.deployment import Deployment

CALLS = "CALLS_TABLE"
SECRET = "secretsmanager:GetSecretValue"
KEY = rights("KEYS_TABLE", "dynamodb:GetItem")


def acts(deployment: Deployment, carrier: Carrier) -> list[Act]:
    new = new_key(TENANT, "CRM", at=timestamp(datetime.now(UTC)))
    deployment.table(ApiKeys(deployment.stack.keys_table).add(new))
    api = Api(deployment, new.text)
    return [
        Act("calls are listed", KEY | rights(f"{CALLS}/index/by-start", "dynamodb:Query"), partial(lists, api)),
        Act("a call is read", KEY | rights(CALLS, "dynamodb:Query"), partial(reads, api)),
        Act(
            "what its recording says is read",
            KEY | rights(CALLS, "dynamodb:Query") | rights("ARCHIVE_BUCKET/batch/*", "s3:GetObject"),
            partial(reads_second_pass, api),
        ),
        Act(
            "what was said is searched",
            KEY
            | rights("SIGNING_SECRET", SECRET)
            | rights("ARCHIVE_BUCKET/state/*", "s3:GetObject")
            | rights("ARCHIVE_BUCKET/", "s3:ListBucket")
            | rights("SEARCH_WORKGROUP", "athena:StartQueryExecution")
            | rights("*", "athena:GetQueryExecution", "athena:GetQueryResults"),
            partial(searches, api),
        ),
        Act("a client gets a ticket", KEY | rights("SIGNING_SECRET", SECRET), partial(gives_ticket, api)),
        Act(
            "a call that came in elsewhere is opened, and its media stream asked for",
            KEY
            | rights(CALLS, "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem")
            | rights("SETTINGS_PARAMETER", "ssm:GetParameter")
            | rights("MEDIA_URL_PARAMETER", "ssm:GetParameter")
            | rights("TWILIO_SECRET", SECRET)
            | rights("SIGNING_SECRET", SECRET),
            partial(asks_for_stream, api, carrier),
        ),
    ]


class Api:
    """The HTTP API, as API Gateway hands its requests to the function."""

    def __init__(self, deployment: Deployment, key: str) -> None:
        self.deployment = deployment
        self._key = key

    async def ask(self, method: str, path: str, body: Any = None, **query: str) -> tuple[int, Any]:
        """Return the status of the answer, and what it says."""
        request = event("http_api_webhook.json")
        request["rawPath"] = request["requestContext"]["http"]["path"] = path
        request["requestContext"]["http"]["method"] = method
        route, request["pathParameters"] = matched(method, path)
        request["routeKey"] = request["requestContext"]["routeKey"] = route
        request["headers"] = {"authorization": f"Bearer {self._key}"}
        request["queryStringParameters"] = query
        request |= {"body": None if body is None else json.dumps(body), "isBase64Encoded": False}
        answer = await self.deployment.invoke("calls", request)
        return answer["statusCode"], json.loads(answer["body"])


async def lists(api: Api) -> None:
    call_id = api.deployment.new_call()
    status, page = await api.ask("GET", "/v1/calls")

    assert status == 200
    assert page["calls"][0]["call_id"] == call_id


async def reads(api: Api) -> None:
    call_id = api.deployment.new_call()
    status, call = await api.ask("GET", f"/v1/calls/{call_id}")

    assert status == 200
    assert call["call_id"] == call_id


async def reads_second_pass(api: Api) -> None:
    deployment = api.deployment
    call_id = deployment.new_call()
    ready = BatchReady(job="j1", recording="RE1", transcript=f"batch/{call_id}.json", differences=())
    file = SecondTranscript(
        call_id=call_id, job="j1", recording="RE1", offset_ms=0, lines=(), differences=(), changes=()
    )
    s3, bucket = client(deployment.stack.root, "s3"), deployment.variable("ARCHIVE_BUCKET")
    s3.put_object(Bucket=bucket, Key=ready.transcript, Body=encode(file))
    at = timestamp(datetime.now(UTC))
    deployment.table(Log(deployment.stack.calls_table, call_id).append(ready, at=at, tenant=TENANT, token="ready"))
    status, answer = await api.ask("GET", f"/v1/calls/{call_id}/second-pass")

    assert (status, answer["job"]) == (200, "j1")


async def searches(api: Api) -> None:
    s3, bucket = client(api.deployment.stack.root, "s3"), api.deployment.variable("ARCHIVE_BUCKET")
    s3.put_object(Bucket=bucket, Key=STATE_KEY, Body=encode_state(date(2026, 1, 1)))
    status, page = await api.ask("GET", "/v1/search", q="umbrella")

    assert status == 200
    assert (page["over"], page["calls"]) == (True, [])


async def gives_ticket(api: Api) -> None:
    status, ticket = await api.ask("POST", "/v1/tickets", {})

    assert status == 201
    assert ticket["ticket"]


async def asks_for_stream(api: Api, carrier: Carrier) -> None:
    line = carrier.call()
    status, _ = await api.ask("POST", f"/v1/calls/{line.sid}/streams", {"account": ACCOUNT.sid})

    assert (status, len(line.asked)) == (202, 1)
    assert api.deployment.log(line.sid) == ["call.started"]
    assert api.deployment.listed(line.sid) == "in-progress"
