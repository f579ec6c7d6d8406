"""boto3's clients of the local AWS, made once each: that takes longer than most requests."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local.aws.access import Access


@cache
def client(access: Access, service: str, url: str | None = None) -> Any:
    """Return the client of `service`, at `url` if it has an endpoint of its own."""
    return access.client(service, url=url)
