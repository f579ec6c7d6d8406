"""API keys of a deployment: made, listed and revoked by whoever may write its table Keys."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from callscribe.api_keys import ApiKeys, new_key
from callscribe.dynamodb import perform
from callscribe.entries import timestamp
from local.commands.shown import console, errors, fail
from local.commands.tables import dynamodb, reached

KEYS = "the table of keys"

app = typer.Typer(
    help="API keys of a deployment, with your own AWS credentials.", no_args_is_help=True, add_completion=False
)

TableName = Annotated[
    str,
    typer.Option(
        "--table", envvar="CALLSCRIBE_KEYS_TABLE", help="the table of keys: output KeysTable of the stack Data"
    ),
]
Tenant = Annotated[str, typer.Option(help="whose calls a key is for")]


@app.command()
def create(
    *,
    table: TableName,
    name: Annotated[str, typer.Option(help="for people: whose it is, or what for")],
    tenant: Tenant = "default",
) -> None:
    """Make a key; it is shown once and kept nowhere."""
    new = new_key(tenant, name, at=timestamp(datetime.now(UTC)))
    with reached(KEYS):
        perform(dynamodb(), ApiKeys(table).add(new))
    typer.echo(new.text)
    errors.print(f"key {new.key.id} of tenant {tenant}: keep it now, it is not shown again", style="dim", markup=False)


@app.command("list")
def list_keys(*, table: TableName, tenant: Tenant = "default") -> None:
    """List a tenant's keys, by what is known of them."""
    with reached(KEYS):
        found = perform(dynamodb(), ApiKeys(table).of_tenant(tenant))
    shown = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("key", "name", "made", "revoked"):
        shown.add_column(column)
    for key in found:
        shown.add_row(Text(key.id), Text(key.name), key.created_at, key.revoked_at or "")
    console.print(shown)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="the key, as `callscribe keys list` shows it")], *, table: TableName
) -> None:
    """Let a key open nothing any more, from its next request on."""
    with reached(KEYS):
        known = perform(dynamodb(), ApiKeys(table).revoke(key_id, at=timestamp(datetime.now(UTC))))
    if not known:
        fail(f"there is no key {key_id}: see `callscribe keys list`")
