"""The tables of a deployment that people write themselves, with their own AWS credentials, or with the laptop's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from callscribe.errors import Unavailable
from local.aws.engine import root_at
from local.commands.shown import fail

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def dynamodb(aws_url: str | None = None) -> DynamoDBClient:
    """Return a client with the credentials that the AWS configuration tells, or those of the local AWS at `aws_url`."""
    client: DynamoDBClient = boto3.client("dynamodb") if aws_url is None else root_at(aws_url).client("dynamodb")
    return client


@contextmanager
def reached(what: str) -> Iterator[None]:
    """Fail with one line if a table, such as "the table of keys", can't be used."""
    try:
        yield
    except (BotoCoreError, ClientError, Unavailable) as error:
        fail(f"{what} can't be used: {error}")
