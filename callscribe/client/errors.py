"""What a client is told when nothing more can be done by itself."""

from __future__ import annotations


class CannotFollow(RuntimeError):
    """The push service lets nobody in, or not to this call; the message says what to do."""


class RequestFailed(RuntimeError):
    """The HTTP API did not do it; `code` is the problem's, `status` HTTP's (0 if there was no answer)."""

    def __init__(self, message: str, *, status: int, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
