"""The command `doctor`: what of a deployment is right, what is wrong, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

import boto3
import httpx
import msgspec
import typer
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from rich.table import Table
from rich.text import Text

from local.aws.engine import root_at
from local.commands.deployment import Key, Region, Stage, State, addresses_of
from local.commands.shown import console, errors, fail, run
from local.doctor.check import Check, Outcome
from local.doctor.cloud import Cloud
from local.doctor.deployment import Deployment
from local.doctor.examination import LIMIT_S, Question, examine
from local.doctor.probes import Probes
from local.laptop import STATE, Addresses
from local.placing import twilio_of
from local.twilio.account import Account

LOCAL_STAGE = "dev"  # what the templates are synthesized for where nothing else is said
_CONFIG = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})
_MARKS = {Outcome.OK: ("✓", "green"), Outcome.WARNING: ("!", "yellow"), Outcome.WRONG: ("✗", "bold red")}


def doctor(
    *,
    stage: Stage = None,
    region: Region = None,
    number: Annotated[
        str | None, typer.Option(help="a number of Twilio's that should lead here, as +12025550188")
    ] = None,
    account_sid: Annotated[str | None, typer.Option(envvar="TWILIO_ACCOUNT_SID", help="the account at Twilio")] = None,
    key: Key = None,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
    state: State = STATE,
) -> None:
    """Say of a deployment what is right, what is wrong, and what to do; ends with 1 if anything is wrong."""
    if stage is None:
        work = examine_laptop(addresses_of(state), number=number)
    else:
        question = Question(stage=stage, account_sid=account_sid, number=number, api_key=key)
        work = _examine_aws(question, region)
    raise typer.Exit(run(_report(work, as_json=as_json)))


async def examine_laptop(addresses: Addresses, *, number: str | None = None) -> list[Check]:
    """Return the checks of the laptop that is up at `addresses`."""
    question = Question(
        stage=LOCAL_STAGE,
        account_sid=addresses.account_sid,
        number=number,
        api_key=addresses.api_key,
        found_at=partial(_on_laptop, addresses),
    )
    account = Account(sid=addresses.account_sid, auth_token=addresses.auth_token)
    # Nobody is Twilio here but who places calls.
    async with twilio_of(addresses, account), httpx.AsyncClient(timeout=LIMIT_S, trust_env=False) as http:
        return await examine(question, Cloud(root_at(addresses.aws_url).client), Probes(http))


def _on_laptop(addresses: Addresses, deployment: Deployment) -> Deployment:
    """Return `deployment` as it can be reached on this machine."""
    return replace(
        deployment,
        voice_url=addresses.voice_url,
        status_url=addresses.status_url,
        api_url=addresses.api_url,
        media_url=addresses.media_url,
        gladia_url=addresses.gladia_url,
        twilio_url=addresses.rest_url,
    )


async def _examine_aws(question: Question, region: str | None) -> list[Check]:
    async with httpx.AsyncClient(timeout=LIMIT_S) as http:
        return await examine(question, Cloud(clients(region)), Probes(http))


def clients(region: str | None) -> Callable[[str], Any]:
    """Return what gives boto3's clients of a region, by service; without a region, fail."""
    try:
        session = boto3.Session(region_name=region)
    except BotoCoreError as error:  # a profile that is none
        fail(str(error))
    if session.region_name is None:
        fail("no region: name it with --region, or AWS_REGION")
    clients: dict[str, Any] = {}
    for service in ("sts", "cloudformation", "ecs", "secretsmanager", "ssm", "dynamodb"):
        make: Callable[..., Any] = session.client
        clients[service] = make(service, config=_CONFIG)  # here, as only one thread at a time may make one
    return clients.__getitem__


async def _report(work: Coroutine[Any, Any, list[Check]], *, as_json: bool) -> int:
    with errors.status("looking at the deployment"):
        checks = await work
    all_well = not any(check.outcome is Outcome.WRONG for check in checks)
    if as_json:
        print(msgspec.json.encode({"ok": all_well, "checks": checks}).decode())
    else:
        console.print(_table(checks))
    return 0 if all_well else 1


def _table(checks: list[Check]) -> Table:
    shown = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    shown.add_column(no_wrap=True)
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    for check in checks:
        mark, style = _MARKS[check.outcome]
        found = Text(check.found)
        if check.todo:
            found.append(f"\n→ {check.todo}", style=style)
        shown.add_row(Text(mark, style=style), check.name, found)
    return shown
