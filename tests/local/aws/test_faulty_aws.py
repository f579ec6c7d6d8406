"""What a client of AWS meets behind a proxy that lets requests fail on demand."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web

from bridge.aws import perform
from callscribe.errors import Refused, SubscriberGone, Unavailable
from callscribe.requests import Request
from local.aws.faults import Chance, Cut, Denied, Failed, Forbidden, Gone, Hangs, Limited, Plan, Rule, Throttled
from local.aws.faulty import Asked, FaultyAws, asked_by
from tests.aws_clients import connections_at, tables_at


class Upstream:
    """An AWS that takes everything."""

    def __init__(self) -> None:
        self.puts: list[str] = []
        self.posts: list[tuple[str, bytes]] = []

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/", self._put)
        app.router.add_post("/live/@connections/{connection}", self._post)
        return app

    async def _put(self, request: web.Request) -> web.Response:
        self.puts.append((await request.json())["Item"]["sk"]["S"])
        attributes = {"Attributes": {"pk": {"S": "x" * 1000}}}
        return web.json_response(attributes, content_type="application/x-amz-json-1.0")

    async def _post(self, request: web.Request) -> web.Response:
        self.posts.append((request.match_info["connection"], await request.read()))
        return web.Response()


class Aws:
    """The upstream, the proxy before it, and a client of each service."""

    def __init__(self, upstream: Upstream, faulty: FaultyAws, dynamodb, connections) -> None:
        self.upstream = upstream
        self.faulty = faulty
        self.dynamodb = dynamodb
        self.connections = connections

    async def put(self, number: int = 1, table: str = "Calls", call: str = "CALL#CA1"):
        item = {"pk": {"S": call}, "sk": {"S": str(number)}}
        steps = iter([Request("put_item", {"TableName": table, "Item": item})])
        return await perform(self.dynamodb, _steps(steps))

    async def outcomes(self, count: int, **arguments) -> str:
        """A letter for each put: `.` for one that was taken, `x` for one that failed."""
        letters = ""
        for number in range(count):
            try:
                await self.put(number, **arguments)
            except Unavailable:
                letters += "x"
            else:
                letters += "."
        return letters


def _steps(requests):
    for request in requests:
        answer = yield request
    return answer


@pytest.fixture
async def aws():
    upstream = Upstream()
    runner = web.AppRunner(upstream.app())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with FaultyAws(f"http://127.0.0.1:{runner.addresses[0][1]}") as faulty:
        with tables_at(faulty.url) as dynamodb, connections_at(f"{faulty.url}/live") as connections:
            yield Aws(upstream, faulty, dynamodb, connections)
    await runner.cleanup()


def one(fault, **rule) -> Plan:
    return Plan(rules=(Rule(fault=fault, **rule),))


async def test_without_faults_everything_goes_through_as_it_is(aws):
    answer = await aws.put(7)
    await aws.connections.post("a-connection=", b"what is said")

    assert answer["Attributes"] == {"pk": {"S": "x" * 1000}}
    assert aws.upstream.puts == ["7"]
    assert aws.upstream.posts == [("a-connection=", b"what is said")]
    assert aws.faulty.passed == {"PutItem": 1, "PostToConnection": 1}


@pytest.mark.parametrize(
    ("fault", "done"),
    [
        (Throttled(), 0),
        (Throttled(code="ThrottlingException"), 0),
        (Throttled(code="RequestLimitExceeded"), 0),
        (Failed(status=500), 0),
        (Failed(status=502), 0),
        (Failed(status=503), 0),
        (Denied(code="AccessDeniedException"), 0),
        (Cut(at="request"), 0),
        (Cut(at="done"), 1),
        (Cut(at="answer"), 1),
    ],
    ids=str,
)
async def test_each_fault_of_dynamodb_passes_for_the_bridge_and_does_what_it_says(aws, fault, done):
    aws.faulty.plan = one(fault)

    with pytest.raises(Unavailable):
        await aws.put()
    assert len(aws.upstream.puts) == done
    await aws.put()
    assert [struck.fault for struck in aws.faulty.struck] == [fault]


async def test_an_item_that_is_refused_is_refused_for_good(aws):
    aws.faulty.plan = one(Denied(code="ValidationException"))

    with pytest.raises(Refused):
        await aws.put()


async def test_a_request_that_hangs_is_answered_by_nobody(aws):
    aws.faulty.plan = one(Hangs())
    asking = asyncio.create_task(aws.put())

    await aws.faulty.stuck.wait()

    assert not asking.done()
    assert aws.upstream.puts == []
    asking.cancel()


@pytest.mark.parametrize("fault", [Limited(), Forbidden(), Failed(status=500), Cut(at="request")], ids=str)
async def test_each_fault_of_a_post_passes_for_the_bridge(aws, fault):
    aws.faulty.plan = one(fault)

    with pytest.raises(Unavailable):
        await aws.connections.post("one", b"")
    await aws.connections.post("one", b"")


async def test_a_connection_that_is_gone_stays_gone_and_the_others_do_not(aws):
    aws.faulty.plan = one(Gone(), about="one")

    for _ in range(2):
        with pytest.raises(SubscriberGone):
            await aws.connections.post("one", b"")
    await aws.connections.post("other", b"")
    assert [name for name, _ in aws.upstream.posts] == ["other"]


async def test_a_rule_strikes_in_turns(aws):
    aws.faulty.plan = one(Throttled(), first=3, times=2, every=5)

    assert await aws.outcomes(13) == "..xx...xx...x"


async def test_a_rule_strikes_only_what_it_names(aws):
    aws.faulty.plan = one(Throttled(), operation="PutItem", table="Calls", about="CALL#CA1*", times=None)

    assert await aws.outcomes(1, call="CALL#CA12") == "x"
    assert await aws.outcomes(1, call="CALL#CA2") == "."
    assert await aws.outcomes(1, table="Subscriptions") == "."
    await aws.connections.post("one", b"")


async def test_the_same_seed_strikes_the_same_requests_of_a_call_whatever_others_ask(aws):
    aws.faulty.plan = Plan(chance=Chance(seed=7, rates={"throttled": 0.3, "failed": 0.2}))
    alone = await aws.outcomes(40, call="CALL#CA1")
    assert "x" in alone

    async with FaultyAws(aws.faulty._upstream_url, aws.faulty.plan) as again:
        with tables_at(again.url) as dynamodb:
            crowd = Aws(aws.upstream, again, dynamodb, None)
            both = await asyncio.gather(crowd.outcomes(40, call="CALL#CA1"), crowd.outcomes(40, call="CALL#CA2"))

    assert both[0] == alone
    assert both[1] != alone


async def test_a_plan_is_read_from_json():
    text = '{"rules":[{"fault":{"fault":"cut","at":"done"},"times":3}],"chance":{"seed":1,"rates":{"post_gone":0.5}}}'

    assert Plan.parse(text) == Plan(
        rules=(Rule(fault=Cut(at="done"), times=3),), chance=Chance(seed=1, rates={"post_gone": 0.5})
    )
    with pytest.raises(ValueError, match="there is no fault 'weather'"):
        Plan.parse('{"chance":{"seed":1,"rates":{"weather":0.5}}}')


@pytest.mark.parametrize(
    ("arguments", "about"),
    [
        ({"TableName": "Calls", "Item": {"pk": {"S": "CALL#1"}}}, "CALL#1"),
        ({"TableName": "Calls", "Key": {"pk": {"S": "CALL#1"}}}, "CALL#1"),
        ({"TableName": "Calls", "ExpressionAttributeValues": {":pk": {"S": "CALL#1"}}}, "CALL#1"),
        ({"TableName": "Calls"}, ""),
    ],
)
def test_a_request_is_known_by_what_it_is_about(arguments, about):
    asked = asked_by("/", "DynamoDB_20120810.Query", json.dumps(arguments).encode())

    assert asked == Asked("Query", "Calls", about)


@pytest.mark.parametrize("body", [b"", b"[]", b'"text"', b'{"Item":7}', b'{"Item":{}}', b"\xff"])
def test_a_request_that_makes_no_sense_is_about_nothing(body):
    assert asked_by("/", "DynamoDB_20120810.Query", body) == Asked("Query", "", "")
