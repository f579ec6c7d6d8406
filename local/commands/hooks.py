"""Hooks of a deployment: a tenant's own code that is asked while calls go on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from callscribe.entries import timestamp
from callscribe.errors import Refused
from callscribe.hooks import DEFAULT_DEADLINE_MS, Hooks, new_hook
from local.commands.deployment import State
from local.commands.shown import console, errors, fail
from local.commands.tables import WebhooksTable, webhooks_table
from local.laptop import STATE

app = typer.Typer(
    help="Hooks: your code, asked while calls go on. With your own AWS credentials, or of the laptop that is up.",
    no_args_is_help=True,
    add_completion=False,
)

Tenant = Annotated[str, typer.Option(help="whose calls it is asked about")]
Name = Annotated[str, typer.Argument(help="as the settings of numbers name it")]


@app.command()
def add(
    name: Name,
    target: Annotated[str, typer.Argument(help="an https address, or a function named callscribe-hook-…")],
    *,
    deadline_ms: Annotated[int, typer.Option(help="what is said later than that after the words is too late")] = (
        DEFAULT_DEADLINE_MS
    ),
    tenant: Tenant = "default",
    table: WebhooksTable = None,
    state: State = STATE,
) -> None:
    """Keep a hook, in place of one of its name; an address's secret is shown once."""
    try:
        hook = new_hook(tenant, name, target, deadline_ms=deadline_ms, at=timestamp(datetime.now(UTC)))
    except Refused as error:
        fail(str(error))
    where = webhooks_table(table, state)
    where.perform(Hooks(where.name).put(hook))
    if hook.secret:
        typer.echo(hook.secret)
    said = f'it is asked where a number\'s settings have "hooks": [{{"name": "{name}"}}]'
    errors.print(said, style="dim", markup=False)


@app.command("list")
def list_hooks(*, tenant: Tenant = "default", table: WebhooksTable = None, state: State = STATE) -> None:
    """List a tenant's hooks."""
    where = webhooks_table(table, state)
    shown = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("hook", "where", "deadline", "since"):
        shown.add_column(column, overflow="fold")
    for each in where.perform(Hooks(where.name).of_tenant(tenant)):
        shown.add_row(each.name, Text(each.target), f"{each.deadline_ms} ms", each.created_at[:16])
    console.print(shown)


@app.command()
def remove(name: Name, *, tenant: Tenant = "default", table: WebhooksTable = None, state: State = STATE) -> None:
    """Forget a hook; calls that are on ask it no more."""
    where = webhooks_table(table, state)
    if not where.perform(Hooks(where.name).remove(tenant, name)):
        fail(f"tenant {tenant} has no hook {name}: see `callscribe hooks list --tenant {tenant}`")
