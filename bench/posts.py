"""`python -m bench.posts`: the CPU time of a post to a connection, by general clients of AWS and by ours, in turns.

`--tls` as it is on AWS; without it what the clients themselves cost is plainer.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from typing import Any

import boto3
import uvloop
from aiobotocore.session import get_session
from botocore.config import Config

from bench.aws_peer import aws_peer
from bench.general_clients import GeneralConnections
from bench.in_turns import ROUNDS, TIMES, Way, cpu_us, show
from bridge.__main__ import AWS
from bridge.audience import Audience
from bridge.connections import Connections
from bridge.dynamodb import Dynamodb
from bridge.meter import Meter
from bridge.telling import Partial
from callscribe.requests import Request
from callscribe.subscriptions import Subscriptions
from functions.straight_posts import StraightPosts

FRAME = b"x" * 400  # an utterance of some words
CONNECTION = "L0SM9cOFvHcCIhw="
KEYS = ("AKIDEXAMPLE", "example-key-not-a-secret", "t" * 300)
REGION = "eu-west-1"
SAID = Partial("MZ1/inbound", "caller", "G1/1", "an utterance of some words, as long as most of them are", 0, 3000)


class OneFollower(Dynamodb):
    """The table Subscriptions of a call that one follows; asked once a second, which is not what is measured."""

    def __init__(self) -> None:
        pass

    async def ask(self, _request: Request) -> Any:
        """Return the follower."""
        item = {"connection_id": {"S": CONNECTION}, "tenant": {"S": "bench"}, "expires_at": {"N": "9999999999"}}
        return {"Items": [{"pk": {"S": "CALL#CA1"}, **item}]}


class _Told(Meter):
    """Says when a partial was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.is_shown = asyncio.Event()

    def count(self, name: str, n: int = 1) -> None:
        super().count(name, n)
        if name == "partials_shown":
            self.is_shown.set()


def shown(connections: Connections, tasks: asyncio.TaskGroup) -> Way:
    """Return what shows a partial to a subscriber, from the partial to the answer to its post."""
    meter = _Told()
    audience = Audience(
        dynamodb=OneFollower(),
        connections=connections,
        subscriptions=Subscriptions("Subscriptions"),
        call_id="CA1",
        tenant="bench",
        tasks=tasks,
        meter=meter,
    )

    async def show_one() -> None:
        meter.is_shown.clear()
        audience.show([SAID], after=1, now=0.0)
        await meter.is_shown.wait()

    return show_one


def straight(post: Callable[[], object]) -> Way:
    """Return a way that blocks as one that does not."""

    async def once() -> None:
        post()

    return once


async def measure(origin: str, *, rounds: int = ROUNDS, times: int = TIMES) -> dict[str, list[float]]:
    """Return what each way takes, in microseconds."""
    endpoint = f"{origin}/live"
    session = boto3.Session(*KEYS, REGION)
    config = Config(retries={"mode": "standard", "total_max_attempts": 1})
    by_boto3 = session.client("apigatewaymanagementapi", endpoint_url=endpoint, config=config)
    by_function = StraightPosts.of(session, endpoint)
    aws = get_session()
    aws.set_credentials(*KEYS)
    aws.set_config_variable("region", REGION)
    async with contextlib.AsyncExitStack() as stack:
        client = aws.create_client("apigatewaymanagementapi", endpoint_url=endpoint, config=AWS)
        general = GeneralConnections(await stack.enter_async_context(client))
        ours = stack.enter_context(contextlib.closing(await Connections.of(aws, endpoint)))
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        ways: dict[str, Way] = {
            "boto3's client": straight(lambda: by_boto3.post_to_connection(ConnectionId=CONNECTION, Data=FRAME)),
            "functions/straight_posts.py": straight(lambda: by_function.post(CONNECTION, FRAME)),
            "aiobotocore's client": lambda: general.post(CONNECTION, FRAME),
            "bridge/connections.py": lambda: ours.post(CONNECTION, FRAME),
            "a partial shown, by aiobotocore's client": shown(general, tasks),
            "a partial shown, by bridge/connections.py": shown(ours, tasks),
        }
        return await cpu_us(ways, rounds=rounds, times=times)


if __name__ == "__main__":
    with aws_peer(tls="--tls" in sys.argv) as origin:
        show("a post by", uvloop.run(measure(origin)))
