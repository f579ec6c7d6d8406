"""Everything but the phone call, on this machine: the deployed templates, the bridge, a Gladia, the page."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from callscribe.api_keys import ApiKeys, new_key
from callscribe.client import Callscribe
from callscribe.dynamodb import perform
from callscribe.entries import timestamp
from local.aws import DeployError, EngineError, LocalAws, LocalStack, polling, warm
from local.page import serve_page
from local.peers.door import SIMULATOR
from local.process import Process, ProcessFailed
from local.stages import Stages, together
from local.synthesis import SynthesisFailed, synthesized
from local.twilio.account import new_sid

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_ssm import SSMClient

STATE = Path(__file__).parents[1] / ".callscribe"
SETTINGS = Path(__file__).with_name("settings.json")
BRIDGE_LOG = "bridge.log"
EMULATED_KEY = "emulated"
# What somebody waits for while a call goes on; the others start when their first event comes, as on AWS.
WAITED_FOR = ("voice", "authorize", "subscribe", "push", "publish", "calls")
METRICS_S = 5  # who looks at it here wants to know of now

Progress = Callable[[str], None]  # told what begins
StartBridge = Callable[[Mapping[str, str], Path], Process]  # with the environment that its task is given, and a log


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything is, and the keys to it: what `call` and `tail` need. Keys open nothing beyond this machine."""

    voice_url: str
    status_url: str
    push_url: str
    api_url: str
    media_url: str
    sip_url: str  # of the recording server, without a trunk
    audiosocket_url: str  # tcp://HOST:PORT, for the simulator's trunk
    gladia_url: str
    rest_url: str  # where Twilio's REST API is looked for; whoever places calls answers there meanwhile
    page_url: str
    aws_url: str
    webhooks_table: str
    keys_table: str
    account_sid: str
    auth_token: str
    signing_key: str
    api_key: str  # of the tenant `default`
    gladia_key: str

    def callscribe(self) -> Callscribe:
        """Return a client of it."""
        return Callscribe(self.api_url, key=self.api_key)

    def page(self, call_id: str) -> str:
        """Return the address of the page that shows `call_id`."""
        return f"{self.page_url}#call={call_id}"


class LaptopError(RuntimeError):
    """This machine can't run it; the message is one line that says what to do."""


def bridge_from_here(environment: Mapping[str, str], log: Path) -> Process:
    """Return the bridge as a process of this machine's Python, spilling beside its log."""
    return Process(
        "the bridge",
        [sys.executable, "-m", "bridge"],
        log=log,
        environment={**environment, "PATH": os.environ["PATH"], "SPILL_DIR": str(log.with_name("spill"))},
        ready=lambda line: "ready" if line.get("message") == "listening" else None,
    )


@contextlib.asynccontextmanager
async def laptop(
    *,
    progress: Progress,
    state_dir: Path = STATE,
    settings: Path = SETTINGS,
    recogniser: str = "whisper",
    gladia_workers: int = 1,
    start_bridge: StartBridge = bridge_from_here,
    stages: Stages | None = None,
) -> AsyncIterator[tuple[Addresses, LocalStack]]:
    """Run it all while inside. Raises LaptopError.

    With GLADIA_API_KEY in the environment the bridge talks to Gladia itself, at GLADIA_API_URL if that is set. What
    each part of the start takes is noted in `stages`.
    """
    stages = stages or Stages()
    state_dir.mkdir(parents=True, exist_ok=True)
    try:
        async with contextlib.AsyncExitStack() as stack:
            progress("synthesizing the templates, starting the local AWS and Gladia")
            aws, gladia, keys, doors = LocalAws(state_dir / "aws"), _Gladia(), _Keys(), _Doors()
            log = state_dir / BRIDGE_LOG

            async def deployed_and_warm() -> LocalStack:
                synthesis = asyncio.to_thread(synthesized)
                _, assembly = await together(
                    stages.during("the local AWS", stack.enter_async_context(aws)),
                    stages.during("the templates", synthesis),
                )
                step = stages.steps("the deployment")

                def deploys(what: str) -> None:
                    step(what)
                    progress(f"deploying: {what}")

                deployed = await _deploy(aws, assembly, gladia=gladia, keys=keys, doors=doors, progress=deploys)
                progress("starting the bridge and the functions")
                bridge = start_bridge(_bridge_environment(deployed, doors, gladia), log)
                await together(
                    stages.during("the functions", warm(deployed, only=WAITED_FOR)),
                    stages.during("the bridge", stack.enter_async_context(bridge)),
                    asyncio.to_thread(_set_numbers, deployed, settings),
                    stack.enter_async_context(polling(deployed)),
                )
                return deployed

            # Gladia loads its model meanwhile; where it will be is known before it is there.
            hearing = gladia.start(stack, state_dir / "gladia.log", recogniser, gladia_workers)
            deployed, _ = await together(deployed_and_warm(), stages.during("Gladia and its model", hearing))
            api_key = await asyncio.to_thread(_make_key, deployed)
            page_url = await stack.enter_async_context(serve_page(deployed.api_url, api_key))
            progress("ready")
            yield _addresses(deployed, gladia, keys, doors, api_key=api_key, page_url=page_url), deployed
    except (DeployError, EngineError, ProcessFailed, SynthesisFailed) as error:
        raise LaptopError(str(error)) from error


