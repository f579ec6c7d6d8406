"""Vonage's WebSocket endpoint: a text with the content type and the headers of the NCCO, then samples of the mix.

Source: Vonage Voice API, "WebSockets". There are no legs: a call that is to be heard apart takes an endpoint a leg,
each with a `party` of its own in the address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from bridge.dialects.events import DialectEvent, Digit
from bridge.dialects.forked import Forked, linear_at
from bridge.dialects.json_text import decoded_object
from bridge.dialects.parameters import parameters_of
from bridge.dialects.untimed import Question
from callscribe.errors import MalformedMessage, Refused

_CONTENT: Final = re.compile(r"audio/l16; ?rate=(\d{1,6})")


class VonageDialect:
    """The messages of one socket, in; events, out."""

    def __init__(self, question: Question, *, media_stream: str) -> None:
        """`question` is the address's, which goes before the headers `call` and `party`; `media_stream` is a name.

        Raises Refused for two parties, as there is one channel.
        """
        if len(question.parties) > 1:
            raise Refused("vonage: there is one channel: party= names one party")
        self._question = question
        self._media_stream = media_stream
        self._party = ""
        self._fork = Forked()

    def receive(self, message: bytes, *, is_text: bool, now_ms: float) -> Iterator[DialectEvent]:
        """Yield what a message says that came at `now_ms`, on any steady clock.

        Raises MalformedMessage of kind `json`, `shape`, `order` or `length`; Refused for what can't be heard.
        """
        if not is_text:
            yield from self._fork.hear(message, now_ms)
            return
        told = decoded_object(message, dialect="vonage")
        event = told.get("event")
        if event == "websocket:connected":
            yield from self._begun(told, now_ms)
        elif event == "websocket:dtmf" and self._fork.has_begun and isinstance(told.get("digit"), str):
            yield Digit(self._party, told["digit"])

    def ended(self, code: int | None) -> Iterator[DialectEvent]:
        """Yield what was waited for, and that the socket is over."""
        return self._fork.ended(code)

    def _begun(self, told: dict[str, Any], now_ms: float) -> Iterator[DialectEvent]:
        if self._fork.has_begun:
            raise MalformedMessage("vonage: it began again", kind="order")
        content = _CONTENT.fullmatch(str(told.get("content-type", "")))
        if content is None:
            raise Refused("vonage: the content-type is none such as audio/l16;rate=16000")
        headers = parameters_of({name: value for name, value in told.items() if name not in ("event", "content-type")})
        call = self._question.call or headers.get("call", "")
        if not call:
            raise Refused('vonage: neither the address nor the NCCO\'s headers name a call: "headers": {"call": "..."}')
        chosen = Question.of({"party": headers["party"]}).parties if headers.get("party") else ()
        (self._party,) = self._question.parties or chosen[:1] or ("mixed",)
        return self._fork.begin(
            media_stream=self._media_stream,
            call_id=call,
            parties=(self._party,),
            form=linear_at(int(content[1])),
            parameters=headers,
            now_ms=now_ms,
        )
