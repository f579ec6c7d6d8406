"""HTTP requests as values, each with what its answer means, so that bridge and functions share the asking of others.

Nothing here opens a socket: `bridge.exchange` performs these without blocking, `functions.exchange` in a Lambda.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from callscribe.errors import Unavailable

T = TypeVar("T")

AGAIN_S = 1.0  # neither Twilio nor Gladia promises a Retry-After


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request. Only its method is in its text form: URLs, headers and bodies hold keys and tickets."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Exchange(Generic[T]):
    """A request to `service`, and what its answer means.

    `outcome` takes status and body; it raises Unavailable, Refused, or MalformedMessage for what makes no sense.
    """

    service: str  # for messages: twilio, gladia
    request: HttpRequest
    outcome: Callable[[int, bytes], T]


def raise_if_temporary(service: str, status: int) -> None:
    """Raise Unavailable if `status` says that the same request may be answered later."""
    if status in {408, 425, 429} or status >= 500:
        raise Unavailable(f"{service} answered {status}", retry_after_s=AGAIN_S)
