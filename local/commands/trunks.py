"""Trunks of a deployment: PBXs and carriers' accounts that open media streams themselves, and what lets them in."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from callscribe.entries import timestamp
from callscribe.errors import Refused
from callscribe.settings import TrunkSettings, decode_trunk_settings
from callscribe.trunks import Trunks, new_trunk
from local.commands.deployment import State as StateDir
from local.commands.shown import console, errors, fail
from local.commands.tables import KeysTable, keys_table
from local.laptop import STATE

app = typer.Typer(
    help="Trunks of a deployment, with your own AWS credentials, or of the laptop that is up.",
    no_args_is_help=True,
    add_completion=False,
)

Tenant = Annotated[str, typer.Option(help="whose its calls are")]
Name = Annotated[str, typer.Argument(metavar="TRUNK", help="its name, as `callscribe trunks list` shows it")]
Networks = Annotated[
    list[str] | None, typer.Option("--network", help="from where it may come, such as 203.0.113.0/24; else anywhere")
]
Certificates = Annotated[
    list[Path] | None,
    typer.Option(
        "--certificate", help="a client certificate of its, in PEM, as good as the secret", exists=True, dir_okay=False
    ),
]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="lower-case letters, digits and hyphens; its calls begin with it")],
    *,
    networks: Networks = None,
    certificates: Certificates = None,
    settings: Annotated[
        Path | None, typer.Option(help="a JSON file with the settings of its calls", exists=True, dir_okay=False)
    ] = None,
    tenant: Tenant = "default",
    table: KeysTable = None,
    state: StateDir = STATE,
) -> None:
    """Let a PBX or a carrier's account in; its secret is shown once."""
    try:
        wanted = TrunkSettings() if settings is None else decode_trunk_settings(settings.read_bytes())
        new = new_trunk(
            tenant,
            name,
            at=timestamp(datetime.now(UTC)),
            networks=networks or (),
            certificates=_texts(certificates or ()),
            settings=wanted,
        )
    except Refused as error:
        fail(str(error))
    keys = keys_table(table, state)
    if not keys.perform(Trunks(keys.name).add(new)):
        fail(f"there is a trunk {name}: `callscribe trunks rotate {name}` gives it another secret")
    typer.echo(new.secret)
    said = f"trunk {name} of tenant {tenant}: keep its secret now, it is not shown again"
    errors.print(said, style="dim", markup=False)


@app.command("list")
def list_trunks(*, tenant: Tenant = "default", table: KeysTable = None, state: StateDir = STATE) -> None:
    """List a tenant's trunks."""
    keys = keys_table(table, state)
    shown = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("trunk", "from", "certificates", "made", "state"):
        shown.add_column(column)
    for trunk in keys.perform(Trunks(keys.name).of_tenant(tenant)):
        is_open = Text("open", style="green") if not trunk.revoked_at else Text("revoked", style="red")
        if trunk.revoked_at:
            is_open.append(f" {trunk.revoked_at}", style="none")
        from_where = ", ".join(trunk.networks) or "anywhere"
        certificates = ", ".join(each[:16] for each in trunk.certificates)  # their fingerprints, as far as one looks
        shown.add_row(trunk.name, from_where, certificates, trunk.created_at, is_open)
    console.print(shown)


@app.command()
def rotate(
    name: Name,
    *,
    hours: Annotated[int, typer.Option(help="the old secret lets in as well for so long", min=0)] = 24,
    table: KeysTable = None,
    state: StateDir = STATE,
) -> None:
    """Give a trunk another secret, which is shown once."""
    keys = keys_table(table, state)
    rotated = keys.perform(Trunks(keys.name).rotate(name, now_s=int(time.time()), keep_s=3600 * hours))
    if rotated is None:
        fail(f"there is no trunk {name} that is open, or it was given another secret just now")
    typer.echo(rotated.secret)
    errors.print(f"the secret before lets in as well for {hours} h", style="dim", markup=False)


@app.command()
def certify(
    name: Name,
    certificates: Annotated[
        list[Path] | None, typer.Argument(help="its client certificates, in PEM; none: by its secret alone")
    ] = None,
    *,
    table: KeysTable = None,
    state: StateDir = STATE,
) -> None:
    """Let a trunk in by these client certificates, and within ten seconds by no others."""
    keys = keys_table(table, state)
    try:
        is_there = keys.perform(Trunks(keys.name).certify(name, _texts(certificates or ())))
    except Refused as error:
        fail(str(error))
    if not is_there:
        fail(f"there is no trunk {name}: see `callscribe trunks list`")


@app.command()
def revoke(name: Name, *, table: KeysTable = None, state: StateDir = STATE) -> None:
    """Let a trunk in no more, within ten seconds; its calls that are on go on."""
    keys = keys_table(table, state)
    if not keys.perform(Trunks(keys.name).revoke(name, at=timestamp(datetime.now(UTC)))):
        fail(f"there is no trunk {name}: see `callscribe trunks list`")


def _texts(paths: Iterable[Path]) -> list[str]:
    """Return what the files say. Raises Refused, naming the one that is no text."""
    try:
        return [path.read_text(encoding="utf-8") for path in paths]
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"a certificate can't be read; PEM is text: {error}") from error
