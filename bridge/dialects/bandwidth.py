"""Bandwidth's `<StartStream>`: mu-law in JSON by track, without numbers and without times.

Source: Bandwidth, "Media Streaming". Audio is placed by when it comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct, field

from bridge.dialects.arrival_clock import ArrivalClock
from bridge.dialects.enveloped import Enveloped, call_of, parties_of
from bridge.dialects.events import Audio, DialectEvent, Started
from bridge.dialects.json_text import decoded
from bridge.dialects.parameters import parameters_of
from bridge.dialects.untimed import Question
from callscribe.audio_format import MULAW_8K
from callscribe.errors import Refused


class _MediaFormat(Struct, frozen=True, rename="camel"):
    encoding: str
    sample_rate: int


class _Track(Struct, frozen=True, rename="camel"):
    name: str
    media_format: _MediaFormat


class _Metadata(Struct, frozen=True, rename="camel"):
    call_id: str
    stream_id: str
    tracks: tuple[_Track, ...]
    account_id: str = ""


class _Start(Struct, frozen=True, tag="start", tag_field="eventType", rename="camel"):
    metadata: _Metadata
    stream_params: dict[str, Any] = field(default_factory=dict)


class _Media(Struct, frozen=True, tag="media", tag_field="eventType"):
    track: str
    payload: bytes  # base64


class _Stop(Struct, frozen=True, tag="stop", tag_field="eventType"):
    pass


_Message: TypeAlias = _Start | _Media | _Stop
_decoder: msgspec.json.Decoder[_Message] = msgspec.json.Decoder(_Message, strict=False)


class BandwidthDialect:
    """The messages of one socket, in; events, out."""

    def __init__(self, question: Question) -> None:
        """`question` is the address's: who is heard on the tracks that are announced, inbound first."""
        self._question = question
        self._stream = Enveloped("bandwidth")
        self._clocks: dict[str, ArrivalClock] = {}
        self._first_ms: float | None = None  # when the media stream's first audio came

    def receive(self, message: bytes, *, is_text: bool = True, now_ms: float) -> Iterator[DialectEvent]:  # noqa: ARG002
        """Yield what a message says that came at `now_ms`, on any steady clock.

        Raises MalformedMessage of kind `json`, `shape`, `order`, `track`, `base64` or `length`; Refused, with what to
        configure, for a codec that is not taken and for parties that don't fit the tracks.
        """
        match decoded(_decoder, message, dialect="bandwidth"):
            case _Media(track=track, payload=payload):
                yield from self._placed(self._stream.hear(track, 0, payload), now_ms)
            case _Start() as start:
                yield self._began(start)
            case _Stop():
                stopped = self._stream.stop()
                yield from self._rest()
                yield stopped

    def ended(self, code: int | None) -> Iterator[DialectEvent]:
        """Yield what was waited for, and that the socket is over, which Bandwidth says before it closes it."""
        yield from self._rest()
        yield self._stream.cut(code)

    def _placed(self, heard: Audio, now_ms: float) -> Iterator[Audio]:
        if self._first_ms is None:
            self._first_ms = now_ms
        clock = self._clocks.get(heard.track)
        if clock is None:
            begin_ms = now_ms - self._first_ms
            clock = self._clocks[heard.track] = ArrivalClock(MULAW_8K.bytes_a_ms, begin_ms=begin_ms)
        for media_ms, audio in clock.place(heard.audio, now_ms):
            yield Audio(heard.track, media_ms, audio)

    def _rest(self) -> Iterator[Audio]:
        for track, clock in self._clocks.items():
            for media_ms, audio in clock.end():
                yield Audio(track, media_ms, audio)

    def _began(self, said: _Start) -> Started:
        told = said.metadata
        for track in told.tracks:
            if (track.media_format.encoding, track.media_format.sample_rate) != ("audio/PCMU", 8000):
                raise Refused(f"bandwidth: {track.media_format.encoding[:20]} comes: audio/PCMU at 8000 Hz is taken")
        parties = parties_of((track.name for track in told.tracks), self._question, dialect="bandwidth")
        started = Started(
            media_stream=told.stream_id,
            call_id=call_of(self._question, told.call_id, told.stream_id, dialect="bandwidth"),
            account=told.account_id,
            tracks=tuple(parties.values()),
            form=MULAW_8K,
            parameters=parameters_of(said.stream_params),
            is_lossless=True,  # nothing tells what was lost before it; on the socket it is only ever late
        )
        return self._stream.begin(started, tracks=parties)
