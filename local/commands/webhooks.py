"""Webhooks of a deployment: whom to tell of calls, what was told, and what to tell again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.progress import track
from rich.table import Table
from rich.text import Text

from callscribe.deliveries import Deliveries, Delivery, State
from callscribe.entries import timestamp
from callscribe.errors import Refused
from callscribe.webhooks import DEFAULT_KINDS, KINDS, Endpoint, Webhooks, new_endpoint
from local.commands.deployment import State as StateDir
from local.commands.shown import console, errors, fail, run
from local.commands.tables import WebhooksTable, webhooks_table
from local.laptop import STATE
from local.webhook_listener import listen as listened

app = typer.Typer(
    help="Webhooks of a deployment, with your own AWS credentials, or of the laptop that is up.",
    no_args_is_help=True,
    add_completion=False,
)

Tenant = Annotated[str, typer.Option(help="whose calls are told")]
EndpointId = Annotated[str, typer.Argument(metavar="ENDPOINT", help="its id, as `callscribe webhooks list` shows it")]
Since = Annotated[str, typer.Option(help="of what happened from then on: a date, a time, or 90m, 24h, 7d ago")]
Until = Annotated[str, typer.Option(help="and before then; `now` for up to now")]
Kinds = Annotated[list[str] | None, typer.Option("--kind", help=f"{', '.join(KINDS)}; may be given more than once")]


STYLES: dict[State, str] = {"waiting": "yellow", "delivered": "green", "dead": "red", "skipped": "dim"}


class _Tables:
    """The table of webhooks, wherever it is."""

    def __init__(self, table: str | None, state: StateDir) -> None:
        self._where = webhooks_table(table, state)
        self.webhooks, self.deliveries = Webhooks(self._where.name), Deliveries(self._where.name)
        self.perform = self._where.perform

    def endpoint(self, tenant: str, endpoint: str) -> Endpoint:
        """Return a tenant's endpoint; fail if there is none of that id."""
        found = self.perform(self.webhooks.find(tenant, endpoint))
        return found or _no_such(tenant, endpoint)


def _no_such(tenant: str, endpoint: str) -> Endpoint:
    fail(f"tenant {tenant} has no endpoint {endpoint}: see `callscribe webhooks list --tenant {tenant}`")


@app.command()
def add(
    url: Annotated[str, typer.Argument(help="where to post: an https address that anybody can reach")],
    *,
    kinds: Kinds = None,
    tenant: Tenant = "default",
    table: WebhooksTable = None,
    state: StateDir = STATE,
) -> None:
    """Tell an endpoint of calls from now on; its secret, which messages are signed with, is shown once."""
    try:
        endpoint = new_endpoint(tenant, url, kinds or DEFAULT_KINDS, at=_now())
    except Refused as error:
        fail(str(error))
    tables = _Tables(table, state)
    tables.perform(tables.webhooks.add(endpoint))
    typer.echo(endpoint.secret)
    said = f"endpoint {endpoint.id} is told of {', '.join(endpoint.kinds)}; its secret is not shown again"
    errors.print(said, style="dim", markup=False)


@app.command("list")
def list_endpoints(*, tenant: Tenant = "default", table: WebhooksTable = None, state: StateDir = STATE) -> None:
    """List a tenant's endpoints."""
    tables = _Tables(table, state)
    shown = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("endpoint", "address", "is told of", "since", "state"):
        shown.add_column(column, no_wrap=column == "endpoint", overflow="fold")
    for each in tables.perform(tables.webhooks.of_tenant(tenant)):
        is_on = Text("on", style="green") if not each.disabled_at else Text("off", style="red")
        if each.disabled_at:
            is_on.append(f" since {_here(each.disabled_at)}: {each.disabled_why or 'by hand'}", style="none")
        shown.add_row(each.id, Text(each.url), ", ".join(each.kinds), _here(each.created_at), is_on)
    console.print(shown)


@app.command()
def rotate(
    endpoint: EndpointId,
    *,
    hours: Annotated[int, typer.Option(help="messages are signed with the old secret too for so long", min=0)] = 24,
    tenant: Tenant = "default",
    table: WebhooksTable = None,
    state: StateDir = STATE,
) -> None:
    """Give an endpoint another secret, which is shown once."""
    tables = _Tables(table, state)
    until = timestamp(datetime.now(UTC) + timedelta(hours=hours))
    rotated = tables.perform(tables.webhooks.rotate(tables.endpoint(tenant, endpoint), until=until))
    if rotated is None:
        fail(f"{endpoint} was given another secret, or removed, just now: look again")
    typer.echo(rotated.secret)
    errors.print(f"the secret before signs as well until {_here(until)}", style="dim", markup=False)


@app.command()
def disable(
    endpoint: EndpointId,
    *,
    why: Annotated[str, typer.Option(help="for people")] = "",
    tenant: Tenant = "default",
    table: WebhooksTable = None,
    state: StateDir = STATE,
) -> None:
    """Tell an endpoint nothing, until it is enabled; what it misses is kept for 30 days."""
    tables = _Tables(table, state)
    if not tables.perform(tables.webhooks.disable(tenant, endpoint, why=why, at=_now())):
        _no_such(tenant, endpoint)


