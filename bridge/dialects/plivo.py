"""Plivo's `<Stream>`: JSON from the start on, without a word at the end.

Source: Plivo, "Audio Streaming", and its SDK. Of its codecs mu-law is taken: of `audio/x-l16` nothing tells the order
of the bytes.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec
from msgspec import Struct

from bridge.dialects.dialect import CLOSED_IN_ORDER
from bridge.dialects.enveloped import Enveloped, call_of, parties_of
from bridge.dialects.events import DialectEvent, Started, Stopped
from bridge.dialects.json_text import decoded
from bridge.dialects.parameters import parameters_in
from bridge.dialects.untimed import Question
from callscribe.audio_format import MULAW_8K
from callscribe.errors import Refused


class _MediaFormat(Struct, frozen=True, rename="camel"):
    encoding: str
    sample_rate: int


class _StartBody(Struct, frozen=True, rename="camel"):
    call_id: str
    stream_id: str
    tracks: tuple[str, ...]
    media_format: _MediaFormat
    account_id: str = ""


class _MediaBody(Struct, frozen=True):
    track: str
    timestamp: int  # ms since the media stream began
    payload: bytes  # base64


class _DigitBody(Struct, frozen=True):
    digit: str
    track: str = ""


class _Start(Struct, frozen=True, tag="start", tag_field="event"):
    start: _StartBody
    sequence_number: int = msgspec.field(name="sequenceNumber")
    extra_headers: str = ""  # the only name in it that is none of JavaScript's


class _Media(Struct, frozen=True, tag="media", tag_field="event", rename="camel"):
    sequence_number: int
    media: _MediaBody


class _Dtmf(Struct, frozen=True, tag="dtmf", tag_field="event", rename="camel"):
    sequence_number: int
    dtmf: _DigitBody


class _Stop(Struct, frozen=True, tag="stop", tag_field="event"):
    pass


_Message: TypeAlias = _Start | _Media | _Dtmf | _Stop
_decoder: msgspec.json.Decoder[_Message] = msgspec.json.Decoder(_Message, strict=False)


class PlivoDialect:
    """The messages of one socket, in; events, out."""

    def __init__(self, question: Question) -> None:
        """`question` is the address's: who is heard on the tracks that are announced, inbound first."""
        self._question = question
        self._stream = Enveloped("plivo")

    def receive(self, message: bytes, *, is_text: bool = True, now_ms: float = 0.0) -> tuple[DialectEvent, ...]:  # noqa: ARG002
        """Return what `message` says; its time stands in it.

        Raises MalformedMessage of kind `json`, `shape`, `order`, `track`, `base64` or `length`; Refused, with what to
        configure, for a codec that is not taken and for parties that don't fit the tracks.
        """
        match decoded(_decoder, message, dialect="plivo"):
            case _Media(sequence_number=number, media=media):
                return (self._stream.hear(media.track, media.timestamp, media.payload, number=number),)
            case _Start() as start:
                return (self._began(start),)
            case _Dtmf(sequence_number=number, dtmf=dtmf):
                return (self._stream.press(dtmf.track, dtmf.digit, number=number),)
            case _Stop():  # which its documents show, and its SDK does not know
                return (self._stream.stop(),)

    def ended(self, code: int | None) -> tuple[DialectEvent, ...]:
        """Return that the socket is over: to close it in order is all that Plivo says."""
        return (Stopped("stop") if code in CLOSED_IN_ORDER else self._stream.cut(code),)

    def _began(self, said: _Start) -> Started:
        body, told = said.start, said.start.media_format
        if (told.encoding, told.sample_rate) != ("audio/x-mulaw", 8000):
            raise Refused(f'plivo: {told.encoding[:20]} comes: say contentType="audio/x-mulaw;rate=8000" in <Stream>')
        parties = parties_of(body.tracks, self._question, dialect="plivo")
        started = Started(
            media_stream=body.stream_id,
            call_id=call_of(self._question, body.call_id, body.stream_id, dialect="plivo"),
            account=body.account_id,
            tracks=tuple(parties.values()),
            form=MULAW_8K,
            parameters=parameters_in(said.extra_headers.encode(errors="replace")),
        )
        return self._stream.begin(started, tracks=parties, number=said.sequence_number)