def _addresses(
    deployed: LocalStack, gladia: _Gladia, keys: _Keys, doors: _Doors, *, api_key: str, page_url: str
) -> Addresses:
    return Addresses(
        voice_url=deployed.voice_url,
        status_url=deployed.status_url,
        push_url=deployed.push_url,
        api_url=deployed.api_url,
        media_url=doors.media_url,
        sip_url=doors.sip_url,
        audiosocket_url=doors.audiosocket_url,
        gladia_url=gladia.url,
        rest_url=doors.rest_url,
        page_url=page_url,
        aws_url=deployed.root.url,
        webhooks_table=deployed.outputs["WebhooksTable"],
        keys_table=deployed.keys_table,
        account_sid=keys.account_sid,
        auth_token=keys.auth_token,
        signing_key=keys.signing_key,
        api_key=api_key,
        gladia_key=gladia.key,
    )


class _Doors:
    """Where the bridge listens, and Twilio's REST API is looked for, each at a port that is free."""

    def __init__(self) -> None:
        self.media_url = f"ws://127.0.0.1:{_free_port()}"
        self.sip_url = f"sip:127.0.0.1:{_free_port()}"
        self.audiosocket_url = f"tcp://127.0.0.1:{_free_port()}"
        self.rest_url = f"http://127.0.0.1:{_free_port()}"


async def _deploy(
    aws: LocalAws, assembly: Path, *, gladia: _Gladia, keys: _Keys, doors: _Doors, progress: Progress
) -> LocalStack:
    """Deploy the templates with the secrets and addresses of this machine. Raises DeployError."""
    return await aws.deploy(
        assembly,
        secrets={
            "GLADIA_SECRET": {"api_key": gladia.key},
            "TWILIO_SECRET": {"auth_token": keys.auth_token},
            "SIGNING_SECRET": {"current": keys.signing_key},
        },
        media_url=doors.media_url,
        outside={"GLADIA_URL": gladia.url, "TWILIO_URL": doors.rest_url, "WEBHOOK_TARGETS": "anywhere"},
        progress=lambda what, _done, _total: progress(what),
    )


def _bridge_environment(deployed: LocalStack, doors: _Doors, gladia: _Gladia) -> dict[str, str]:
    """Return the environment of the bridge's task definition with its task role, at addresses of this machine."""
    return deployed.bridge_environment(
        GLADIA_URL=gladia.url,
        TWILIO_URL=doors.rest_url,
        HOST="127.0.0.1",
        PORT=doors.media_url.rpartition(":")[2],
        SIP_PORT=doors.sip_url.rpartition(":")[2],
        AUDIOSOCKET_PORT=doors.audiosocket_url.rpartition(":")[2],
        AUDIOSOCKET_TRUNK=SIMULATOR,
        TRUSTED_HOPS="0",  # nothing stands before it
        DRAIN_S="3",  # the leash gives five
        METRICS_S=str(METRICS_S),
    )


class _Keys:
    def __init__(self) -> None:
        self.account_sid = new_sid("AC")
        self.auth_token = secrets.token_hex(16)
        self.signing_key = secrets.token_urlsafe(32)


class _Gladia:
    """The real one if there is a key to it, else an emulated one, whose address is known before it is there."""

    def __init__(self) -> None:
        key = os.environ.get("GLADIA_API_KEY")
        self._is_emulated = key is None
        self._port = _free_port()
        self.key = key or EMULATED_KEY
        there = os.environ.get("GLADIA_API_URL", "https://api.gladia.io")
        self.url = f"http://127.0.0.1:{self._port}" if key is None else there

    async def start(self, stack: contextlib.AsyncExitStack, log: Path, recogniser: str, workers: int) -> None:
        """Return once it is there; `stack` ends it."""
        if not self._is_emulated:
            return
        command = [
            sys.executable, "-m", "local.gladia", "--port", str(self._port), "--json", "--recogniser", recogniser,
            "--workers", str(workers), "--key", self.key,
        ]  # fmt: skip
        ready = Process("the emulated Gladia", command, log=log, ready=lambda line: line.get("url"))
        await stack.enter_async_context(ready)


def _set_numbers(deployed: LocalStack, settings: Path) -> None:
    """Put the numbers' settings where `voice` reads them, as one does on AWS."""
    functions: LambdaClient = deployed.root.client("lambda")
    variables = functions.get_function_configuration(FunctionName=deployed.functions["voice"])["Environment"][
        "Variables"
    ]
    ssm: SSMClient = deployed.root.client("ssm")
    ssm.put_parameter(
        Name=variables["SETTINGS_PARAMETER"], Value=settings.read_text(encoding="utf-8"), Type="String", Overwrite=True
    )


def _make_key(deployed: LocalStack) -> str:
    """Make an API key, as an operator does on AWS."""
    dynamodb: DynamoDBClient = deployed.root.client("dynamodb")
    new = new_key("default", "this laptop", at=timestamp(datetime.now(UTC)))
    perform(dynamodb, ApiKeys(deployed.keys_table).add(new))
    return new.text


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