@app.command()
def enable(
    endpoint: EndpointId, *, tenant: Tenant = "default", table: WebhooksTable = None, state: StateDir = STATE
) -> None:
    """Tell an endpoint what happens from now on; what it missed is told by `callscribe webhooks replay`."""
    tables = _Tables(table, state)
    if not tables.perform(tables.webhooks.enable(tenant, endpoint)):
        _no_such(tenant, endpoint)


@app.command()
def remove(
    endpoint: EndpointId, *, tenant: Tenant = "default", table: WebhooksTable = None, state: StateDir = STATE
) -> None:
    """Forget an endpoint and its secret."""
    tables = _Tables(table, state)
    if not tables.perform(tables.webhooks.remove(tenant, endpoint)):
        _no_such(tenant, endpoint)


@app.command("log")
def show_log(
    endpoint: EndpointId,
    *,
    since: Since = "24h",
    until: Until = "now",
    only: Annotated[str | None, typer.Option(help="waiting, delivered, dead or skipped")] = None,
    table: WebhooksTable = None,
    state: StateDir = STATE,
) -> None:
    """Show what an endpoint was told, and what it answered."""
    if only is not None and only not in STYLES:
        fail(f"there is no state {only}: {', '.join(STYLES)}")
    tables = _Tables(table, state)
    counted = dict.fromkeys(STYLES, 0)
    for each in tables.perform(tables.deliveries.of_endpoint(endpoint, **_span(since, until))):
        counted[each.state] += 1
        if only in (None, each.state):
            console.print(_line(each), soft_wrap=True)
    console.print(", ".join(f"{count} {name}" for name, count in counted.items()), style="dim")


def _line(delivery: Delivery) -> Text:
    line = Text(f"{_here(delivery.at)}  ", style="dim")
    line.append(f"{delivery.state:9}  ", style=STYLES[delivery.state])
    line.append(f"{delivery.kind:16}  {delivery.call_id}  ", style="none")
    times = f"attempt {delivery.attempts} at {_here(delivery.last_at)}: " if delivery.attempts else ""
    line.append(f"{times}{delivery.told}", style="dim")
    return line


def _here(at: str) -> str:
    """Return a time of the log as clocks here show it."""
    return f"{datetime.fromisoformat(at).astimezone():%Y-%m-%d %H:%M:%S}"


@app.command()
def replay(
    endpoint: EndpointId,
    *,
    since: Annotated[str, typer.Option(help="of what happened from then on: a date, a time, or 90m, 24h, 7d ago")],
    until: Until = "now",
    all_of_them: Annotated[bool, typer.Option("--all", help="also what it has taken already")] = False,
    table: WebhooksTable = None,
    state: StateDir = STATE,
) -> None:
    """Tell an endpoint again what it did not take, or missed, in a span of time: within minutes, under the same ids."""
    tables = _Tables(table, state)
    found = tables.perform(tables.deliveries.of_endpoint(endpoint, **_span(since, until)))
    wanted = [each for each in found if each.state in ("dead", "skipped") or all_of_them]
    again = sum(_begun(tables, wanted))
    console.print(f"{again} of {len(found)} are told again; see `callscribe webhooks log {endpoint} --since {since}`")


def _begun(tables: _Tables, wanted: list[Delivery]) -> Iterator[bool]:
    for each in track(wanted, description="beginning anew", console=errors, transient=True):
        yield tables.perform(tables.deliveries.again(each, now=datetime.now(UTC)))


@app.command()
def listen(
    *,
    kinds: Kinds = None,
    secret: Annotated[
        str | None,
        typer.Option(envvar="CALLSCRIBE_WEBHOOK_SECRET", help="of an endpoint that leads here; else one is added"),
    ] = None,
    port: Annotated[int, typer.Option(help="of this machine; any that is free without it", min=0, max=65535)] = 0,
    status: Annotated[int, typer.Option(help="what to answer, to try how failures are gone about")] = 204,
    state: StateDir = STATE,
) -> None:
    """Be an endpoint: check what is posted here, and show it. Without --secret it is of the laptop that is up."""

    def added(url: str) -> tuple[str, Callable[[], object]]:
        if secret is not None:
            return secret, lambda: None
        tables = _Tables(None, state)
        endpoint = new_endpoint("default", url, kinds or DEFAULT_KINDS, at=_now())
        tables.perform(tables.webhooks.add(endpoint))
        errors.print(f"endpoint {endpoint.id}, told of {', '.join(endpoint.kinds)}", style="dim", markup=False)
        return endpoint.secret, lambda: tables.perform(tables.webhooks.remove("default", endpoint.id))

    raise typer.Exit(run(listened(added, port=port, status=status, console=console)))


def _now() -> str:
    return timestamp(datetime.now(UTC))


UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def _span(since: str, until: str) -> dict[str, str]:
    """Return a span of time as the log writes it; fail if it is none."""
    return {"since": _time(since), "until": _time(until)}


def _time(text: str) -> str:
    now = datetime.now(UTC)
    if text == "now":
        return timestamp(now)
    try:
        if text[-1:] in UNITS and text[:-1].isdecimal():
            return timestamp(now - timedelta(**{UNITS[text[-1]]: int(text[:-1])}))
        return timestamp(datetime.fromisoformat(text).astimezone(UTC))
    except (ValueError, OverflowError):
        fail(f"{text} is no time: a date such as 2026-11-22, a time such as 2026-11-22T09:15, or 90m, 24h, 7d ago")
