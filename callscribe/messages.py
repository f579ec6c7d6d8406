"""What clients and the push service say to each other over the WebSocket.

A frame from a client is one JSON object with an `action`. A frame to a client is one or more JSON objects, one a line,
each with a `type`; several, so that a batch of entries is one post to each subscriber.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta, Struct

from callscribe.decoding import NO_MESSAGE
from callscribe.entries import Entry, decode_body, encode_body, kind_of
from callscribe.errors import MalformedMessage

# API Gateway closes the connection above 128 KB a message or 32 KB a frame; a post is one frame.
FRAME_BYTES = 32 * 1024

CallId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=256)]
After: TypeAlias = Annotated[int, Meta(ge=0, lt=9_999_999_999)]  # the log's numbers have ten digits


class Subscribe(Struct, frozen=True, tag="subscribe", tag_field="action", omit_defaults=True):
    """Send me this call's entries from number `after + 1` on, then those to come.

    With `tenant` instead of a call: tell me when any of our calls begins and ends.
    """

    call_id: CallId | None = None
    after: After = 0
    tenant: bool = False

    def __post_init__(self) -> None:
        _check_scope(self.call_id, tenant=self.tenant)


class Replay(Struct, frozen=True, tag="replay", tag_field="action"):
    """Send me this call's entries from number `after + 1` on, once; I missed some."""

    call_id: CallId
    after: After = 0


class Unsubscribe(Struct, frozen=True, tag="unsubscribe", tag_field="action", omit_defaults=True):
    """No more of this call, or of the tenant's calls."""

    call_id: CallId | None = None
    tenant: bool = False

    def __post_init__(self) -> None:
        _check_scope(self.call_id, tenant=self.tenant)


class Ping(Struct, frozen=True, tag="ping", tag_field="action"):
    """Ask for what could not be sent, and keep the connection; idle ones are closed after ten minutes."""


Action: TypeAlias = Subscribe | Replay | Unsubscribe | Ping


class EntryMessage(Struct, frozen=True, tag="entry", kw_only=True):
    """One entry of a call's log."""

    call_id: str
    seq: int
    kind: str
    at: str
    body: msgspec.Raw


class CallMessage(Struct, frozen=True, tag="call", kw_only=True):
    """A call of the tenant has begun, ended, or lost its transcript: the entry of its log that says so."""

    call_id: str
    seq: int
    kind: str
    at: str
    body: msgspec.Raw


class PartialMessage(Struct, frozen=True, tag="partial", kw_only=True):
    """What a party is saying; replaced by the next partial of the same id and ended by the utterance of that id."""

    call_id: str
    leg: str
    party: str
    id: str
    text: str
    start_ms: int
    end_ms: int
    after: int  # the last entry that was written when this was said


class ReplayedMessage(Struct, frozen=True, tag="replayed", kw_only=True, omit_defaults=True):
    """You have been sent every entry up to number `through`; with `more` there are others, to be asked for."""

    call_id: str
    through: int
    more: bool = False


class WatchingMessage(Struct, frozen=True, tag="watching", kw_only=True):
    """From now on you are told when the tenant's calls begin and end."""

    tenant: str


class PongMessage(Struct, frozen=True, tag="pong"):
    """The answer to ping."""


class ErrorMessage(Struct, frozen=True, tag="error", kw_only=True):
    """Your message was refused; the connection lives on."""

    code: str  # malformed, forbidden, expired, unavailable
    message: str
    field: str | None = None
    call_id: str | None = None  # that it is about


Message: TypeAlias = (
    EntryMessage | CallMessage | PartialMessage | ReplayedMessage | WatchingMessage | PongMessage | ErrorMessage
)

_actions: msgspec.json.Decoder[Action] = msgspec.json.Decoder(Subscribe | Replay | Unsubscribe | Ping)
_messages: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)
# What those are told who follow no single call.
TOLD_TENANT = frozenset({"call.started", "call.ended", "call.failed"})


def _check_scope(call_id: str | None, *, tenant: bool) -> None:
    """Raise ValueError unless exactly one of both is said; the decoder passes on what it says."""
    if call_id is None and not tenant:
        raise ValueError("Object missing required field `call_id`")
    if call_id is not None and tenant:
        raise ValueError("Either a call or the tenant - at `$.tenant`")


def decode_action(text: str | bytes) -> Action:
    """Return what a client asks. Raises MalformedMessage, saying which field is wrong."""
    try:
        return _actions.decode(text)
    except NO_MESSAGE as error:
        raise MalformedMessage(str(error), kind="action") from error


def message_of(entry: Entry) -> EntryMessage:
    """Return `entry` as clients see it: without its tenant."""
    return EntryMessage(
        call_id=entry.call_id,
        seq=entry.seq,
        kind=kind_of(entry.body),
        at=entry.at,
        body=msgspec.Raw(encode_body(entry.body)),
    )


def call_message_of(entry: Entry) -> CallMessage:
    """Return `entry`, of a kind in TOLD_TENANT, for those who are told of all calls."""
    own = message_of(entry)
    return CallMessage(call_id=own.call_id, seq=own.seq, kind=own.kind, at=own.at, body=own.body)


def entry_of(message: EntryMessage | CallMessage) -> Entry:
    """Return the entry in `message`. Raises MalformedMessage if its body isn't of its kind's shape."""
    return Entry(message.call_id, message.seq, message.at, "", decode_body(message.kind, bytes(message.body)))


def frames(messages: Iterable[Message], *, limit_bytes: int = FRAME_BYTES) -> list[bytes]:
    """Return `messages` as few frames of at most `limit_bytes`, in order; a longer message is a frame of its own."""
    out: list[bytes] = []
    for message in messages:
        line = msgspec.json.encode(message)
        if out and len(out[-1]) + 1 + len(line) <= limit_bytes:
            out[-1] += b"\n" + line
        else:
            out.append(line)
    return out


def decode_frame(frame: str | bytes) -> list[Message]:
    """Return the messages in a frame to a client. Raises MalformedMessage."""
    # Not splitlines, which for str also ends a line at U+2028 and the like, that JSON holds as they are.
    lines: Iterable[str | bytes] = frame.split("\n") if isinstance(frame, str) else frame.split(b"\n")
    try:
        return [_messages.decode(line) for line in lines]
    except NO_MESSAGE as error:
        raise MalformedMessage(str(error), kind="message") from error


def encode_action(action: Action) -> str:
    """Return `action` as the text of a frame."""
    return msgspec.json.encode(action).decode()


def as_json(message: Message) -> dict[str, Any]:
    """Return `message` as plain JSON values."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(message))
    return plain
