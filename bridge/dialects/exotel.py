"""Exotel's Stream applet: linear samples in JSON, of one track without a name, and numbers as texts.

Source: Exotel, "Stream and Voicebot applet". Nothing tells whether a message's time is its begin or its end; so the
first one's is taken for the media stream's begin, and the others' by how much later they are.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec
from msgspec import Struct, field

from bridge.dialects.enveloped import Enveloped, call_of
from bridge.dialects.events import DialectEvent, Started
from bridge.dialects.json_text import decoded
from bridge.dialects.parameters import parameters_of
from bridge.dialects.untimed import RATES_HZ, Question
from callscribe.audio_format import AudioFormat
from callscribe.errors import Refused

_ONLY = ""  # the track's name, as there is none


class _MediaFormat(Struct, frozen=True):
    sample_rate: int


class _StartBody(Struct, frozen=True):
    stream_sid: str
    call_sid: str
    media_format: _MediaFormat
    account_sid: str = ""
    from_: str = field(default="", name="from")
    to: str = ""
    custom_parameters: dict[str, Any] = field(default_factory=dict)


class _MediaBody(Struct, frozen=True):
    timestamp: int  # ms
    payload: bytes  # base64


class _DigitBody(Struct, frozen=True):
    digit: str


class _Connected(Struct, frozen=True, tag="connected", tag_field="event"):
    pass


class _Start(Struct, frozen=True, tag="start", tag_field="event"):
    sequence_number: int
    start: _StartBody


class _Media(Struct, frozen=True, tag="media", tag_field="event"):
    sequence_number: int
    media: _MediaBody


class _Dtmf(Struct, frozen=True, tag="dtmf", tag_field="event"):
    sequence_number: int
    dtmf: _DigitBody


class _Stop(Struct, frozen=True, tag="stop", tag_field="event"):
    sequence_number: int


_Message: TypeAlias = _Connected | _Start | _Media | _Dtmf | _Stop
_decoder: msgspec.json.Decoder[_Message] = msgspec.json.Decoder(_Message, strict=False)


class ExotelDialect:
    """The messages of one socket, in; events, out."""

    def __init__(self, question: Question) -> None:
        """`question` is the address's. Raises Refused for two parties, as there is one track."""
        if len(question.parties) > 1:
            raise Refused("exotel: there is one track: party= names one party")
        self._question = question
        self._stream = Enveloped("exotel")
        self._first_ms: int | None = None

    def receive(self, message: bytes, *, is_text: bool = True, now_ms: float = 0.0) -> tuple[DialectEvent, ...]:  # noqa: ARG002
        """Return what `message` says; its time stands in it.

        Raises MalformedMessage of kind `json`, `shape`, `order`, `base64` or `length`; Refused, with what to configure,
        for a rate that is not taken.
        """
        match decoded(_decoder, message, dialect="exotel"):
            case _Media(sequence_number=number, media=media):
                first_ms = media.timestamp if self._first_ms is None else self._first_ms
                audio = self._stream.hear(_ONLY, media.timestamp - first_ms, media.payload, number=number)
                self._first_ms = first_ms
                return (audio,)
            case _Start() as start:
                return (self._began(start),)
            case _Dtmf(sequence_number=number, dtmf=dtmf):
                return (self._stream.press(_ONLY, dtmf.digit, number=number),)
            case _Stop(sequence_number=number):
                return (self._stream.stop(number=number),)
            case _Connected():
                return ()

    def ended(self, code: int | None) -> tuple[DialectEvent, ...]:
        """Return that the socket is over, which Exotel says before it closes it."""
        return (self._stream.cut(code),)

    def _began(self, said: _Start) -> Started:
        body, rate_hz = said.start, said.start.media_format.sample_rate
        if rate_hz not in RATES_HZ:
            raise Refused(f"exotel: {rate_hz} samples a second come: end the address with ?sample-rate=16000 or 8000")
        parties = self._question.parties or ("caller",)
        started = Started(
            media_stream=body.stream_sid,
            call_id=call_of(self._question, body.call_sid, body.stream_sid, dialect="exotel"),
            account=body.account_sid,
            tracks=parties,
            form=AudioFormat("l16", rate_hz),
            parameters=parameters_of(body.custom_parameters | {"from": body.from_, "to": body.to}),
        )
        return self._stream.begin(started, tracks={_ONLY: parties[0]}, number=said.sequence_number)
