"""The bridge's clients of AWS as tests need them: at an address, or with answers written by hand."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import msgspec
from aiobotocore.credentials import AioCredentials

from bridge.connections import Connections
from bridge.dynamodb import Dynamodb
from bridge.signed_service import SignedService
from callscribe.dynamodb_json import answer_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callscribe.requests import Item, Request

REGION = "eu-west-1"
CREDENTIALS = AioCredentials("test", "test")


def signed(url: str, service: str, **more: Any) -> SignedService:
    return SignedService(url, service=service, **{"region": REGION, "credentials": CREDENTIALS, **more})


@contextlib.contextmanager
def tables_at(url: str, **more: Any) -> Iterator[Dynamodb]:
    with contextlib.closing(Dynamodb(signed(url, "dynamodb", **more))) as dynamodb:
        yield dynamodb


@contextlib.contextmanager
def connections_at(url: str, **more: Any) -> Iterator[Connections]:
    with contextlib.closing(Connections(signed(url, "execute-api", **more))) as connections:
        yield connections


class Answered(Exception):
    """DynamoDB answers with an error."""

    def __init__(self, code: str, status: int = 400, *, item: Item | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.body = msgspec.json.encode({"__type": f"com.amazonaws#{code}"} | ({} if item is None else {"Item": item}))


class ByMethod:
    """A DynamoDB whose answers are methods named as requests are; what they raise is understood as on the wire."""

    async def ask(self, request: Request) -> Any:
        try:
            return await getattr(self, request.method)(**request.arguments)
        except Answered as error:
            return answer_of(error.status, {}, error.body)
