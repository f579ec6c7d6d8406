"""AWS in memory refuses what it is told to refuse."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession, web

from bench.chaos.aws import Aws
from bench.chaos.tables import Tables

HEADERS = {"X-Amz-Target": "DynamoDB_20120810.GetItem"}
ASKED = {"TableName": "Calls", "Key": {"pk": {"S": "TASKS"}, "sk": {"S": "TASK#1"}}}


@pytest.fixture
async def aws():
    aws = Aws(Tables("Calls", written=lambda table, item: None), auth_token="token")
    app = web.Application()
    aws.add_routes(app)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    aws.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield aws
    await runner.cleanup()


async def ask(aws: Aws) -> tuple[int, dict]:
    async with ClientSession() as http, http.post(aws.url, json=ASKED, headers=HEADERS) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_while_it_is_throttled_nobody_is_answered_whatever_it_is_about(aws):
    assert await ask(aws) == (200, {})
    aws.is_throttled = True

    status, refusal = await ask(aws)

    assert status == 400
    assert refusal["__type"].endswith("ProvisionedThroughputExceededException")
    aws.is_throttled = False
    assert await ask(aws) == (200, {})
