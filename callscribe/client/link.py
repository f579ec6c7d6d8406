"""One client's connection to the push service, without a socket or a clock: what to send, and what was seen.

The same rules are in `web/callscribe.js`; `tests/data/following` holds the stories that both are told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec
from msgspec import Struct

from callscribe.decoding import NOT_DECODABLE
from callscribe.entries import Entry, Utterance, decode_other
from callscribe.errors import MalformedMessage
from callscribe.following import Following
from callscribe.messages import (
    CallMessage,
    EntryMessage,
    ErrorMessage,
    PartialMessage,
    Ping,
    PongMessage,
    Replay,
    ReplayedMessage,
    Subscribe,
    Unsubscribe,
    WatchingMessage,
    decode_frame,
    encode_action,
    entry_of,
)

# API Gateway ends a connection after ten idle minutes, and after two hours whatever happens on it. A ping is also how
# soon the last of a call is there, if it could not be pushed.
PING_S = 60.0
PONG_S = 15.0
RENEW_S = 110 * 60.0
# A ticket that expires ends what it was for; another one is fetched this much earlier.
EXPIRY_MARGIN_S = 30.0
REPLAY_S = 15.0  # a replay that has not come to its end by then is asked for again
AGAIN_S = 1.0  # after the service could not read the call
FIRST_RETRY_S = 0.5
LAST_RETRY_S = 30.0
# Partials may come after the utterance that ends them, being sent another way; so many utterances are remembered.
SETTLED = 64


@dataclass(frozen=True, slots=True)
class CallTold:
    """A call of the tenant began, ended or failed, as entry `entry` of its log says."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Watching:
    """From now on all of the tenant's calls are told; those that go on already are listed over HTTP."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was asked for a call (None: the tenant) will not be done; the link goes on for the others."""

    call_id: str | None
    code: str
    message: str


Seen: TypeAlias = Entry | PartialMessage | CallTold | Watching | Refusal


@dataclass(frozen=True, slots=True)
class Said:
    """What followed from a frame: what to send, and what the client is to be shown."""

    send: list[str] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)


@dataclass(slots=True)
class _Call:
    following: Following
    replay_by: float | None = None  # a replay has been asked for, and ends by then
    again_at: float | None = None  # a replay is to be asked for
    settled: dict[str, None] = field(default_factory=dict)

    def settle(self, utterance_id: str) -> None:
        self.settled[utterance_id] = None
        if len(self.settled) > SETTLED:
            del self.settled[next(iter(self.settled))]


class _Type(Struct, frozen=True):
    type: str = ""


_type = msgspec.json.Decoder(_Type)
_KNOWN = frozenset({"entry", "call", "partial", "replayed", "watching", "pong", "error"})


