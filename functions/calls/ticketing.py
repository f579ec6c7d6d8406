"""Tickets for the WebSocket: short-lived leave to follow calls, for a product to hand to its own clients."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlencode

from callscribe.entries import timestamp
from callscribe.http_answers import TicketAnswer
from callscribe.tickets import push_ticket, sign
from functions.calls.questions import TicketQuestion
from functions.calls.service import Asked, Reply, Service, reply
from functions.secrets import signing_keys


def make_ticket(service: Service, asked: Asked) -> Reply:
    """Give out a ticket; whose the calls are is checked when they are followed, as some may not have begun yet."""
    question: TicketQuestion = asked.question
    expires_at = int(asked.now.timestamp()) + question.seconds
    ticket = push_ticket(asked.tenant, question.calls, expires_at=expires_at)
    text = sign(ticket, signing_keys(service.signing_secret())[0])
    answer = TicketAnswer(
        ticket=text,
        url=f"{service.push_url}?{urlencode({'ticket': text})}",
        expires_at=timestamp(datetime.fromtimestamp(expires_at, UTC)),
    )
    return reply(answer, HTTPStatus.CREATED)
