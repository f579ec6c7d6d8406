"""Answers other than success, in the one shape that Gladia gives all of them.

Source: Gladia, OpenAPI document, error responses of the live routes.
"""

from collections.abc import Mapping
from typing import Any

import msgspec


class RequestError(Exception):
    """A request is answered with `status` and says why."""

    def __init__(
        self,
        status: int,
        message: str,
        validation_errors: tuple[str, ...] = (),
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.validation_errors = validation_errors
        self.headers = dict(headers or {})

    def body(self, *, path: str, request_id: str, timestamp: str) -> dict[str, Any]:
        """Return the error as the API words it; `validation_errors` come with 400 only."""
        body: dict[str, Any] = {
            "timestamp": timestamp,
            "path": path,
            "request_id": request_id,
            "statusCode": self.status,
            "message": self.message,
        }
        if self.status == 400:
            body["validation_errors"] = list(self.validation_errors)
        return body


def invalid(*errors: str) -> RequestError:
    """Return the answer 400 with what was wrong, one text a fault."""
    return RequestError(400, "Invalid parameter", errors)


def decode_json(content: bytes | str, *, name: str = "body") -> Any:
    """Return what `content` says. Raises RequestError 400 if it is not JSON."""
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise invalid(f"{name} is not JSON: {error}") from error
    except RecursionError as error:
        raise invalid(f"{name} is nested too deeply") from error
