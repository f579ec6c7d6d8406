"""Telnyx' media streaming: the payloads of RTP packets in JSON, in no certain order.

Nothing says which tracks will come: the address names them, `party=caller,agent` for `both_tracks`, inbound first.
Source: Telnyx, "Media Streaming over WebSockets".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct, field

from bridge.dialects.enveloped import Enveloped, call_of, parties_of
from bridge.dialects.events import DialectEvent, Started
from bridge.dialects.json_text import decoded
from bridge.dialects.parameters import parameters_of
from bridge.dialects.untimed import Question
from callscribe.audio_format import MULAW_8K, AudioFormat
from callscribe.errors import Refused

# Of L16 nothing tells the order of the bytes; the others Gladia does not take.
FORMATS: Final[Mapping[tuple[str, int, int], AudioFormat]] = {
    ("PCMU", 8000, 1): MULAW_8K,
    ("PCMA", 8000, 1): AudioFormat("alaw", 8000),
}


class _MediaFormat(Struct, frozen=True):
    encoding: str
    sample_rate: int
    channels: int = 1


class _StartBody(Struct, frozen=True):
    call_control_id: str
    media_format: _MediaFormat
    from_: str = field(default="", name="from")
    to: str = ""
    custom_parameters: dict[str, Any] = field(default_factory=dict)


class _MediaBody(Struct, frozen=True):
    track: str
    timestamp: int  # ms since the media stream began
    payload: bytes  # base64


class _DigitBody(Struct, frozen=True):
    digit: str


class _Connected(Struct, frozen=True, tag="connected", tag_field="event"):
    pass


class _Start(Struct, frozen=True, tag="start", tag_field="event"):
    sequence_number: int
    stream_id: str
    start: _StartBody


class _Media(Struct, frozen=True, tag="media", tag_field="event"):
    sequence_number: int
    media: _MediaBody


class _Dtmf(Struct, frozen=True, tag="dtmf", tag_field="event"):
    sequence_number: int
    dtmf: _DigitBody


class _Mark(Struct, frozen=True, tag="mark", tag_field="event"):
    pass


class _Error(Struct, frozen=True, tag="error", tag_field="event"):
    pass


class _Stop(Struct, frozen=True, tag="stop", tag_field="event"):
    sequence_number: int


_Message: TypeAlias = _Connected | _Start | _Media | _Dtmf | _Mark | _Error | _Stop
_decoder: msgspec.json.Decoder[_Message] = msgspec.json.Decoder(_Message, strict=False)


class TelnyxDialect:
    """The messages of one socket, in; events, out."""

    def __init__(self, question: Question) -> None:
        """`question` is the address's: who is heard inbound, and outbound if that comes too."""
        self._question = question
        announced = ("inbound", "outbound")[: len(question.parties) or 1]
        self._parties = parties_of(announced, question, dialect="telnyx")
        self._stream = Enveloped("telnyx")

    def receive(self, message: bytes, *, is_text: bool = True, now_ms: float = 0.0) -> tuple[DialectEvent, ...]:  # noqa: ARG002
        """Return what `message` says, nothing for messages that change nothing; its time stands in it.

        Raises MalformedMessage of kind `json`, `shape`, `order`, `base64` or `length`; Refused, with what to configure,
        for a codec that is not taken and for a track that the address does not name.
        """
        match decoded(_decoder, message, dialect="telnyx"):
            case _Media(sequence_number=number, media=media):
                if media.track not in self._parties:
                    raise Refused(f"telnyx: the track {media.track[:20]!r} comes: name both in party=caller,agent")
                return (self._stream.hear(media.track, media.timestamp, media.payload, number=number),)
            case _Start() as start:
                return (self._began(start),)
            case _Dtmf(sequence_number=number, dtmf=dtmf):
                return (self._stream.press("", dtmf.digit, number=number),)
            case _Stop(sequence_number=number):
                return (self._stream.stop(number=number),)
            case _Connected() | _Mark() | _Error():  # of what one sends there, which is nothing here
                return ()

    def ended(self, code: int | None) -> tuple[DialectEvent, ...]:
        """Return that the socket is over, which Telnyx says before it closes it."""
        return (self._stream.cut(code),)

    def _began(self, said: _Start) -> Started:
        body, told = said.start, said.start.media_format
        form = FORMATS.get((told.encoding, told.sample_rate, told.channels))
        if form is None:
            raise Refused(f"telnyx: the codec is {told.encoding[:20]}: have the stream in PCMU or PCMA")
        started = Started(
            media_stream=said.stream_id,
            call_id=call_of(self._question, body.call_control_id, said.stream_id, dialect="telnyx"),
            account="",
            tracks=tuple(self._parties.values()),
            form=form,
            parameters=parameters_of(body.custom_parameters | {"from": body.from_, "to": body.to}),
        )
        return self._stream.begin(started, tracks=self._parties, number=said.sequence_number)
