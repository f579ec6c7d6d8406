"""Asterisk's `chan_websocket`: a channel's media as binary messages, what happens to it as text, plain or JSON.

Nothing says when audio was said, that nothing is said, or that two parties are interleaved: the first two are told by
when messages come, the last by the address that was opened. Source: docs.asterisk.org, "WebSocket" channel driver, and
what Asterisk 22.10.1 was seen to send.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Struct, field

from bridge.dialects.events import DialectEvent, Digit
from bridge.dialects.forked import Forked
from bridge.dialects.json_text import decoded
from bridge.dialects.untimed import Question, is_name
from callscribe.audio_format import AudioFormat
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

    def __init__(self, question: Question) -> None:
        """`question` is the address's: two parties for stereo, of which MEDIA_START says nothing."""
        self._question = question
        self._parties = question.parties or ("caller",)
        self._fork = Forked()  # some releases send audio before they say what it is (asterisk#1712)

    def receive(self, message: bytes, *, is_text: bool, now_ms: float) -> Iterator[DialectEvent]:
        """Yield what a message says that came at `now_ms`, on any steady clock.

        Raises MalformedMessage of kind `json`, `shape`, `order` or `length`, after which all goes on; Refused, with
        what to configure, if there can be no transcript.
        """
        return self._told(_decoded(message), now_ms) if is_text else self._fork.hear(message, now_ms)

    def ended(self, code: int | None) -> Iterator[DialectEvent]:
        """Yield what was waited for, and that the socket is over: Asterisk closes it with 1000, and says nothing."""
        return self._fork.ended(code)

    def _told(self, event: _Event, now_ms: float) -> Iterator[DialectEvent]:
        match event.event:
            case "MEDIA_START":
                yield from self._started(event, now_ms)
            case "DTMF_END" if self._fork.has_begun and event.digit:
                yield Digit(self._parties[0], event.digit)
            case _:
                pass  # of what the other direction has done, or what a later release says

    def _started(self, event: _Event, now_ms: float) -> Iterator[DialectEvent]:
        if self._fork.has_begun:
            raise MalformedMessage("asterisk: MEDIA_START came again", kind="order")
        form = FORMATS.get(event.format)
        if form is None:
            known = ", ".join(FORMATS)
            raise Refused(f"asterisk: the format {event.format[:20]!r} is none of {known}: dial with c(ulaw)")
        if not is_name(event.channel_id):
            raise Refused("asterisk: MEDIA_START has no channel_id: 20.18, 22.8 and 23.2 are the first that tell it")
        yield from self._fork.begin(
            media_stream=event.channel_id,
            call_id=self._question.call or _of_variables(event.channel_variables) or event.channel_id,
            parties=self._parties,
            form=form,
            parameters=event.channel_variables,
            now_ms=now_ms,
        )


def _of_variables(variables: Mapping[str, str]) -> str:
    """Return the call that channel variables name; Refused for one that is no name."""
    found = next((variables[name] for name in CALL_VARIABLES if variables.get(name)), "")
    if found and not is_name(found):
        raise Refused("asterisk: CALLSCRIBE_CALL is up to 128 letters, digits and . _ @ : + -")
    return found


def _decoded(text: bytes) -> _Event:
    return decoded(_decoder, text, dialect="asterisk") if text.startswith(b"{") else _of_plain(text)


def _of_plain(text: bytes) -> _Event:
    """Return an event in plain text: its name, then `name:value`s; some values have colons in them."""
    try:
        name, *pairs = text.decode("ascii").split()
        told = dict(pair.split(":", 1) for pair in pairs if ":" in pair)
    except ValueError as error:
        raise MalformedMessage("asterisk: a text that is no event", kind="shape") from error
    return _Event(name, told.get("channel_id", ""), told.get("format", ""), told.get("digit", ""))
