"""What a request to Twilio's REST API asks by form, and the errors that it is answered with."""

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from local.twilio.resources import refusal


class Refused(Exception):
    """This request is answered with an error."""

    def __init__(self, status: int, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = refusal(status, message, code)


def not_found(request: web.Request) -> Refused:
    """Return the answer for what there is none of."""
    return Refused(HTTPStatus.NOT_FOUND, f"The requested resource {request.path} was not found")


async def form_of(request: web.Request) -> Mapping[str, str]:
    """Return the fields of a request; those that come several times as one text, with spaces between."""
    form = await request.post()
    return {name: " ".join(value for value in form.getall(name) if isinstance(value, str)) for name in form}
