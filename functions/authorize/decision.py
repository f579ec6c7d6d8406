"""Who may open a connection: whoever is the first to come with a push ticket that one of our keys has signed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from callscribe.tickets import InvalidTicket, Ticket, verify
from functions.scope import to_context


class Unauthorized(Exception):
    """There is no ticket to judge. API Gateway answers 401 to an error whose message is this very word.

    Source: API Gateway, "Control access to WebSocket APIs with AWS Lambda REQUEST authorizers".
    """

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def decide(
    text: str, keys: Iterable[str], *, use: Callable[[Ticket], bool], method_arn: str, now_s: float
) -> tuple[dict[str, Any], str]:
    """Return the authorizer's answer to the ticket `text`, and a word on it that may be logged.

    `use` notes that a ticket is used and returns whether it is the first time; it raises Unavailable. The word is
    `allowed`, `used`, or the code of InvalidTicket. A refused client gets 403.
    """
    try:
        ticket = verify(text, keys, use="push", now_s=now_s)
    except InvalidTicket as error:
        return _answer("nobody", "Deny", method_arn), error.code
    if not ticket.id:
        return _answer("nobody", "Deny", method_arn), "malformed"
    if not use(ticket):
        return _answer("nobody", "Deny", method_arn), "used"
    return {**_answer(ticket.tenant, "Allow", method_arn), "context": to_context(ticket)}, "allowed"


def _answer(principal: str, effect: str, method_arn: str) -> dict[str, Any]:
    return {
        "principalId": principal,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": method_arn}],
        },
    }
