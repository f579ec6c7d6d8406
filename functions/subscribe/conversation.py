"""What a client's message gets for an answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from callscribe.errors import MalformedMessage, Unavailable
from callscribe.log import PAGE_ENTRIES, Log, Steps
from callscribe.messages import (
    ErrorMessage,
    Message,
    Ping,
    PongMessage,
    Replay,
    ReplayedMessage,
    Subscribe,
    Unsubscribe,
    decode_action,
    message_of,
)
from callscribe.subscriptions import Subscription, Subscriptions
from callscribe.tickets import Ticket

T = TypeVar("T")

# API Gateway ends a connection after two hours; what is left of it in the table then expires by itself.
CONNECTION_S = 2 * 3600 + 600


class Perform(Protocol):
    """Runs the steps of a DynamoDB operation; raises Unavailable."""

    def __call__(self, steps: Steps[T], /) -> T:
        """Return what the operation returns."""


@dataclass(frozen=True, slots=True)
class Client:
    """One connection and what it was let in with."""

    connection_id: str
    ticket: Ticket


@dataclass(frozen=True, slots=True)
class Conversation:
    """Answers messages, one at a time; nothing is remembered but the subscriptions in the table."""

    calls_table: str
    subscriptions: Subscriptions
    perform: Perform
    has_time: Callable[[], bool]  # whether another page can be read and sent before the invocation ends

    def answer(self, text: str | bytes, client: Client, *, now_s: float) -> Iterator[list[Message]]:
        """Yield what to send back, page by page; whatever the text, the connection lives on."""
        try:
            action = decode_action(text)
        except MalformedMessage as error:
            yield [ErrorMessage(code="malformed", message=str(error), field=_field_of(error))]
            return
        try:
            match action:
                case Ping():
                    yield [PongMessage()]
                case Unsubscribe(call_id):
                    self.perform(self.subscriptions.remove(call_id, client.connection_id))
                case Replay(call_id, after) | Subscribe(call_id, after):
                    refusal = self._refusal(call_id, client.ticket, now_s)
                    if refusal:
                        yield [ErrorMessage(code="forbidden", message=refusal, field="call_id")]
                        return
                    if isinstance(action, Subscribe):
                        # Before the log is read: what is written from now on is pushed, what was before is read, and
                        # what falls between comes twice and is dropped by its number.
                        self._subscribe(call_id, client, now_s)
                    yield from self._entries(call_id, after)
        except (Unavailable, MalformedMessage):
            yield [ErrorMessage(code="unavailable", message="the call can't be read now; ask again")]

    def _refusal(self, call_id: str, ticket: Ticket, now_s: float) -> str | None:
        """Return why this ticket may not follow this call, None if it may.

        A call without a log may be followed if the ticket names it, so that a client can be there first; what comes
        is still only pushed to its own tenant. With a ticket for all calls the answer is the same for a call
        that isn't there and one of another tenant, and invented ids don't fill the table.
        """
        if ticket.expires_at <= now_s:
            return "the ticket has expired"
        if ticket.covers(call_id):
            first = self.perform(Log(self.calls_table, call_id).read(limit=1))
            if first[0].tenant == ticket.tenant if first else ticket.calls is not None:
                return None
        return "the ticket is not for this call"

    def _subscribe(self, call_id: str, client: Client, now_s: float) -> None:
        """Follow the call for as long as the ticket and the connection can last."""
        expires_at = min(client.ticket.expires_at, int(now_s) + CONNECTION_S)
        subscription = Subscription(call_id, client.connection_id, client.ticket.tenant, expires_at)
        self.perform(self.subscriptions.put(subscription))

    def _entries(self, call_id: str, after: int) -> Iterator[list[Message]]:
        log = Log(self.calls_table, call_id)
        while True:
            entries = self.perform(log.read(after=after))
            after = entries[-1].seq if entries else after
            page: list[Message] = [message_of(entry) for entry in entries]
            if len(entries) < PAGE_ENTRIES:
                yield [*page, ReplayedMessage(call_id=call_id, through=after)]
                return
            yield page
            if not self.has_time():
                yield [ErrorMessage(code="unavailable", message=f"a long call; ask for a replay after {after}")]
                return


def _field_of(error: MalformedMessage) -> str | None:
    """Return the field that the decoder names: "… required field `call_id`" or "… - at `$.after`"."""
    named = re.search(r"(?:required field `(\w+)`|- at `\$\.(\w+)[^`]*`)$", str(error))
    return named and (named[1] or named[2])
