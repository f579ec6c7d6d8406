"""Clients' connections to the WebSocket API, posted to by the process that has something to show."""

from __future__ import annotations

from functools import lru_cache
from typing import Self
from urllib.parse import quote

from aiobotocore.session import AioSession

from bridge.signed_service import SignedService
from callscribe.errors import SubscriberGone, Unavailable

SERVICE = "execute-api"
_KNOWN = 1024


class Connections:
    """The connections of one stage.

    Source: API Gateway, "Use @connections commands in your backend service".
    """

    def __init__(self, service: SignedService) -> None:
        self._service = service

    @classmethod
    async def of(cls, aws: AioSession, endpoint: str) -> Self:
        """Return the connections of the stage whose address is `endpoint`. Raises Refused without credentials."""
        return cls(await SignedService.of(aws, endpoint, service=SERVICE))

    async def post(self, connection_id: str, frame: bytes) -> None:
        """Send `frame` to a client's connection. Raises SubscriberGone; Unavailable for all else that is no success."""
        path = f"{self._service.path}/@connections/{_quoted(connection_id)}"
        answer = await self._service.post(path, {}, frame)
        if answer.status == 410:
            raise SubscriberGone(connection_id)
        if answer.status != 200:
            name = answer.headers.get(b"x-amzn-errortype", b"").decode("latin-1").partition(":")[0]
            raise Unavailable(f"post: {name or answer.status}")

    def close(self) -> None:
        """Close the connections to API Gateway that nobody uses."""
        self._service.close()


@lru_cache(maxsize=_KNOWN)
def _quoted(connection_id: str) -> str:
    return quote(connection_id, safe="")
