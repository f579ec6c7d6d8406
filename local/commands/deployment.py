"""Which deployment a command is for: one that is named, or the laptop that is up."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from callscribe.client import Callscribe
from local.commands.shown import fail
from local.laptop import Addresses

UP_FILE = "up.json"

State = Annotated[
    Path, typer.Option("--state", help="the folder of the `up` to use", file_okay=False, show_default=".callscribe")
]
ApiUrl = Annotated[
    str | None,
    typer.Option("--api-url", envvar="CALLSCRIBE_API_URL", help="a deployment's HTTP API; else the one that is up"),
]
Stage = Annotated[
    str | None, typer.Option("--stage", help="a deployment on AWS, by its stage; else the one that is up")
]
Region = Annotated[str | None, typer.Option("--region", help="its region; else that of your AWS configuration")]
Key = Annotated[str | None, typer.Option("--key", envvar="CALLSCRIBE_API_KEY", help="an API key of it")]


def addresses_of(state: Path) -> Addresses:
    """Return where the laptop that is up is; without one, fail."""
    try:
        return msgspec.json.decode((state / UP_FILE).read_bytes(), type=Addresses)
    except FileNotFoundError:
        fail("nothing is running here: start `callscribe up` in another terminal, or name a deployment's address")


def client_of(api_url: str | None, key: str | None, state: Path) -> Callscribe:
    """Return a client of the deployment at `api_url`, or of the laptop that is up."""
    if api_url is None:
        return addresses_of(state).callscribe()
    if key is None:
        fail("--api-url needs --key, or CALLSCRIBE_API_KEY: the HTTP API answers nobody without")
    return Callscribe(api_url, key=key)
