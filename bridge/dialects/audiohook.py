"""Genesys Cloud's AudioHook: a protocol of its own in JSON, and mu-law of both sides, byte by byte in turns.

A session is opened, probed, pinged, paused and closed, and waits to be answered. Audio has no time beside what came
before: a message says how much of it was left out. Source: Genesys, "AudioHook Monitor", and its reference server.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, TypeVar

import msgspec
from msgspec import Struct, field

from bridge.dialects.dialect import CLOSED_IN_ORDER
from bridge.dialects.events import Audio, DialectEvent, Reply, Started, Stopped
from bridge.dialects.json_text import decoded
from bridge.dialects.parameters import parameters_of
from bridge.dialects.untimed import Question, channels_of, is_name
from callscribe.audio_format import MULAW_8K
from callscribe.errors import MalformedMessage, Refused

T = TypeVar("T")

PARTIES: Final = {"external": "customer", "internal": "agent"}
_NOBODY: Final = str(uuid.UUID(int=0))  # the conversation of a probe, which tries the address and is no call
_SAMPLES_A_S: Final = 8000


class _Media(Struct, frozen=True):
    format: str
    rate: int
    channels: tuple[str, ...]
    type: str = "audio"

    @property
    def is_taken(self) -> bool:
        """Whether Gladia takes it, and it is known who is heard on it."""
        known = 0 < len(self.channels) == len(set(self.channels)) and set(self.channels) <= set(PARTIES)
        return known and (self.type, self.format, self.rate) == ("audio", "PCMU", _SAMPLES_A_S)


class _Participant(Struct, frozen=True):
    ani: str = ""
    dnis: str = ""


class _Open(Struct, frozen=True, rename="camel"):
    conversation_id: str
    media: tuple[_Media, ...]
    organization_id: str = ""
    participant: _Participant = _Participant()
    language: str = ""


class _Hole(Struct, frozen=True):
    start: str
    discarded: str


class _Close(Struct, frozen=True):
    reason: str = "end"


class _Message(Struct, frozen=True):
    type: str
    seq: int
    id: str
    parameters: dict[str, Any] = field(default_factory=dict)


_decoder = msgspec.json.Decoder(_Message)


class AudiohookDialect:
    """The messages of one session, in; events and answers, out."""

    def __init__(self, question: Question) -> None:
        """`question` is the address's: parties for external and internal, in this order."""
        self._question = question
        self._stage: Literal["before", "active", "paused", "over"] = "before"
        self._id = ""
        self._seen = 0  # of the peer's messages, the newest number
        self._said = 0  # of ours
        self._parties: tuple[str, ...] = ()  # by channel; nobody in a probe
        self._position = 0  # samples, of a channel, since the session began

    def receive(self, message: bytes, *, is_text: bool, now_ms: float = 0.0) -> Iterator[DialectEvent]:  # noqa: ARG002
        """Yield what a message says, and what it has to be answered with; its time stands in it.

        Raises MalformedMessage of kind `json`, `shape`, `order`, `length` or `error`; Refused, once that is answered,
        for what can't be heard.
        """
        if not is_text:
            yield from self._hear(message)
            return
        told = decoded(_decoder, message, dialect="audiohook")
        if told.seq <= self._seen or (self._id and told.id != self._id):
            raise MalformedMessage("audiohook: a number came again, or of another session", kind="order")
        self._seen = told.seq
        yield from self._told(told)

    def ended(self, code: int | None) -> Iterator[DialectEvent]:
        """Yield that the socket is over: without `close` before, this is no proper end."""
        if self._stage in ("active", "paused"):
            self._stage = "over"
            in_order = code in CLOSED_IN_ORDER
            yield Stopped("the carrier closed the media socket" if in_order else "the media socket was lost")

    def _told(self, told: _Message) -> Iterator[DialectEvent]:
        match told.type:
            case "open":
                yield from self._opened(told)
            case "ping":
                yield self._reply("pong", {})
            case "close":
                yield from self._closed(_parameters(told, _Close))
            case "paused":
                self._change("active", "paused")
            case "resumed":
                self._change("paused", "active")
                self._leave_out(_parameters(told, _Hole))
            case "discarded":
                self._leave_out(_parameters(told, _Hole))
            case "error":
                raise MalformedMessage("audiohook: the peer tells an error", kind="error")
            case _:
                pass  # `update` of the language, or what a later version says

    def _opened(self, told: _Message) -> Iterator[DialectEvent]:
        if self._stage != "before":
            raise MalformedMessage("audiohook: opened again", kind="order")
        self._id = told.id
        said = _parameters(told, _Open)
        try:
            media = _chosen(said.media)
            started = None if said.conversation_id == _NOBODY else self._started(said, media)
        except Refused as error:
            self._stage = "over"
            yield self._reply("disconnect", {"reason": "error", "info": str(error)})
            raise
        self._stage = "active"
        if started is not None:
            yield started
        yield self._reply("opened", {"startPaused": False, "media": [msgspec.to_builtins(media)]})

    def _started(self, said: _Open, media: _Media) -> Started:
        call = self._question.call or said.conversation_id
        if not is_name(call) or not is_name(self._id):
            raise Refused("audiohook: conversationId or id is no name")
        named = self._question.parties or tuple(PARTIES.values())
        by_channel = dict(zip(PARTIES, named, strict=False))
        if not set(media.channels) <= set(by_channel):
            raise Refused("audiohook: two channels come: party=customer,agent names external and internal")
        self._parties = tuple(by_channel[channel] for channel in media.channels)
        told = {"from": said.participant.ani, "to": said.participant.dnis, "language": said.language}
        return Started(self._id, call, said.organization_id, self._parties, MULAW_8K, parameters_of(told))

    def _hear(self, message: bytes) -> Iterator[DialectEvent]:
        if self._stage != "active" or not self._parties:
            raise MalformedMessage(f"audiohook: audio {self._stage} it", kind="order")
        if not message or len(message) % len(self._parties):
            raise MalformedMessage(f"audiohook: a message of {len(message)} bytes", kind="length")
        sides: Sequence[bytes] = (message,) if len(self._parties) == 1 else channels_of(message, 1)
        media_ms = self._position * 1000 // _SAMPLES_A_S
        self._position += len(sides[0])
        for party, samples in zip(self._parties, sides, strict=True):
            yield Audio(party, media_ms, samples)

    def _closed(self, said: _Close) -> Iterator[DialectEvent]:
        was_call = self._stage in ("active", "paused") and self._parties
        self._stage = "over"
        yield self._reply("closed", {})
        if was_call:
            # Of other reasons the call may outlive the session, and come again in another.
            yield Stopped("stop" if said.reason == "end" else f"the session was closed: {said.reason[:20]}")

    def _change(self, before: Literal["active", "paused"], after: Literal["active", "paused"]) -> None:
        if self._stage != before:
            raise MalformedMessage(f"audiohook: {after} while {self._stage}", kind="order")
        self._stage = after

    def _leave_out(self, hole: _Hole) -> None:
        """Have what follows begin behind `hole`; what was said in between is a gap."""
        end_s = _seconds(hole.start) + _seconds(hole.discarded)
        self._position = max(self._position, round(end_s * _SAMPLES_A_S))

    def _reply(self, kind: str, parameters: dict[str, Any]) -> Reply:
        self._said += 1
        answer = {"version": "2", "type": kind, "id": self._id, "seq": self._said, "clientseq": self._seen}
        return Reply(json.dumps(answer | {"parameters": parameters}))


def _chosen(offered: tuple[_Media, ...]) -> _Media:
    """Return what is offered with the most channels. Raises Refused if nothing can be heard."""
    taken = [each for each in offered if each.is_taken]
    if not taken:
        raise Refused("audiohook: PCMU at 8000 Hz, of external and internal, is not offered")
    return max(taken, key=lambda each: len(each.channels))


def _parameters(told: _Message, kind: type[T]) -> T:
    try:
        return msgspec.convert(told.parameters, kind)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise MalformedMessage(f"audiohook: {told.type[:20]}: {error}", kind="shape") from error


def _seconds(text: str) -> float:
    """Return a duration such as `PT12.5S`; they are all of seconds. A day is the longest."""
    number = text.removeprefix("PT").removesuffix("S")
    digits = number.replace(".", "", 1)
    if f"PT{number}S" != text or not (digits.isascii() and digits.isdigit()) or not 0 <= float(number) <= 86_400:
        raise MalformedMessage("audiohook: a duration is written PT12.5S", kind="shape")
    return float(number)
