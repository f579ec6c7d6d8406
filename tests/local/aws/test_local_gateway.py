"""What clients and webhooks rely on of API Gateway, kept by the local one."""

import base64
import json
from urllib.parse import urldefrag

import httpx
import pytest
from botocore.exceptions import ClientError
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus


async def status_of(url):
    with pytest.raises(InvalidStatus) as refused:
        await connect(url)
    return refused.value.response.status_code


async def test_the_http_api_hands_over_the_parts_of_a_path_and_its_query(stack):
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{stack.api_url}/v1/calls/CA1/transcript", params={"format": "vtt"})

    assert answer.status_code == 200
    assert answer.json() == {
        "rawPath": "/v1/calls/CA1/transcript",
        "routeKey": "GET /v1/calls/{call_id}/transcript",
        "queryStringParameters": {"format": "vtt"},
        "pathParameters": {"call_id": "CA1"},
    }


async def test_without_a_ticket_the_connection_is_refused_before_any_function_is_asked(stack):
    assert await status_of(stack.push_url) == 401


async def test_with_a_bad_ticket_it_is_forbidden(stack):
    assert await status_of(f"{stack.push_url}?ticket=bad") == 403


async def test_with_a_good_one_messages_are_routed_and_answered_and_know_what_the_ticket_said(stack):
    async with connect(f"{stack.push_url}?ticket=good") as client:
        await client.send(json.dumps({"action": "subscribe", "call_id": "CA1"}))
        event = json.loads(await client.recv())
        await client.send("no JSON")
        default = json.loads(await client.recv())

    assert event["requestContext"]["routeKey"] == "subscribe"
    assert event["requestContext"]["stage"] == "live"
    assert event["requestContext"]["authorizer"]["tenant"] == "t1"
    assert event["requestContext"]["authorizer"]["until"] == "1795352400"
    assert json.loads(event["body"]) == {"action": "subscribe", "call_id": "CA1"}
    assert default["requestContext"]["routeKey"] == "$default"


async def test_the_bridge_may_post_to_a_connection_and_may_not_look_it_up(stack):
    gateway = stack.bridge_access.client("apigatewaymanagementapi", url=stack.bridge["PUSH_ENDPOINT"])
    async with connect(f"{stack.push_url}?ticket=good") as client:
        await client.send(json.dumps({"action": "ping"}))
        connection_id = json.loads(await client.recv())["requestContext"]["connectionId"]

        gateway.post_to_connection(ConnectionId=connection_id, Data=b'{"type":"partial"}')
        assert await client.recv() == '{"type":"partial"}'

        with pytest.raises(ClientError) as denied:
            gateway.get_connection(ConnectionId=connection_id)
        assert denied.value.response["Error"]["Code"] == "AccessDeniedException"


async def test_posting_to_a_connection_that_is_gone_says_so(stack):
    gateway = stack.bridge_access.client("apigatewaymanagementapi", url=stack.bridge["PUSH_ENDPOINT"])

    with pytest.raises(gateway.exceptions.GoneException) as gone:
        gateway.post_to_connection(ConnectionId="L0SM9cOFvHcCIhw=", Data=b"{}")

    assert gone.value.response["ResponseMetadata"]["HTTPStatusCode"] == 410


def test_a_webhook_reaches_its_function_with_its_path_its_headers_and_its_body_in_base64(stack):
    form = {"CallSid": "CA1", "From": "+15005550006"}

    answer = httpx.post(stack.voice_url, data=form, headers={"X-Twilio-Signature": "sig"}).json()

    assert answer["path"] == "/twilio/voice"
    assert answer["method"] == "POST"
    assert answer["signature"] == "sig"
    assert answer["public_url"] + answer["path"] == urldefrag(stack.voice_url).url
    assert answer["is_base64"] is True
    assert base64.b64decode(answer["body"]) == b"CallSid=CA1&From=%2B15005550006"


def test_other_paths_and_methods_are_not_found(stack):
    assert httpx.post(urldefrag(stack.voice_url).url + "/more").status_code == 404
    assert httpx.get(stack.voice_url).status_code == 404


async def test_the_deployed_page_is_served_and_asks_the_deployed_http_api(stack):
    async with httpx.AsyncClient(base_url=stack.outputs["PageOriginUrl"]) as client:
        page, module, config, other = [
            await client.get(path) for path in ("/", "/page.js", "/config.json", "/nothing.js")
        ]

    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert module.headers["content-type"] == "text/javascript; charset=utf-8"
    assert config.json() == {"api": stack.api_url, "key": ""}
    assert other.status_code == 404
