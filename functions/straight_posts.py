"""POST to connections of the WebSocket API, at a fraction of what a general AWS client costs.

A fan-out to hundreds is hundreds of requests that differ in their address alone; all that a general client does for a
request beside signing it is left out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import NamedTuple, Protocol, Self
from urllib.parse import quote, urlsplit

import boto3
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import NoCredentialsError, NoRegionError

from callscribe.aws_signature import Signer

SERVICE = "execute-api"
TIMEOUT_S = 2.0  # to connect, and for the answer


class PostAnswer(NamedTuple):
    """What @connections answered: its HTTP status, and its name of an error, which may be empty."""

    status: int
    error: str


class Credentials(Protocol):
    """Credentials that may be renewed behind one's back."""

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Return those of now."""


class StraightPosts:
    """The connections of one stage, whose address is `endpoint`. Each thread has a socket of its own that stays open.

    Source: API Gateway, "Use @connections commands in your backend service"; AWS Signature Version 4.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        credentials: Credentials,
        region: str,
        timeout_s: float = TIMEOUT_S,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        url = urlsplit(endpoint.rstrip("/"))
        connection = HTTPSConnection if url.scheme == "https" else HTTPConnection
        self._connect: Callable[[], HTTPConnection] = lambda: connection(url.netloc, timeout=timeout_s)
        self._host = url.netloc
        self._path = f"{url.path}/@connections/"
        self._credentials = credentials
        self._signer = Signer(service=SERVICE, region=region)
        self._now = now
        self._local = threading.local()

    @classmethod
    def of(cls, session: boto3.Session, endpoint: str) -> Self:
        """Return posts under the credentials of `session`. Raises NoCredentialsError, NoRegionError."""
        credentials = session.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        if session.region_name is None:
            raise NoRegionError
        return cls(endpoint, credentials=credentials, region=session.region_name)

    def post(self, connection_id: str, frame: bytes) -> PostAnswer:
        """Send `frame` once. Raises OSError or HTTPException if no answer comes, though it may have been delivered."""
        path = self._path + quote(connection_id, safe="")
        headers = self._signer.sign(
            self._credentials.get_frozen_credentials(),
            host=self._host,
            path=path,
            headers={},
            body=frame,
            at=self._now(),
        )
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            try:
                return self._ask(connection, path, frame, headers)
            except TimeoutError:
                raise
            except (OSError, HTTPException):
                pass  # while it was idle, or the function was frozen, the other side has closed it
        self._local.connection = connection = self._connect()
        return self._ask(connection, path, frame, headers)

    def _ask(self, connection: HTTPConnection, path: str, frame: bytes, headers: dict[str, str]) -> PostAnswer:
        try:
            connection.request("POST", path, body=frame, headers=headers)
            response = connection.getresponse()
            response.read()
        except (OSError, HTTPException):
            connection.close()
            self._local.connection = None
            raise
        # "GoneException", or "GoneException:http://…", as other protocols of AWS have it.
        return PostAnswer(response.status, response.headers.get("x-amzn-errortype", "").partition(":")[0])
