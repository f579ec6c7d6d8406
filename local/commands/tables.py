"""The tables of a deployment that people write themselves, with their own AWS credentials, or with the laptop's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError

from callscribe.dynamodb import perform
from callscribe.errors import Unavailable
from callscribe.log import Steps
from local.aws.engine import root_at
from local.commands.deployment import addresses_of
from local.commands.shown import fail
from local.laptop import Addresses

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

T = TypeVar("T")

WebhooksTable = Annotated[
    str | None,
    typer.Option(
        "--table",
        envvar="CALLSCRIBE_WEBHOOKS_TABLE",
        help="the table of webhooks: output WebhooksTable of the stack Data; else the laptop's that is up",
    ),
]
KeysTable = Annotated[
    str | None,
    typer.Option(
        "--table",
        envvar="CALLSCRIBE_KEYS_TABLE",
        help="the table of keys: output KeysTable of the stack Data; else the laptop's that is up",
    ),
]


@dataclass(frozen=True, slots=True)
class PeoplesTable:
    """A table, with what it is called in errors."""

    name: str
    called: str
    client: DynamoDBClient

    def perform(self, steps: Steps[T]) -> T:
        """Do an operation; fail if the table can't be used."""
        with reached(self.called):
            return perform(self.client, steps)


def webhooks_table(name: str | None, state: Path) -> PeoplesTable:
    """Return the table of that name, or that of the laptop that is up."""
    return _table(name, state, called="the table of webhooks", of=lambda addresses: addresses.webhooks_table)


def keys_table(name: str | None, state: Path) -> PeoplesTable:
    """Return the table of that name, or that of the laptop that is up."""
    return _table(name, state, called="the table of keys", of=lambda addresses: addresses.keys_table)


def _table(name: str | None, state: Path, *, called: str, of: Callable[[Addresses], str]) -> PeoplesTable:
    if name is not None:
        return PeoplesTable(name, called, dynamodb())
    addresses = addresses_of(state)
    return PeoplesTable(of(addresses), called, root_at(addresses.aws_url).client("dynamodb"))


def dynamodb() -> DynamoDBClient:
    """Return a client with the credentials that the AWS configuration tells."""
    return boto3.client("dynamodb")


@contextmanager
def reached(what: str) -> Iterator[None]:
    """Fail with one line if a table, such as "the table of keys", can't be used."""
    try:
        yield
    except (BotoCoreError, ClientError, Unavailable) as error:
        fail(f"{what} can't be used: {error}")
