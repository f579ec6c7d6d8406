"""What goes wrong, as clients see it. Source: RFC 9457, "Problem Details for HTTP APIs"."""

from __future__ import annotations

from http import HTTPStatus

from callscribe.http_answers import ProblemDocument

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """This request is not done. The message is fit for its sender, and for a log."""

    def __init__(
        self, status: HTTPStatus, code: str, detail: str, *, field: str | None = None, retry_after_s: int | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.field = field
        self.retry_after_s = retry_after_s

    def document(self) -> ProblemDocument:
        """Return it as it is answered."""
        return ProblemDocument(
            title=self.status.phrase, status=self.status, code=self.code, detail=str(self), field=self.field
        )


def malformed(detail: str, *, field: str | None = None) -> Problem:
    """Return the answer to what can't be understood."""
    return Problem(HTTPStatus.BAD_REQUEST, "malformed", detail, field=field)


def unauthorized(detail: str) -> Problem:
    """Return the answer to somebody whom we don't know."""
    return Problem(HTTPStatus.UNAUTHORIZED, "unauthorized", detail)


def no_such_call() -> Problem:
    """Return the answer for a call that is not there, and for one of another tenant: nobody learns which."""
    return Problem(HTTPStatus.NOT_FOUND, "no-such-call", "there is no such call", field="call_id")


def conflict(code: str, detail: str) -> Problem:
    """Return the answer to what the call's state does not allow."""
    return Problem(HTTPStatus.CONFLICT, code, detail)


def unavailable() -> Problem:
    """Return the answer while something can't be reached."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "not possible just now; ask again", retry_after_s=1)
