"""Asterisk's `chan_websocket`: a channel's media as binary messages, what happens to it as text, plain or JSON.

Nothing says when audio was said, that nothing is said, or that two parties are interleaved: the first two are told by
when messages come, the last by the address that was opened. Source: docs.asterisk.org, "WebSocket" channel driver, and
what Asterisk 22.10.1 was seen to send.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Mapping
from typing import Final, Literal

import msgspec
from msgspec import Struct, field

from bridge.dialects.arrival_clock import ArrivalClock
from bridge.dialects.events import Audio, DialectEvent, Digit, Started, Stopped
from callscribe.audio_format import AudioFormat
from callscribe.decoding import NOT_DECODABLE
from callscribe.errors import MalformedMessage, Refused

# Those that Gladia takes as they are. Another is to be asked of Asterisk: it converts what it has.
FORMATS: Final[Mapping[str, AudioFormat]] = {
    "ulaw": AudioFormat("mulaw", 8000),
    "alaw": AudioFormat("alaw", 8000),
    "slin": AudioFormat("l16", 8000),
    "slin16": AudioFormat("l16", 16_000),
    "slin32": AudioFormat("l16", 32_000),
    "slin48": AudioFormat("l16", 48_000),
}
# A few releases send audio before they say what it is (asterisk#1712); it is kept for a second.
MOST_EARLY = 50
# Of what a PBX writes, and what calls, legs and archives are named by.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:+-]{0,127}")
CALL_VARIABLES: Final = ("CALLSCRIBE_CALL", "__CALLSCRIBE_CALL")  # one that is inherited keeps its underscores


class _Event(Struct, frozen=True):
    event: str
    channel_id: str = ""
    format: str = ""
    digit: str = ""
    channel_variables: dict[str, str] = field(default_factory=dict)


_decoder = msgspec.json.Decoder(_Event)


class AsteriskDialect:
    """The messages of one socket, in; events, out."""

    def __init__(self, question: Mapping[str, str]) -> None:
        """`question` is the query of the address that was opened: `call`, `party`, and `channels=2` for stereo.

        Raises Refused for what makes no sense.
        """
        self._call = question.get("call", "")
        self._parties = tuple(question.get("party", "caller").split(","))
        if self._call and not _NAME.fullmatch(self._call):
            raise Refused("asterisk: call= is up to 128 letters, digits and . _ @ : + -")
        if question.get("channels", "1") != str(len(self._parties)) or len(self._parties) > 2:
            raise Refused("asterisk: party= names a party for each of channels=, two at most")
        if len(set(self._parties)) < len(self._parties) or not all(map(_NAME.fullmatch, self._parties)):
            raise Refused("asterisk: party= is a name such as caller, or two such as caller,agent")
        self._stage: Literal["before", "streaming", "after"] = "before"
        self._early: list[tuple[bytes, float]] = []
        self._form = FORMATS["ulaw"]
        self._clock = ArrivalClock(self._frame_bytes_a_ms)

    def receive(self, message: bytes, *, is_text: bool, now_ms: float) -> Iterator[DialectEvent]:
        """Yield what a message says that came at `now_ms`, on any steady clock.

        Raises MalformedMessage of kind `json`, `shape`, `order` or `length`, after which all goes on; Refused, with
        what to configure, if there can be no transcript.
        """
        if is_text:
            yield from self._told(_decoded(message))
        elif self._stage == "streaming":
            yield from self._audio(message, now_ms)
        elif self._stage == "before" and len(self._early) < MOST_EARLY:
            self._early.append((message, now_ms))
        else:
            raise MalformedMessage(f"asterisk: audio {self._stage} it", kind="order")

    def ended(self, reason: str) -> Iterator[DialectEvent]:
        """Yield what was waited for, and that the socket is over: Asterisk closes it with 1000, and says nothing."""
        if self._stage == "streaming":
            self._stage = "after"
            yield from self._placed(self._clock.rest())
            yield Stopped(reason)

    @property
    def _frame_bytes_a_ms(self) -> int:
        return self._form.bytes_a_ms * len(self._parties)

    def _told(self, event: _Event) -> Iterator[DialectEvent]:
        match event.event:
            case "MEDIA_START":
                yield from self._started(event)
            case "DTMF_END" if self._stage == "streaming" and event.digit:
                yield Digit(self._parties[0], event.digit)
            case _:
                pass  # of what the other direction has done, or what a later release says

    def _started(self, event: _Event) -> Iterator[DialectEvent]:
        if self._stage != "before":
            raise MalformedMessage("asterisk: MEDIA_START came again", kind="order")
        form = FORMATS.get(event.format)
        if form is None:
            raise Refused(
                f"asterisk: the format {event.format[:20]!r} is none of {', '.join(FORMATS)}: dial with c(ulaw)"
            )
        if not _NAME.fullmatch(event.channel_id):
            raise Refused("asterisk: MEDIA_START has no channel_id: 20.18, 22.8 and 23.2 are the first that tell it")
        self._form = form
        self._clock = ArrivalClock(self._frame_bytes_a_ms)
        self._stage = "streaming"
        yield Started(
            media_stream=event.channel_id,
            call_id=self._call or self._of_variables(event.channel_variables) or event.channel_id,
            account="",
            tracks=self._parties,
            form=form,
            parameters=event.channel_variables,
        )
        for audio, now_ms in self._early:
            yield from self._audio(audio, now_ms)
        self._early.clear()

    @staticmethod
    def _of_variables(variables: Mapping[str, str]) -> str:
        found = next((variables[name] for name in CALL_VARIABLES if variables.get(name)), "")
        if found and not _NAME.fullmatch(found):
            raise Refused("asterisk: CALLSCRIBE_CALL is up to 128 letters, digits and . _ @ : + -")
        return found

    def _audio(self, message: bytes, now_ms: float) -> Iterator[DialectEvent]:
        if not message or len(message) % (self._form.sample_bytes * len(self._parties)):
            raise MalformedMessage(f"asterisk: a message of {len(message)} bytes", kind="length")
        yield from self._placed(self._clock.place(message, now_ms))

    def _placed(self, placed: Iterator[tuple[int, bytes]]) -> Iterator[DialectEvent]:
        for media_ms, audio in placed:
            if len(self._parties) == 1:
                yield Audio(self._parties[0], media_ms, audio)
            else:
                for party, samples in zip(self._parties, _apart(audio, self._form.sample_bytes), strict=True):
                    yield Audio(party, media_ms, samples)


def _apart(audio: bytes, sample_bytes: int) -> tuple[bytes, bytes]:
    """Return the left and the right samples of interleaved ones."""
    if sample_bytes == 1:
        return audio[::2], audio[1::2]
    samples = array("H", audio)
    return samples[::2].tobytes(), samples[1::2].tobytes()


def _decoded(text: bytes) -> _Event:
    if not text.startswith(b"{"):
        return _of_plain(text)
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise MalformedMessage(f"asterisk: {error}", kind="shape") from error
    except NOT_DECODABLE as error:
        raise MalformedMessage(f"asterisk: {error}", kind="json") from error


def _of_plain(text: bytes) -> _Event:
    """Return an event in plain text: its name, then `name:value`s; some values have colons in them."""
    try:
        name, *pairs = text.decode("ascii").split()
        told = dict(pair.split(":", 1) for pair in pairs if ":" in pair)
    except ValueError as error:
        raise MalformedMessage("asterisk: a text that is no event", kind="shape") from error
    return _Event(name, told.get("channel_id", ""), told.get("format", ""), told.get("digit", ""))
