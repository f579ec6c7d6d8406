"""Tables as moto has them, and clients that lose answers."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

from tests.tables import TABLES


@pytest.fixture
def dynamodb(monkeypatch):
    """A client of a DynamoDB without tables."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield boto3.client("dynamodb", region_name="eu-west-1")


@pytest.fixture
def sessions_table(dynamodb):
    """A client of a DynamoDB that has the table Sessions."""
    dynamodb.create_table(**TABLES["Sessions"])
    return dynamodb


class Lossy:
    """A client whose answer number `lost`, counted from 0, never arrives though DynamoDB has done what it was asked."""

    def __init__(self, client, lost: int) -> None:
        self._client = client
        self._left = lost
        self.lost = False

    def __getattr__(self, method: str):
        def call(**arguments):
            answer = getattr(self._client, method)(**arguments)
            self._left -= 1
            if self._left == -1:
                self.lost = True
                raise ReadTimeoutError(endpoint_url="dynamodb")
            return answer

        return call


@pytest.fixture
def lossy(sessions_table):
    """`lossy(n)`: a client that loses answer number n."""
    return lambda lost: Lossy(sessions_table, lost)
