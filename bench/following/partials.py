"""How soon a partial that Gladia says is in a client's hands, with fifty calls on the locally deployed stack."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bench.discarding import Arrivals, Session, utterance
from bench.following.service import began
from bench.load import Caller, talk
from bench.services import Services
from callscribe.dynamodb import perform
from callscribe.entries import timestamp
from callscribe.log import Log
from callscribe.messages import PartialMessage
from local.aws import LocalStack
from local.laptop import Addresses

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PARTIAL_EVERY_S = 0.5
CONNECTING_S = 0.3  # a call: each new copy of a function in the local AWS costs half a second of a core
_SAID_AT = re.compile(r"at(\d+)us")


class Gladia(Services):
    """Says a partial every half second on each call, whose last word tells when that was."""

    def __init__(self) -> None:
        super().__init__(speaks=True)

    async def _speak(self, session: Session, _call_id: str, arrivals: Arrivals) -> None:
        await asyncio.sleep(random.random() * PARTIAL_EVERY_S)  # noqa: S311
        number = 0
        while True:
            await asyncio.sleep(PARTIAL_EVERY_S)
            number += 1
            words = [" word", f" at{time.monotonic_ns() // 1000}us"]
            at_s = arrivals.received / 16_000
            session.send_text(utterance(number % 2, number // 10, words, at_s=at_s, is_final=number % 10 == 0))


async def shown_ms(
    addresses: Addresses, stack: LocalStack, *, calls: int, seconds: float, said_so: Callable[[str], None]
) -> list[float]:
    """Return, of each partial that a client was given, how long before Gladia had said it."""
    dynamodb: DynamoDBClient = stack.root.client("dynamodb")
    ids = [f"CApartials{number}" for number in range(calls)]
    for call_id in ids:
        at = timestamp(datetime.now(UTC))
        perform(dynamodb, Log(stack.calls_table, call_id).open(began(), at=at, tenant="default", token=call_id))
    found: list[float] = []
    counting = False

    async def follow(call_id: str) -> None:
        async with addresses.callscribe() as callscribe, aclosing(callscribe.follow(call_id)) as following:
            async for each in following:
                if counting and isinstance(each, PartialMessage):
                    found.extend(_ages_ms(each.text))

    callers = [
        Caller(call_id, addresses.media_url, tenant="default", key=addresses.signing_key, auth=addresses.auth_token)
        for call_id in ids
    ]
    following = []
    for number, call_id in enumerate(ids):
        said_so(f"{number} of {calls} calls are followed")
        following.append(asyncio.create_task(follow(call_id)))
        await asyncio.sleep(CONNECTING_S)
    said_so(f"{calls} calls begin")
    for caller in callers:
        await caller.open()
    await talk(callers, seconds=10)  # until all sessions are open
    said_so(f"{calls} calls, measured")
    counting = True
    await talk(callers, seconds=seconds)
    for caller in callers:
        caller.hang_up()
    await _end(following)
    return found


async def _end(following: list[asyncio.Task[None]]) -> None:
    """End whoever follows for ever. Raises what ended one of them before."""
    for each in following:
        each.cancel()
    for ended in await asyncio.gather(*following, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended


def _ages_ms(text: str) -> list[float]:
    return [(time.monotonic_ns() / 1000 - int(at)) / 1000 for at in _SAID_AT.findall(text)]