class Link:
    """What a client follows, across all its connections."""

    def __init__(self, *, jitter: Callable[[], float]) -> None:
        """`jitter` returns a number from 0 to 1, so that clients that were cut off together don't return together."""
        self._jitter = jitter
        self._calls: dict[str, _Call] = {}
        self._watches = False
        self._is_open = False
        self._ping_at: float | None = None
        self._pong_by: float | None = None
        self._renew_at: float | None = None
        self._failures = 0  # connections in a row on which nothing came
        self.malformed = 0

    @property
    def deadline(self) -> float | None:
        """When to call `wake`; None while there is nothing to wait for."""
        if not self._is_open:
            return None
        times = [self._ping_at, self._pong_by, self._renew_at]
        times += [at for call in self._calls.values() for at in (call.replay_by, call.again_at)]
        return min((at for at in times if at is not None), default=None)

    def is_spent(self, now: float) -> bool:
        """Whether this connection has to give way to another: it is old, or nobody answers on it."""
        ends = [at for at in (self._pong_by, self._renew_at) if at is not None]
        return bool(ends) and now >= min(ends)

    def follow(self, call_id: str, *, after: int = 0, now: float = 0.0) -> list[str]:
        """Follow a call from entry `after + 1` on; return what to send."""
        self._calls[call_id] = _Call(Following(after=after))
        return [self._subscribe(call_id, now)] if self._is_open else []

    def unfollow(self, call_id: str) -> list[str]:
        """Follow a call no more; return what to send."""
        self._calls.pop(call_id, None)
        return [encode_action(Unsubscribe(call_id))] if self._is_open else []

    def watch(self) -> list[str]:
        """Be told of all the tenant's calls; return what to send."""
        self._watches = True
        return [encode_action(Subscribe(tenant=True))] if self._is_open else []

    def seen(self, call_id: str) -> int:
        """Return the number of the last entry of a call that was shown."""
        return self._calls[call_id].following.seen

    def opened(self, *, now: float, lasts_s: float) -> list[str]:
        """A connection is open, with a ticket for `lasts_s`; return what to send."""
        self._is_open = True
        self._ping_at, self._pong_by = now + PING_S, None
        self._renew_at = now + min(RENEW_S * (1 - 0.05 * self._jitter()), max(lasts_s - EXPIRY_MARGIN_S, 1.0))
        subscribed = [self._subscribe(call_id, now) for call_id in self._calls]
        return [*subscribed, *([encode_action(Subscribe(tenant=True))] if self._watches else [])]

    def received(self, frame: str | bytes, *, now: float) -> Said:
        """Take what the service sent: what is not known here is passed over, what makes no sense is counted."""
        self._failures = 0
        said = Said()
        for line in frame.split("\n") if isinstance(frame, str) else frame.split(b"\n"):
            try:
                if _type.decode(line).type in _KNOWN:
                    (message,) = decode_frame(line)
                    self._take(message, said, now)
            except (*NOT_DECODABLE, MalformedMessage, UnicodeEncodeError):
                self.malformed += 1
        return said

    def wake(self, *, now: float) -> list[str]:
        """Return what to send at `deadline`; nothing if the connection is spent."""
        if self.is_spent(now):
            return []
        send: list[str] = []
        pings = self._ping_at is not None and now >= self._ping_at
        if pings:
            self._ping_at, self._pong_by = None, now + PONG_S
            send += [encode_action(Ping()), *([encode_action(Subscribe(tenant=True))] if self._watches else [])]
        for call_id, call in self._calls.items():
            due = [at for at in (call.replay_by, call.again_at) if at is not None and now >= at]
            # After the last entry there is no hole to see: whether it came is asked with each ping.
            if pings or due:
                send.append(self._replay(call_id, call, now))
        return send

    def lost(self) -> float:
        """The connection is over, or could not be had; return how many seconds later to open another."""
        was_open, self._is_open = self._is_open, False
        self._ping_at = self._pong_by = self._renew_at = None
        for call in self._calls.values():
            call.replay_by = call.again_at = None
        if was_open and not self._failures:
            self._failures = 1
            return FIRST_RETRY_S * self._jitter()
        longest_s: float = min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** min(self._failures, 16))
        self._failures += 1
        return longest_s * (0.5 + 0.5 * self._jitter())

    def _subscribe(self, call_id: str, now: float) -> str:
        call = self._calls[call_id]
        call.replay_by, call.again_at = now + REPLAY_S, None
        return encode_action(Subscribe(call_id, call.following.seen))

    def _replay(self, call_id: str, call: _Call, now: float) -> str:
        call.replay_by, call.again_at = now + REPLAY_S, None
        return encode_action(Replay(call_id, call.following.seen))

    def _take(self, message: object, said: Said, now: float) -> None:
        match message:
            case EntryMessage():
                self._entry(message, said, now)
            case PartialMessage(call_id=call_id, id=utterance_id):
                if call_id in self._calls and utterance_id not in self._calls[call_id].settled:
                    said.seen.append(message)
            case ReplayedMessage(call_id=call_id):
                if call_id in self._calls:
                    said.send.extend(self._replayed(message, self._calls[call_id], now))
            case CallMessage():
                said.seen.append(CallTold(_tolerant(message)))
            case WatchingMessage():
                said.seen.append(Watching())
            case PongMessage():
                self._ping_at, self._pong_by = now + PING_S, None
            case ErrorMessage():
                said.seen.extend(self._error(message, now))
            case _:
                pass

    def _entry(self, message: EntryMessage, said: Said, now: float) -> None:
        call = self._calls.get(message.call_id)
        if call is None:
            return
        for entry in call.following.receive(_tolerant(message)):
            if isinstance(entry.body, Utterance):
                call.settle(entry.body.id)
            said.seen.append(entry)
        if call.following.has_hole and call.replay_by is None and call.again_at is None:
            said.send.append(self._replay(message.call_id, call, now))

    def _replayed(self, message: ReplayedMessage, call: _Call, now: float) -> Iterator[str]:
        call.replay_by = None
        if message.more or (call.following.has_hole and message.through > call.following.seen):
            yield self._replay(message.call_id, call, now)
        elif call.following.has_hole:
            call.again_at = now + AGAIN_S  # the service read the log before the entry that is missing was there

    def _error(self, error: ErrorMessage, now: float) -> Iterator[Seen]:
        match error.code:
            case "expired":
                self._renew_at = now
            case "unavailable":
                call = self._calls.get(error.call_id or "")
                if call is not None:
                    call.replay_by, call.again_at = None, now + AGAIN_S
            case _:
                if error.call_id is not None:
                    self._calls.pop(error.call_id, None)
                yield Refusal(error.call_id, error.code, error.message)


def _tolerant(message: EntryMessage | CallMessage) -> Entry:
    """Return the entry in `message`, as it is where its body has another shape than this version knows.

    Left out it would be a hole for ever. Raises MalformedMessage if the body is no JSON object.
    """
    try:
        return entry_of(message)
    except MalformedMessage:
        return Entry(message.call_id, message.seq, message.at, "", decode_other(message.kind, bytes(message.body)))
