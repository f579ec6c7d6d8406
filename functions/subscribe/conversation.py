"""What a client's message gets for an answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

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
    WatchingMessage,
    decode_action,
    message_of,
)
from callscribe.subscriptions import Subscription, Subscriptions
from callscribe.tickets import Ticket
from functions.ports import Perform

# API Gateway ends a connection after two hours; what is left of it in the table then expires by itself.
CONNECTION_S = 2 * 3600 + 600


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
                    yield from self._caught_up(client, now_s)
                    yield [PongMessage()]
                case Unsubscribe(call_id):
                    self.perform(self.subscriptions.remove(self._subscription(call_id, client, now_s)))
                case Subscribe(None):
                    yield [self._watch(client, now_s)]
                case Replay(str(call_id), after):
                    yield from self._from_the_log(call_id, after, client, now_s, self.subscriptions.catch_up)
                case Subscribe(str(call_id), after):
                    yield from self._from_the_log(call_id, after, client, now_s, self.subscriptions.put)
        except (Unavailable, MalformedMessage):
            yield [_unavailable(getattr(action, "call_id", None))]

    def _from_the_log(
        self, call_id: str, after: int, client: Client, now_s: float, first: Callable[[Subscription], Steps[None]]
    ) -> Iterator[list[Message]]:
        """Send what is in the log, after what makes `push` post what is new to the client.

        The other way round there could be a hole; so what falls between comes twice and is dropped by its number.
        """
        refusal = self._refusal(call_id, client.ticket, now_s)
        if refusal is not None:
            yield [refusal]
            return
        self.perform(first(self._subscription(call_id, client, now_s)))
        yield from self._entries(call_id, after)

    def _caught_up(self, client: Client, now_s: float) -> Iterator[list[Message]]:
        """Send what the client lacks because it could not be posted to, which `push` takes down.

        What can't be known now is known at the next ping.
        """
        try:
            behind = self.perform(self.subscriptions.behind(client.connection_id))
        except Unavailable:
            return
        for call_id, after in behind.items():
            try:
                if call_id is None:
                    yield [self._watch(client, now_s)]
                else:
                    yield from self._from_the_log(call_id, after, client, now_s, self.subscriptions.catch_up)
            except (Unavailable, MalformedMessage):
                yield [_unavailable(call_id)]

    def _watch(self, client: Client, now_s: float) -> Message:
        """Tell the client from now on of all calls; those that go on are listed over HTTP, after this."""
        if client.ticket.expires_at <= now_s:
            return _expired(None)
        if client.ticket.calls is not None:
            return ErrorMessage(code="forbidden", message="the ticket is for single calls", field="tenant")
        self.perform(self.subscriptions.put(self._subscription(None, client, now_s)))
        return WatchingMessage(tenant=client.ticket.tenant)

    def _refusal(self, call_id: str, ticket: Ticket, now_s: float) -> ErrorMessage | None:
        """Return what is said if this ticket may not follow this call, None if it may.

        A call without a log may be followed if the ticket names it, so that a client can be there first; what comes
        is still only pushed to its own tenant. With a ticket for all calls the answer is the same for a call
        that isn't there and one of another tenant, and invented ids don't fill the table.
        """
        if ticket.expires_at <= now_s:
            return _expired(call_id)
        if ticket.covers(call_id):
            first = self.perform(Log(self.calls_table, call_id).read(limit=1))
            if first[0].tenant == ticket.tenant if first else ticket.calls is not None:
                return None
        message = "the ticket is not for this call"
        return ErrorMessage(code="forbidden", message=message, field="call_id", call_id=call_id)

    def _subscription(self, call_id: str | None, client: Client, now_s: float) -> Subscription:
        """Return what lasts for as long as the ticket and the connection can."""
        expires_at = min(client.ticket.expires_at, int(now_s) + CONNECTION_S)
        return Subscription(call_id, client.connection_id, client.ticket.tenant, expires_at)

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
                yield [ReplayedMessage(call_id=call_id, through=after, more=True)]
                return


def _unavailable(call_id: str | None) -> ErrorMessage:
    return ErrorMessage(code="unavailable", message="the call can't be read now; ask again", call_id=call_id)


def _expired(call_id: str | None) -> ErrorMessage:
    return ErrorMessage(code="expired", message="the ticket has expired; connect with another one", call_id=call_id)


def _field_of(error: MalformedMessage) -> str | None:
    """Return the field that the decoder names: "… required field `call_id`" or "… - at `$.after`"."""
    named = re.search(r"(?:required field `(\w+)`|- at `\$\.(\w+)[^`]*`)$", str(error))
    return named and (named[1] or named[2])
