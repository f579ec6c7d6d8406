"""One of AWS's services at one endpoint, at a tenth of what a general AWS client costs for a request."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Protocol, Self
from urllib.parse import urlsplit

from aiobotocore.session import AioSession
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError
from botocore.httpsession import get_cert_path

from bridge.http_connection import HttpAnswer
from bridge.http_pool import HttpPool
from callscribe.aws_signature import Signer
from callscribe.errors import Refused, Unavailable


class Credentials(Protocol):
    """Credentials that may have to be renewed, as botocore's providers find them."""

    async def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Return those of now. Raises BotoCoreError, and RuntimeError where new ones have expired already."""


class SignedService:
    """POSTs to one endpoint, signed, over connections that stay open; each is sent once."""

    def __init__(
        self,
        endpoint: str,
        *,
        service: str,
        region: str,
        credentials: Credentials,
        tls: ssl.SSLContext | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`service` is the one that is signed for, such as dynamodb. `tls` is needed where `endpoint` is https."""
        url = urlsplit(endpoint.rstrip("/"))
        self.path = url.path
        self._service = service
        self._host = url.netloc
        self._signer = Signer(service=service, region=region)
        self._credentials = credentials
        self._now = now
        self._pool = HttpPool(url, tls=tls)

    @classmethod
    async def of(cls, aws: AioSession, endpoint: str, *, service: str) -> Self:
        """Return the service under the credentials, region and authorities of `aws`. Raises Refused without these."""
        credentials, region = await aws.get_credentials(), aws.get_config_variable("region")
        if credentials is None or region is None:
            raise Refused("there are no credentials for AWS, or no region")
        tls = _trusting(aws.get_config_variable("ca_bundle")) if endpoint.startswith("https:") else None
        return cls(endpoint, service=service, region=region, credentials=credentials, tls=tls)

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """Send `body` to `path`, which is quoted. Raises Unavailable where no answer comes; it may have been taken."""
        try:
            keys = await self._credentials.get_frozen_credentials()
            signed = self._signer.sign(keys, host=self._host, path=path, headers=headers, body=body, at=self._now())
            lines = "".join([f"{name}: {value}\r\n" for name, value in signed.items()])
            head = f"POST {path} HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n"
            return await self._pool.ask(head.encode() + body)
        except (BotoCoreError, RuntimeError, OSError) as error:
            raise Unavailable(f"{self._service}: {type(error).__name__}") from error

    def close(self) -> None:
        """Close the connections that nobody uses."""
        self._pool.close()


@cache
def _trusting(authorities: str | None) -> ssl.SSLContext:
    """Return what trusts the authorities in this file, or those that botocore brings."""
    return ssl.create_default_context(cafile=authorities or get_cert_path(verify=True))
