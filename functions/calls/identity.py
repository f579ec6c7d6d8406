"""Who asks: the holder of an API key, or of a token that API Gateway has checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from callscribe.api_keys import ApiKey
from functions.calls.problems import Problem, unauthorized

_SCHEME = "bearer"


@dataclass(frozen=True, slots=True)
class Identity:
    """Whoever asks, and whose calls may be asked for. `name` is fit for a log."""

    tenant: str
    name: str


def identify(event: Mapping[str, Any], *, find: Callable[[str], ApiKey | None], tenant_claim: str) -> Identity:
    """Return who sent the HTTP API's `event`, in payload format 2.0. Raises Problem.

    Claims are there only on routes behind a JWT authorizer, which has checked the token; no client can put them there.
    """
    authorizer = (event.get("requestContext") or {}).get("authorizer") or {}
    if (jwt := authorizer.get("jwt")) is not None:
        return _by_claims(jwt.get("claims") or {}, tenant_claim)
    headers = {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}
    scheme, _, text = headers.get("authorization", "").partition(" ")
    if scheme.lower() != _SCHEME or not text:
        raise unauthorized("an API key is needed: Authorization: Bearer cs_…")
    key = find(text.strip())
    if key is None:
        raise unauthorized("the API key is wrong, or was revoked")
    return Identity(key.tenant, f"key {key.id}")


def _by_claims(claims: Mapping[str, Any], tenant_claim: str) -> Identity:
    tenant = claims.get(tenant_claim)
    if not isinstance(tenant, str) or not tenant:
        raise _untold(tenant_claim)
    return Identity(tenant, "token")


def _untold(tenant_claim: str) -> Problem:
    return unauthorized(f"the token has no claim {tenant_claim}, by which it would be told whose calls it is for")
