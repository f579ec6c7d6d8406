"""Commands for calls, wherever they are: follow, list, export."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from callscribe.calls_list import CallSummary, Status
from callscribe.client import Callscribe
from callscribe.exports.plain_text import plain
from local.commands.deployment import ApiUrl, Key, State, client_of
from local.commands.shown import console, run
from local.laptop import STATE
from local.placing import watch
from local.terminal import CallScreen


class Format(StrEnum):
    """How a transcript is written."""

    JSON = "json"
    VTT = "vtt"
    SRT = "srt"
    TEXT = "text"
    CSV = "csv"


CallId = Annotated[str, typer.Argument(help="the call, as `callscribe calls` lists it")]


def tail(
    call_id: CallId,
    *,
    after: Annotated[int, typer.Option(help="begin after this entry")] = 0,
    api_url: ApiUrl = None,
    key: Key = None,
    state: State = STATE,
) -> None:
    """Follow a call in the terminal until it is over."""
    run(_tail(client_of(api_url, key, state), call_id, after))


def calls(
    *,
    status: Annotated[Status | None, typer.Option(help="only calls that stand so")] = None,
    number: Annotated[str | None, typer.Option(help="only calls with this number on either side")] = None,
    since: Annotated[datetime | None, typer.Option(help="only calls that began since")] = None,
    limit: Annotated[int, typer.Option(help="so many at most", min=1)] = 20,
    api_url: ApiUrl = None,
    key: Key = None,
    state: State = STATE,
) -> None:
    """List calls, newest first."""
    run(_calls(client_of(api_url, key, state), status, number, since, limit))


def export(
    call_id: CallId,
    *,
    form: Annotated[Format, typer.Option("--format", help="how it is written")] = Format.TEXT,
    output: Annotated[Path | None, typer.Option(help="into this file", dir_okay=False)] = None,
    api_url: ApiUrl = None,
    key: Key = None,
    state: State = STATE,
) -> None:
    """Write a call's transcript to the terminal or a file."""
    run(_export(client_of(api_url, key, state), call_id, form, output))


async def _tail(callscribe: Callscribe, call_id: str, after: int) -> int:
    with CallScreen(console) as screen:
        screen.note(f"following {call_id}; Ctrl-C ends it")
        async with callscribe:
            await watch(callscribe, call_id, screen.show, after=after)
    return 0


async def _calls(
    callscribe: Callscribe, status: Status | None, number: str | None, since: datetime | None, limit: int
) -> int:
    found: list[CallSummary] = []
    async with callscribe:
        moment = None if since is None else since.astimezone()
        async for call in callscribe.calls(status=status, number=number, since=moment):
            found.append(call)
            if len(found) == limit:
                break
    if not found:
        console.print("no calls", style="dim")
        return 0
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("call", "began", "from", "to", "lasted", "status"):
        table.add_column(name, no_wrap=name != "status")
    for call in found:
        table.add_row(*_row(call))
    Console(highlight=False, width=max(console.width, LEAST_COLUMNS)).print(table)
    return 0


# Narrower, a line goes on below itself: ids and numbers are to be copied, and half of one is of no use.
LEAST_COLUMNS = 112


def _row(call: CallSummary) -> tuple[Text, ...]:
    began = datetime.fromisoformat(call.started_at).astimezone()
    lasted = "" if call.duration_ms is None else f"{call.duration_ms // 60_000}:{call.duration_ms // 1000 % 60:02}"
    standing = Text("in progress", style="green") if call.status == "in-progress" else Text(call.reason or "ended")
    if call.failure is not None:
        standing = Text(f"not complete: {plain(call.failure)}", style="red")
    texts = (call.call_id, f"{began:%Y-%m-%d %H:%M:%S}", call.from_number, call.to_number, lasted)
    return (*(Text(plain(text)) for text in texts), standing)


async def _export(callscribe: Callscribe, call_id: str, form: Format, output: Path | None) -> int:
    async with callscribe:
        text = await callscribe.transcript(call_id, form.value)
    if output is None:
        typer.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8", newline="")
    return 0
