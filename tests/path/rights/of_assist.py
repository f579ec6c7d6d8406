"""What `assist` does when something was said."""

from __future__ import annotations

import asyncio
import io
import time
import zipfile
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from callscribe.entries import timestamp
from callscribe.hooks import FUNCTION_PREFIX, Hooks, Said, new_hook
from tests.path.rights.act import Act
from tests.path.rights.clients import client
from tests.path.rights.deployment import TENANT
from tests.path.rights.right import rights

if TYPE_CHECKING:
    from tests.path.rights.deployment import Deployment
    from tests.path.rights.of_deliver import Crm

FUNCTION = f"{FUNCTION_PREFIX}of-the-rights"
CODE = "def handler(event, context):\n    return {'title': 'Lost cards', 'text': event['text']}\n"
ASKED = rights("WEBHOOKS_TABLE", "dynamodb:GetItem") | rights("CALLS_TABLE", "dynamodb:Query", "dynamodb:PutItem")


def acts(deployment: Deployment, crm: Crm) -> list[Act]:
    return [
        Act("an address is asked, and its card is written", ASKED, partial(asks, deployment, crm.url)),
        Act(
            "a function is asked, and its card is written",
            ASKED | rights(f"{FUNCTION_PREFIX}*", "lambda:InvokeFunction"),
            partial(asks, deployment, FUNCTION),
        ),
    ]


async def asks(deployment: Deployment, target: str) -> None:
    hook = new_hook(TENANT, "cards", target, deadline_ms=10_000, at=timestamp(datetime.now(UTC)))
    deployment.table(Hooks(deployment.variable("WEBHOOKS_TABLE")).put(hook))
    call_id = deployment.new_call()
    said = Said(
        hook="cards", kind="utterance", call_id=call_id, tenant=TENANT, leg="a", party="caller", id="u1",
        text="I have lost my card", start_ms=0, end_ms=1, at_ms=round(1000 * time.time()),
    )  # fmt: skip

    await deployment.invoke("assist", msgspec.to_builtins(said))
    assert deployment.log(call_id)[-1] == "card"


async def make_hook(deployment: Deployment) -> None:
    """Make a customer's function."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as files:
        files.writestr("hook.py", CODE)
    await asyncio.to_thread(
        client(deployment.stack.root, "lambda").create_function,
        FunctionName=FUNCTION,
        Runtime="python3.14",
        Handler="hook.handler",
        Role=deployment.roles["AssistFunctionRole"].arn,
        Code={"ZipFile": package.getvalue()},
    )


async def forget_hook(deployment: Deployment) -> None:
    """Undo that."""
    functions = client(deployment.stack.root, "lambda")
    await asyncio.to_thread(functions.delete_function, FunctionName=FUNCTION)
