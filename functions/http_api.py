"""Requests of an HTTP API as API Gateway hands them to a function, and answers to them.

API Gateway has matched method and path by then: `routeKey` says as what, `pathParameters` with which parts. Looking
that up needs no resolver, which would cost each cold start a tenth of a second.

Source: API Gateway, "AWS Lambda integrations for HTTP APIs", payload format 2.0.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from callscribe.errors import MalformedMessage


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a request gets; the body goes out as UTF-8."""

    status: int
    media_type: str = "text/plain"
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as a function answers it."""
        headers = {**self.headers, "content-type": self.media_type}
        return {"statusCode": int(self.status), "headers": headers, "body": self.body, "isBase64Encoded": False}


def route_of(event: Mapping[str, Any]) -> str:
    """Return the route that the request came by, such as `GET /v1/calls/{call_id}`."""
    return str(event.get("routeKey", ""))


def body_of(event: Mapping[str, Any]) -> bytes:
    """Return the request's body. Raises MalformedMessage if it isn't encoded as it says."""
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body).encode()
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedMessage("the body can't be read", kind="body") from error
