"""`python -m bridge`: the process of the Fargate task."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import uuid
from functools import partial
from pathlib import Path

import aiohttp
import uvloop
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession, get_session

from bridge.assistant import Assistant
from bridge.aws import read_secret
from bridge.carrier import Carrier
from bridge.connections import Connections
from bridge.door import Door
from bridge.dynamodb import Dynamodb
from bridge.environment import Environment, read_environment
from bridge.governor import Governor
from bridge.json_logs import set_up_logs
from bridge.keys import KeyRing, Keys
from bridge.meter import Meter, feel_pulse, report
from bridge.protection import Protection
from bridge.pulse import Pulse
from bridge.recall import Recall
from bridge.revision import Revision
from bridge.server import Bridge
from bridge.services import Services
from bridge.spill import Spill
from bridge.trace import Traces
from bridge.watch import Watch
from callscribe.errors import Refused
from callscribe.sessions import Sessions
from callscribe.slots import Slots

logger = logging.getLogger("bridge")

# Several calls have hooks asked at once; botocore's own 10 connections would make them queue. One attempt: whoever asks
# has a patience of its own, and botocore's would sleep up to 3 s inside of a request.
AWS = AioConfig(
    max_pool_connections=100, connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1}
)
# Nothing can be done without the secrets, and nothing waits for them but the start.
AT_START = AWS.merge(AioConfig(retries={"mode": "standard", "total_max_attempts": 5}))
GIVE_BACK_S = 2.0  # for slots; what is left is free when this task's heartbeat is


async def serve(environment: Environment) -> None:
    """Run the bridge until SIGTERM or SIGINT, and until its calls have ended."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    aws = get_session()
    async with contextlib.AsyncExitStack() as stack:
        secrets = await stack.enter_async_context(aws.create_client("secretsmanager", config=AT_START))

        async def read_keys() -> Keys:
            return await Keys.read(partial(read_secret, secrets), environment)

        ring = KeyRing(await read_keys(), read_keys)
        task = uuid.uuid4().hex
        meter = Meter(environment.metrics_namespace)
        dynamodb = await Dynamodb.of(aws)
        stack.callback(dynamodb.close)
        connections = await Connections.of(aws, environment.push_endpoint)
        stack.callback(connections.close)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        sessions = Sessions(environment.sessions_table)
        governor = Governor(dynamodb, Slots(environment.sessions_table, environment.gladia_sessions), task)
        stack.push_async_callback(governor.close, timeout_s=GIVE_BACK_S)
        recall = Recall(
            dynamodb,
            sessions,
            Carrier(http, url=environment.twilio_url, auth_token=lambda: ring.now.auth_tokens[0]),
            task=task,
            media_url=environment.media_url,
            key=lambda: ring.now.signing[0],
        )
        traces = Traces(
            await stack.enter_async_context(aws.create_client("xray", config=AWS)) if _is_in_ecs() else None
        )
        services = Services(
            environment=environment,
            task=task,
            dynamodb=dynamodb,
            connections=connections,
            http=http,
            keys=ring,
            sessions=sessions,
            governor=governor,
            recall=recall,
            spill=Spill(Path(environment.spill_dir)),
            assistant=await _assistant(stack, aws, environment, meter),
            meter=meter,
            traces=traces,
        )
        bridge = Bridge(services, ring.now.door(Door(environment.media_url.rstrip("/"), (), ())))
        meter.gauge("live", lambda: bridge.live)
        protection = await _protection(stack, aws, http, bridge)
        pulse = await stack.enter_async_context(Pulse(dynamodb, sessions, task))
        async with asyncio.TaskGroup() as tasks:
            background = [
                tasks.create_task(report(meter, _say, every_s=environment.metrics_s)),
                tasks.create_task(feel_pulse(meter)),
                tasks.create_task(ring.run(bridge.change_keys)),
                tasks.create_task(Watch(dynamodb, sessions, recall, task=task).run()),
                tasks.create_task(protection.run()),
            ]
            port = await bridge.listen()
            # What is there by now stays to the end. Each full collection looked through all of it: 19 ms in which no
            # call was heard.
            gc.collect()
            gc.freeze()
            logger.info("listening", extra={"port": port})
            await stop.wait()
            pulse.leave()
            await bridge.drain()
            await traces.told()
            for each in background:
                each.cancel()


async def _protection(
    stack: contextlib.AsyncExitStack, aws: AioSession, http: aiohttp.ClientSession, bridge: Bridge
) -> Protection:
    """Return the task's protection; outside ECS it has nothing to do."""
    ecs = await stack.enter_async_context(aws.create_client("ecs", config=AWS)) if _is_in_ecs() else None
    revision = Revision(http, ecs, os.environ.get("ECS_CONTAINER_METADATA_URI_V4", ""))
    return Protection(http, os.environ.get("ECS_AGENT_URI", ""), lambda: bridge.live, revision.is_superseded)


async def _assistant(
    stack: contextlib.AsyncExitStack, aws: AioSession, environment: Environment, meter: Meter
) -> Assistant | None:
    """Return who has hooks asked, if there is such a function."""
    if not environment.assist_function:
        return None
    functions = await stack.enter_async_context(aws.create_client("lambda", config=AWS))
    return Assistant(functions, environment.assist_function, meter)


def _is_in_ecs() -> bool:
    return bool(os.environ.get("ECS_AGENT_URI"))


def _say(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()


def main() -> int:
    """Start; return the exit status."""
    set_up_logs()
    try:
        uvloop.run(serve(read_environment(os.environ)))
    except Refused as error:
        logger.critical("can't start: %s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
