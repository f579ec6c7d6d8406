"""Twilio Media Streams: the messages of one `<Start><Stream>` socket.

Source: Twilio, "Media Streams - WebSocket messages". Numbers come as strings; `connected` has no number of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import ClassVar, TypeAlias

import msgspec
from msgspec import Struct, field

from bridge.dialects.enveloped import Enveloped
from bridge.dialects.events import Audio, DialectEvent, Started
from bridge.dialects.json_text import decoded
from callscribe.audio_format import MULAW_8K
from callscribe.errors import MalformedMessage

_TRACKS = {"inbound": "inbound", "outbound": "outbound", "inbound_track": "inbound", "outbound_track": "outbound"}


class _MediaFormat(Struct, frozen=True, rename="camel"):
    encoding: str
    sample_rate: int
    channels: int


class _StartBody(Struct, frozen=True, rename="camel"):
    stream_sid: str
    account_sid: str
    call_sid: str
    tracks: tuple[str, ...]
    media_format: _MediaFormat
    custom_parameters: dict[str, str] = field(default_factory=dict)


class _MediaBody(Struct, frozen=True, gc=False):
    track: str
    timestamp: int  # ms since the media stream began
    payload: bytes  # base64


class _DigitBody(Struct, frozen=True):
    track: str
    digit: str


class _Connected(Struct, frozen=True, tag="connected", tag_field="event"):
    pass


class _Start(Struct, frozen=True, tag="start", tag_field="event", rename="camel"):
    sequence_number: int
    start: _StartBody


class _Media(Struct, frozen=True, gc=False, tag="media", tag_field="event", rename="camel"):
    sequence_number: int
    media: _MediaBody


class _Dtmf(Struct, frozen=True, tag="dtmf", tag_field="event", rename="camel"):
    sequence_number: int
    dtmf: _DigitBody


class _Mark(Struct, frozen=True, tag="mark", tag_field="event", rename="camel"):
    sequence_number: int


class _Stop(Struct, frozen=True, tag="stop", tag_field="event", rename="camel"):
    sequence_number: int


_Numbered: TypeAlias = _Start | _Media | _Dtmf | _Mark | _Stop
_decoder: msgspec.json.Decoder[_Connected | _Numbered] = msgspec.json.Decoder(
    _Connected | _Start | _Media | _Dtmf | _Mark | _Stop,
    strict=False,  # Twilio quotes its numbers
)
_media_decoder: msgspec.json.Decoder[_Media] = msgspec.json.Decoder(_Media, strict=False)


class TwilioDialect:
    """The messages of one socket, in; events, out."""

    DIALECT: ClassVar[str] = "twilio"

    def __init__(self) -> None:
        self._stream = Enveloped(self.DIALECT)

    def receive(self, message: bytes, *, is_text: bool = True, now_ms: float = 0.0) -> tuple[DialectEvent, ...]:  # noqa: ARG002
        """Return what `message` says, nothing for messages that change nothing; its time stands in it.

        Raises MalformedMessage of kind `json`, `shape`, `order`, `track`, `base64`, `length` or `format`; what follows
        is not affected.
        """
        said = decoded(_decoder, message, dialect=self.DIALECT)
        match said:
            case _Media(sequence_number=number, media=media):
                return (self._stream.hear(media.track, media.timestamp, media.payload, number=number),)
            case _Start(sequence_number=number, start=start):
                return (self._began(start, number),)
            case _Dtmf(sequence_number=number, dtmf=dtmf):
                return (self._stream.press(dtmf.track, dtmf.digit, number=number),)
            case _Stop(sequence_number=number):
                return (self._stream.stop(number=number),)
            case _Mark(sequence_number=number):
                self._stream.note("mark", number)
                return ()
            case _Connected():
                return ()

    def receive_audio(self, messages: list[bytes], begin: int) -> tuple[list[Audio], int]:
        """Return the audio of `messages` from `begin` on, and the place of the first that is for `receive`."""
        audio, count = self._stream.hear_run(map(_media_decoder.decode, islice(messages, begin, None)))
        return audio, begin + count

    def ended(self, code: int | None) -> tuple[DialectEvent, ...]:
        """Return that the socket is over, which Twilio says before it closes it."""
        return (self._stream.cut(code),)

    def _began(self, start: _StartBody, number: int) -> Started:
        started, tracks = _started(start, dialect=self.DIALECT)
        return self._stream.begin(started, tracks=tracks, number=number)


def _started(start: _StartBody, *, dialect: str) -> tuple[Started, Mapping[str, str]]:
    """Return what begins, and its tracks by their names in messages."""
    form = start.media_format
    if (form.encoding, form.sample_rate, form.channels) != ("audio/x-mulaw", 8000, 1):
        raise MalformedMessage(f"{dialect}: media format {form.encoding}/{form.sample_rate}", kind="format")
    if not start.tracks or any(track not in _TRACKS for track in start.tracks):
        raise MalformedMessage(f"{dialect}: unknown tracks", kind="track")
    tracks = tuple(_TRACKS[track] for track in start.tracks)
    if len(set(tracks)) < len(tracks):
        raise MalformedMessage(f"{dialect}: a track announced twice", kind="track")
    return (
        Started(
            media_stream=start.stream_sid,
            call_id=start.call_sid,
            account=start.account_sid,
            tracks=tracks,
            form=MULAW_8K,
            parameters=start.custom_parameters,
            keeps_time=True,
        ),
        {name: track for name, track in _TRACKS.items() if track in tracks},
    )
