"""The command `status`: what the bridge counted in the last minutes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import boto3
import msgspec
import typer
from botocore.exceptions import BotoCoreError, ClientError

from local.commands.deployment import Region, Stage, State, addresses_of
from local.commands.shown import console, errors, fail
from local.counts.cloudwatch import MINUTE_S, read_minutes
from local.counts.lines import Line, total
from local.counts.log import read_lines
from local.counts.shown import table
from local.laptop import BRIDGE_LOG, METRICS_S, STATE


def status(
    *,
    minutes: Annotated[int, typer.Option(help="of so many minutes", min=1, max=60)] = 5,
    stage: Stage = None,
    region: Region = None,
    as_json: Annotated[bool, typer.Option("--json", help="by the names in docs/metrics.md")] = False,
    state: State = STATE,
) -> None:
    """Show what the bridge counted in the last minutes: calls, audio, Gladia, the log, partials."""
    now_s = time.time()
    if stage is None:
        lines, every_s = _of_laptop(state, since_s=now_s - minutes * 60), METRICS_S
    else:
        # A metric is there some time after its minute is over.
        lines, every_s = _of_aws(stage, region, now_s=now_s, minutes=minutes), 2 * MINUTE_S
    if as_json:
        print(_json(lines))
        return
    if not lines:
        fail(f"the bridge counted nothing in the last {minutes} min: `callscribe doctor` tells whether it runs")
    console.print(table(total(lines)))
    newest = datetime.fromtimestamp(lines[-1].at_s, UTC).astimezone()
    console.print(f"the last {minutes} min, up to {newest:%H:%M:%S}", style="dim")
    if now_s - lines[-1].at_s > 3 * every_s:
        errors.print(f"nothing since {newest:%H:%M:%S}: `callscribe doctor` tells whether the bridge runs", style="red")


def _of_laptop(state: Path, *, since_s: float) -> list[Line]:
    addresses_of(state)
    try:
        return read_lines(state / BRIDGE_LOG, since_s=since_s)
    except OSError as error:
        fail(f"the bridge's log can't be read: {error}")


def _of_aws(stage: str, region: str | None, *, now_s: float, minutes: int) -> list[Line]:
    # Not typed: the stubs of this one service are not among those that are installed.
    client: Callable[..., Any] = boto3.client
    try:
        return read_minutes(client("cloudwatch", region_name=region), stage=stage, now_s=now_s, minutes=minutes)
    except (BotoCoreError, ClientError) as error:
        fail(f"CloudWatch can't be asked: {error}")


def _json(lines: Sequence[Line]) -> str:
    moment = None if not lines else datetime.fromtimestamp(lines[-1].at_s, UTC)
    return msgspec.json.encode({"at": moment, "metrics": total(lines) if lines else {}}).decode()
