"""DynamoDB, one request at a time."""

from __future__ import annotations

from typing import Any, Self

from aiobotocore.session import AioSession

from bridge.signed_service import SignedService
from callscribe.dynamodb_json import answer_of, body_of, headers_of
from callscribe.requests import Request

SERVICE = "dynamodb"


class Dynamodb:
    """The tables of one region."""

    def __init__(self, service: SignedService) -> None:
        self._service = service

    @classmethod
    async def of(cls, aws: AioSession) -> Self:
        """Return the tables where botocore finds them, in the session's region or by AWS_ENDPOINT_URL.

        Raises Refused without credentials, and botocore's own error without a region.
        """
        async with aws.create_client("dynamodb") as general:
            endpoint = general.meta.endpoint_url
        return cls(await SignedService.of(aws, endpoint, service=SERVICE))

    async def ask(self, request: Request) -> Any:
        """Return the answer to `request`, or a Conflict. Raises Refused for what will never be taken; Unavailable."""
        path = f"{self._service.path}/"
        return answer_of(*await self._service.post(path, headers_of(request), body_of(request)))

    def close(self) -> None:
        """Close the connections that nobody uses."""
        self._service.close()
