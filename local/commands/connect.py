"""The command `connect`: a number at Twilio leads to a deployment from then on."""

from __future__ import annotations

from typing import Annotated

import httpx
import typer

from callscribe.errors import Refused
from functions.secrets import auth_tokens
from local.commands.deployment import Region
from local.commands.doctor import clients
from local.commands.shown import console, fail, run
from local.connecting import Led, NotConnected, TwilioNumbers
from local.doctor.account import AwsFailed
from local.doctor.cloud import Cloud
from local.doctor.deployment import Deployment, Incomplete
from local.doctor.examination import deployed

TIMEOUT_S = 15.0


def connect(
    *,
    stage: Annotated[str, typer.Option("--stage", help="the deployment on AWS, by its stage")],
    number: Annotated[str, typer.Option(help="the number at Twilio, as +12025550188")],
    account_sid: Annotated[str, typer.Option(envvar="TWILIO_ACCOUNT_SID", help="whose number it is")],
    region: Region = None,
) -> None:
    """Let a number of Twilio's lead to a deployment; say where it led before."""
    raise typer.Exit(run(_connect(stage, number, account_sid, Cloud(clients(region)))))


async def _connect(stage: str, number: str, account_sid: str, cloud: Cloud) -> int:
    try:
        deployment = deployed(stage, cloud)
        token = auth_tokens(cloud.secret(deployment.secrets["TWILIO_SECRET"]))[0]
        async with httpx.AsyncClient(timeout=TIMEOUT_S) as http:
            before = await lead_here(http, deployment, account_sid=account_sid, token=token, number=number)
    except Incomplete as error:
        fail(f"stage {stage} is not all there: {error}")
    except (AwsFailed, NotConnected, Refused) as error:
        fail(str(error))
    for what, now, then in (
        ("a call comes in", deployment.voice_url, before.voice_url),
        ("call status changes", deployment.status_url, before.status_url),
    ):
        console.print(f"{what:19}  {now}, before: {then or 'nowhere'}", markup=False, soft_wrap=True)
    return 0


async def lead_here(
    http: httpx.AsyncClient, deployment: Deployment, *, account_sid: str, token: str, number: str
) -> Led:
    """Let `number` lead to `deployment`; return where it led before. Raises NotConnected."""
    numbers = TwilioNumbers(http=http, url=deployment.twilio_url, account_sid=account_sid, auth_token=token)
    return await numbers.connect(number, Led(voice_url=deployment.voice_url, status_url=deployment.status_url))
