"""`python -m bench.appends`: the CPU time of an entry's way to the table, by aiobotocore's client and ours, in turns.

By itself, and as the whole way of a final, from the bytes that Gladia sent to DynamoDB's answer. `--tls` as on AWS.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
from collections.abc import Iterator

import uvloop
from aiobotocore.session import get_session

from bench.aws_peer import aws_peer
from bench.discarding import utterance
from bench.general_clients import GeneralDynamodb
from bench.in_turns import ROUNDS, TIMES, Way, cpu_us, show
from bench.posts import KEYS, REGION
from bridge.__main__ import AWS
from bridge.aws import perform
from bridge.dialects.events import Audio, Started
from bridge.dynamodb import Dynamodb
from bridge.log_writer import LogWriter
from bridge.media_stream import MediaStream
from bridge.session_events import Received, SessionOpened, SocketOpened
from bridge.signed_service import SignedService
from bridge.telling import Append
from callscribe.entries import Utterance, Word
from callscribe.log import Log
from callscribe.settings import NumberSettings, Then

LOG = Log("Calls", "CA1")
WORDS = [f" word{place}" for place in range(10)]
FINAL_S = 0.1  # of audio a final, so that each is about other audio
FRAMES = round(FINAL_S * 50) * TIMES * (ROUNDS + 1) + 50


def appended(dynamodb: Dynamodb) -> Way:
    """Return what appends an utterance whose writer knows the log's end."""
    words = tuple(Word(word, 0, 100, 0.9) for word in WORDS)
    body = Utterance(
        leg="MZ1/inbound", id="G1/00_1", text="".join(WORDS), start_ms=0, end_ms=1000, language="en", confidence=0.9,
        words=words,
    )  # fmt: skip
    numbers = itertools.count()

    async def append_one() -> None:
        number = next(numbers)
        steps = LOG.append(body, at="2026-11-30T12:00:00.000Z", tenant="bench", token=f"{number}", tail=number)
        await perform(dynamodb, steps)

    return append_one


@contextlib.contextmanager
def written(dynamodb: Dynamodb, tasks: asyncio.TaskGroup) -> Iterator[Way]:
    """Yield what takes a final from Gladia to the log of a call that has been heard for long enough."""
    stream = _heard()
    writer = LogWriter(dynamodb, LOG, tenant="bench", tail=0)
    tasks.create_task(writer.run())
    numbers = itertools.count()

    async def write_one() -> None:
        number = next(numbers)
        told = Received(utterance(number % 2, number, WORDS, at_s=FINAL_S * number, is_final=True))
        for effect in stream.from_gladia(0, told, now=1.0):
            if isinstance(effect, Append):
                writer.append(effect)
        await writer.caught_up()
        if writer.written != number + 1:
            raise RuntimeError(f"{writer.written} of {number + 1} finals were written")

    yield write_one
    writer.finish()


def _heard() -> MediaStream:
    started = Started("MZ1", "CA1", "AC1", ("inbound", "outbound"))
    settings = NumberSettings(then=Then(say=""))
    stream = MediaStream(started, settings, direction="inbound", jitter=lambda: 1.0)
    stream.open()
    stream.from_gladia(0, SessionOpened("G1", "wss://gladia.example.test"), now=0)
    stream.from_gladia(0, SocketOpened(), now=0)
    for place in range(FRAMES):
        for track in started.tracks:
            stream.hear(Audio(track, 20 * place, b"\xff" * 160), now=0)
    told = {
        "type": "audio_chunk",
        "acknowledged": True,
        "data": {"byte_range": [0, 320 * FRAMES], "time_range": [0, 0]},
    }
    stream.from_gladia(0, Received(json.dumps(told).encode()), now=0)
    return stream


async def measure(origin: str, *, rounds: int = ROUNDS, times: int = TIMES) -> dict[str, list[float]]:
    """Return what each way takes, in microseconds."""
    aws = get_session()
    aws.set_credentials(*KEYS)
    aws.set_config_variable("region", REGION)
    async with contextlib.AsyncExitStack() as stack:
        client = aws.create_client("dynamodb", endpoint_url=origin, config=AWS)
        general = GeneralDynamodb(await stack.enter_async_context(client))
        ours = stack.enter_context(
            contextlib.closing(Dynamodb(await SignedService.of(aws, origin, service="dynamodb")))
        )
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        ways: dict[str, Way] = {
            "an append, by aiobotocore's client": appended(general),
            "an append, by bridge/dynamodb.py": appended(ours),
            "a final from Gladia to the table, by aiobotocore's client": stack.enter_context(written(general, tasks)),
            "a final from Gladia to the table, by bridge/dynamodb.py": stack.enter_context(written(ours, tasks)),
        }
        return await cpu_us(ways, rounds=rounds, times=times)


if __name__ == "__main__":
    with aws_peer(tls="--tls" in sys.argv) as origin:
        show("what", uvloop.run(measure(origin)))
