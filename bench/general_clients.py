"""aiobotocore's clients behind the same methods as the bridge's own, as it used them before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from bridge.connections import Connections
from bridge.dynamodb import Dynamodb
from callscribe.dynamodb import answer_of

if TYPE_CHECKING:
    from callscribe.requests import Request


class GeneralDynamodb(Dynamodb):
    """A client of DynamoDB."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def ask(self, request: Request) -> Any:
        """Return the answer to `request`, or a Conflict."""
        try:
            return await getattr(self._client, request.method)(**request.arguments)
        except ClientError as error:
            return answer_of(error)


class GeneralConnections(Connections):
    """A client of @connections."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def post(self, connection_id: str, frame: bytes) -> None:
        """Send `frame` to a client's connection."""
        await self._client.post_to_connection(ConnectionId=connection_id, Data=frame)
