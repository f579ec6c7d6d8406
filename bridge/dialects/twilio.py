"""Twilio Media Streams: the messages of one `<Start><Stream>` socket.

Source: Twilio, "Media Streams - WebSocket messages". Numbers come as strings; `connected` has no number of its own.
"""

from __future__ import annotations

import binascii
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct, field

from bridge.dialects.events import Audio, DialectEvent, Digit, Started, Stopped
from callscribe.audio_format import MULAW_8K
from callscribe.decoding import NOT_DECODABLE
from callscribe.errors import MalformedMessage

# Numbers say that a message came again. One that was overtaken is of use for some tenths of a second, which are fewer
# messages than this even if each holds a millisecond. Source of the method: RFC 4303, section 3.4.3.
_WINDOW = 1024
_ALL_SEEN = (1 << _WINDOW) - 1
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


class _MediaBody(Struct, frozen=True):
    track: str
    timestamp: int  # ms since the media stream began
    payload: str  # base64; decoded apart, so that bad base64 is told from a bad shape


class _DigitBody(Struct, frozen=True):
    track: str
    digit: str


class _Connected(Struct, frozen=True, tag="connected", tag_field="event"):
    pass


class _Start(Struct, frozen=True, tag="start", tag_field="event", rename="camel"):
    sequence_number: int
    start: _StartBody


class _Media(Struct, frozen=True, tag="media", tag_field="event", rename="camel"):
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


class TwilioDialect:
    """The messages of one socket, in; events, out."""

    def __init__(self) -> None:
        self._tracks: tuple[str, ...] = ()
        self._newest = 0  # sequence number
        self._seen = _ALL_SEEN  # bit n: the number `_newest - n` was seen
        self._leap: int | None = None  # a number from afar, which is believed when another follows it
        self._stage: Literal["before", "streaming", "after"] = "before"

    def receive(self, message: bytes, *, is_text: bool = True, now_ms: float = 0.0) -> tuple[DialectEvent, ...]:  # noqa: ARG002
        """Return what `message` says, nothing for messages that change nothing; its time stands in it.

        Raises MalformedMessage of kind `json`, `shape`, `order`, `track`, `base64`, `length` or `format`; what follows
        is not affected.
        """
        said = _decode(message)
        if isinstance(said, _Connected):
            return ()
        self._check_order(said)
        match said:
            case _Media(media=media):
                return (Audio(self._track(media.track), media.timestamp, _payload(media)),)
            case _Start(start=start):
                return (self._start(start),)
            case _Dtmf(dtmf=dtmf):
                return (Digit(self._track(dtmf.track), dtmf.digit),)
            case _Stop():
                self._stage = "after"
                return (Stopped("stop"),)
            case _Mark():
                return ()

    def ended(self, code: int | None) -> tuple[DialectEvent, ...]:
        """Return that the socket is over, which Twilio says before it closes it."""
        how = "the media socket closed" if code is None else "the carrier closed the media socket"
        return (Stopped(how),)

    def _check_order(self, message: _Numbered) -> None:
        expected = "before" if isinstance(message, _Start) else "streaming"
        if self._stage != expected:
            raise MalformedMessage(f"twilio: {type(message).__name__[1:].lower()} {self._stage} it", kind="order")
        if isinstance(message, _Start):
            self._newest = message.sequence_number
        elif not self._is_new(message.sequence_number):
            raise MalformedMessage("twilio: a sequence number came again, or from afar", kind="order")

    def _is_new(self, number: int) -> bool:
        """Take note of `number` and tell whether this was its first time; later ones may have come before it."""
        ahead = number - self._newest
        if not -_WINDOW < ahead <= _WINDOW:
            # One wrong number must not make all that follow look old.
            before, self._leap = self._leap, number
            if before is None or not 0 < number - before <= _WINDOW:
                return False
            self._newest, self._seen = number, _ALL_SEEN
            return True
        if ahead > 0:
            self._seen = ((self._seen << ahead) | 1) & _ALL_SEEN
            self._newest = number
            return True
        bit = 1 << -ahead
        is_new = not self._seen & bit
        self._seen |= bit
        return is_new

    def _start(self, start: _StartBody) -> Started:
        form = start.media_format
        if (form.encoding, form.sample_rate, form.channels) != ("audio/x-mulaw", 8000, 1):
            raise MalformedMessage(f"twilio: media format {form.encoding}/{form.sample_rate}", kind="format")
        if not start.tracks or any(track not in _TRACKS for track in start.tracks):
            raise MalformedMessage("twilio: unknown tracks", kind="track")
        tracks = tuple(_TRACKS[track] for track in start.tracks)
        if len(set(tracks)) < len(tracks):
            raise MalformedMessage("twilio: a track announced twice", kind="track")
        self._tracks = tracks
        self._stage = "streaming"
        return Started(
            media_stream=start.stream_sid,
            call_id=start.call_sid,
            account=start.account_sid,
            tracks=self._tracks,
            form=MULAW_8K,
            parameters=start.custom_parameters,
        )

    def _track(self, name: str) -> str:
        track = _TRACKS.get(name)
        if track not in self._tracks:
            raise MalformedMessage("twilio: a track that was not announced", kind="track")
        return track


def _decode(text: bytes) -> _Connected | _Numbered:
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise MalformedMessage(f"twilio: {error}", kind="shape") from error
    except (*NOT_DECODABLE, UnicodeEncodeError) as error:
        raise MalformedMessage(f"twilio: {error}", kind="json") from error


def _payload(media: _MediaBody) -> bytes:
    try:
        audio = binascii.a2b_base64(media.payload, strict_mode=True)
    except ValueError as error:
        raise MalformedMessage("twilio: bad base64", kind="base64") from error
    if not audio or len(audio) % MULAW_8K.bytes_a_ms:
        # Twilio sends whole milliseconds; anything else would shift all that follows.
        raise MalformedMessage(f"twilio: a frame of {len(audio)} bytes", kind="length")
    return audio
