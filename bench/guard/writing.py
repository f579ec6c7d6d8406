"""A final from Gladia's message to the request that appends it, and a post of partials, without a network."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import cast

from aiobotocore.credentials import AioCredentials

from bench.appends import written
from bridge.connections import Connections
from bridge.dynamodb import Dynamodb
from bridge.http_connection import HttpAnswer
from bridge.http_pool import HttpPool
from bridge.signed_service import SignedService

Once = Callable[[], Awaitable[object]]
FRAME = b"x" * 400  # an utterance of some words
CONNECTION = "L0SM9cOFvHcCIhw="
AT = datetime(2026, 11, 30, 12, tzinfo=UTC)


class Agreeing:
    """Connections to a server that takes everything at once."""

    async def ask(self, request: bytes) -> HttpAnswer:  # noqa: ARG002
        """Answer as DynamoDB and API Gateway do to what they take."""
        return HttpAnswer(200, {b"x-amz-crc32": b"2745614147"}, b"{}")


def _agreeing(service: str) -> SignedService:
    signed = SignedService(
        "https://aws.example.test",
        service=service,
        region="eu-west-1",
        credentials=AioCredentials("AKIDEXAMPLE", "example-key-not-a-secret", "t" * 300),
        now=lambda: AT,
    )
    signed._pool = cast("HttpPool", Agreeing())  # noqa: SLF001 - the network is what is left out
    return signed


@contextlib.asynccontextmanager
async def finals() -> AsyncIterator[Once]:
    """Yield what takes the next final to the table."""
    async with asyncio.TaskGroup() as tasks:
        with written(Dynamodb(_agreeing("dynamodb")), tasks) as write:
            yield write


@contextlib.asynccontextmanager
async def posts() -> AsyncIterator[Once]:
    """Yield what posts once."""
    connections = Connections(_agreeing("execute-api"))
    yield lambda: connections.post(CONNECTION, FRAME)
