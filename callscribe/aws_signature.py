"""AWS Signature Version 4 of POSTs without a query, as DynamoDB and @connections take them.

A general signer looks at each request anew, and derives four keys for it; all that differs between requests to one
service is the path, a header or two, the body and the time, and the key is the same all day.

Source: AWS Identity and Access Management User Guide, "Create a signed AWS API request".
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote

from botocore.credentials import ReadOnlyCredentials

_ALGORITHM = "AWS4-HMAC-SHA256"
_KNOWN_PATHS = 1024  # a path is a subscriber's connection, and is posted to four times a second


class Signer:
    """Signs what is sent to one service in one region."""

    def __init__(self, *, service: str, region: str) -> None:
        """`service` is its signing name, such as dynamodb or execute-api."""
        self._service = service
        self._region = region
        self._derived_of = ("", "")  # a secret, and a day
        self._derived = b""

    def sign(
        self, keys: ReadOnlyCredentials, *, host: str, path: str, headers: Mapping[str, str], body: bytes, at: datetime
    ) -> dict[str, str]:
        """Return `headers` and those that prove who asks, all of which have to be sent.

        `headers` are named in lower case, and none is sent twice. `path` is what is sent, already quoted; `host` is
        as in the header Host; `at` is in UTC, and must not differ from AWS's clock by more than five minutes.
        """
        # As strftime would have it, which takes as long as all that is hashed here.
        moment = f"{at.isoformat()[:19].replace('-', '').replace(':', '')}Z"
        signed = {"host": host, **headers, "x-amz-date": moment}
        if keys.token:
            signed["x-amz-security-token"] = keys.token
        names = sorted(signed)
        canonical = "\n".join(
            [
                "POST",
                _canonical_path(path),
                "",  # no query
                *[f"{name}:{' '.join(signed[name].split())}" for name in names],
                "",
                ";".join(names),
                sha256(body).hexdigest(),
            ]
        )
        scope = f"{moment[:8]}/{self._region}/{self._service}/aws4_request"
        told = f"{_ALGORITHM}\n{moment}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(self._key(keys.secret_key or "", moment[:8]), told.encode(), "sha256").hex()
        signed["authorization"] = (
            f"{_ALGORITHM} Credential={keys.access_key}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
        )
        return signed

    def _key(self, secret: str, day: str) -> bytes:
        if self._derived_of != (secret, day):
            key = f"AWS4{secret}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._derived_of, self._derived = (secret, day), key
        return self._derived


@lru_cache(maxsize=_KNOWN_PATHS)
def _canonical_path(path: str) -> str:
    """Return `path` without `.`, `..` and empty segments, quoted once more than it is sent, as all but S3 want it."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    end = "/" if kept and path.endswith("/") else ""
    return quote(f"/{'/'.join(kept)}{end}", safe="/~")
