"""What each process does, by the role that it does it under."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

from local.gladia.plan import Faults
from local.gladia.prerecorded.faults import PreRecordedFaults
from local.gladia.scripted import ScriptedRecogniser
from local.gladia.server import EmulatedGladia
from local.gladia.settings import Settings
from tests.path.rights import (
    of_assist,
    of_batch,
    of_bridge,
    of_calls,
    of_clients,
    of_deliver,
    of_finish,
    of_join,
    of_sweep,
    of_voice,
)
from tests.path.rights.act import Scenario
from tests.path.rights.carrier import carrier

if TYPE_CHECKING:
    from tests.path.rights.deployment import Deployment


# Its callbacks would be seen among what the acts ask.
SILENT = Settings(faults=Faults(prerecorded=PreRecordedFaults(callbacks=0)))


@asynccontextmanager
async def voice(deployment: Deployment) -> AsyncIterator[Scenario]:
    async with deployment.witnessed("voice") as start_anew:
        yield Scenario(of_voice.acts(deployment), start_anew)


@asynccontextmanager
async def calls(deployment: Deployment) -> AsyncIterator[Scenario]:
    async with carrier() as twilio, deployment.witnessed("calls", TWILIO_URL=twilio.url) as start_anew:
        yield Scenario(of_calls.acts(deployment, twilio), start_anew)


@asynccontextmanager
async def authorize(deployment: Deployment) -> AsyncIterator[Scenario]:
    async with deployment.witnessed("authorize") as start_anew:
        yield Scenario(of_clients.of_authorize(deployment), start_anew)


@asynccontextmanager
async def subscribe(deployment: Deployment) -> AsyncIterator[Scenario]:
    async with deployment.client() as client:
        yield Scenario(of_clients.of_subscribe(deployment, client), client.start_anew)


@asynccontextmanager
async def push(deployment: Deployment) -> AsyncIterator[Scenario]:
    async with deployment.client() as client, deployment.witnessed("push") as start_anew:
        yield Scenario(of_clients.of_push(deployment, client), start_anew)


@asynccontextmanager
async def publish(deployment: Deployment) -> AsyncIterator[Scenario]:
    async with deployment.witnessed("publish") as start_anew:
        yield Scenario(of_clients.of_publish(deployment), start_anew)


@asynccontextmanager
async def sweep(deployment: Deployment) -> AsyncIterator[Scenario]:
    async with (
        carrier() as twilio,
        EmulatedGladia(ScriptedRecogniser()) as gladia,
        deployment.witnessed("sweep", TWILIO_URL=twilio.url, GLADIA_URL=gladia.url) as start_anew,
    ):
        yield Scenario(of_sweep.acts(deployment, twilio), start_anew)


@asynccontextmanager
async def finish(deployment: Deployment) -> AsyncIterator[Scenario]:
    async with (
        EmulatedGladia(ScriptedRecogniser()) as gladia,
        deployment.witnessed("finish", GLADIA_URL=gladia.url) as start_anew,
    ):
        yield Scenario(of_finish.acts(deployment), start_anew)


@asynccontextmanager
async def batch(deployment: Deployment) -> AsyncIterator[Scenario]:
    async with (
        carrier() as twilio,
        EmulatedGladia(ScriptedRecogniser(), settings=SILENT) as gladia,
        deployment.witnessed("batch", TWILIO_URL=twilio.url, GLADIA_URL=gladia.url) as start_anew,
    ):
        with deployment.by_hand("batch"):
            yield Scenario(of_batch.acts(deployment, twilio), start_anew)


@asynccontextmanager
async def join(deployment: Deployment) -> AsyncIterator[Scenario]:
    async with deployment.witnessed("join") as start_anew:
        yield Scenario(of_join.acts(deployment), start_anew)


@asynccontextmanager
async def deliver(deployment: Deployment) -> AsyncIterator[Scenario]:
    async with of_deliver.crm() as crm, deployment.witnessed("deliver", WEBHOOK_TARGETS="anywhere") as start_anew:
        with deployment.by_hand("deliver"):
            yield Scenario(of_deliver.acts(deployment, crm), start_anew)


@asynccontextmanager
async def assist(deployment: Deployment) -> AsyncIterator[Scenario]:
    async with of_deliver.crm() as crm, deployment.witnessed("assist", WEBHOOK_TARGETS="anywhere") as start_anew:
        await of_assist.make_hook(deployment)
        try:
            yield Scenario(of_assist.acts(deployment, crm), start_anew)
        finally:
            await of_assist.forget_hook(deployment)


@asynccontextmanager
async def bridge(deployment: Deployment) -> AsyncIterator[Scenario]:
    async def keeps_nothing() -> None:
        pass

    async with deployment.client() as client, of_bridge.bridge(deployment) as clients:
        yield Scenario(of_bridge.acts(clients, client), keeps_nothing)


SCENARIOS: dict[str, Callable[[Deployment], AbstractAsyncContextManager[Scenario]]] = {
    "AssistFunctionRole": assist,
    "AuthorizeRole": authorize,
    "BatchFunctionRole": batch,
    "CallsFunctionRole": calls,
    "DeliverFunctionRole": deliver,
    "FinishFunctionRole": finish,
    "JoinFunctionRole": join,
    "PublishFunctionRole": publish,
    "PushFunctionRole": push,
    "ServiceRole": bridge,
    "SubscribeRole": subscribe,
    "SweepFunctionRole": sweep,
    "VoiceRole": voice,
}
