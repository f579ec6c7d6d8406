"""jambonz' verbs `listen` and `stream`: a text that tells the call, then linear samples.

Source: docs.jambonz.org, "listen"; jambonz-feature-server, lib/tasks/listen.js. The subprotocol has to be echoed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from bridge.dialects.events import DialectEvent, Digit
from bridge.dialects.forked import Forked, linear_at
from bridge.dialects.json_text import decoded_object
from bridge.dialects.parameters import parameters_of
from bridge.dialects.untimed import Question
from callscribe.errors import MalformedMessage, Refused

SUBPROTOCOL: Final = "audio.jambonz.org"
# Left is who is on the leg that the verb runs on, right whom it hears.
_PARTIES: Final = {
    ("mono", True): ("caller",),
    ("mono", False): ("callee",),
    ("stereo", True): ("caller", "callee"),
    ("stereo", False): ("callee", "caller"),
}
MIXED: Final = ("mixed",)


class JambonzDialect:
    """The messages of one socket, in; events, out."""

    def __init__(self, question: Question, *, media_stream: str) -> None:
        """`question` is the address's, which goes before what jambonz tells; `media_stream` a name of its own."""
        self._question = question
        self._media_stream = media_stream
        self._parties: tuple[str, ...] = ()
        self._fork = Forked()

    def receive(self, message: bytes, *, is_text: bool, now_ms: float) -> Iterator[DialectEvent]:
        """Yield what a message says that came at `now_ms`, on any steady clock.

        Raises MalformedMessage of kind `json`, `shape`, `order` or `length`; Refused for what can't be heard.
        """
        if not is_text:
            if message:  # else the call is about to end
                yield from self._fork.hear(message, now_ms)
            return
        told = decoded_object(message, dialect="jambonz")
        if not self._fork.has_begun:
            yield from self._begun(told, now_ms)
        elif told.get("event") == "dtmf" and isinstance(told.get("dtmf"), str) and told["dtmf"]:
            yield Digit(self._parties[0], told["dtmf"])

    def ended(self, code: int | None) -> Iterator[DialectEvent]:
        """Yield what was waited for, and that the socket is over: there is no message for that."""
        return self._fork.ended(code)

    def _begun(self, told: dict[str, Any], now_ms: float) -> Iterator[DialectEvent]:
        call, rate, mix = told.get("callSid"), told.get("sampleRate"), told.get("mixType", "mono")
        if not isinstance(call, str) or not isinstance(rate, int) or not isinstance(mix, str):
            raise MalformedMessage("jambonz: the first text tells no callSid, sampleRate and mixType", kind="shape")
        known = _PARTIES.get((mix, told.get("direction") != "outbound"), MIXED)
        self._parties = self._question.parties or known
        if len(self._parties) != len(known):
            raise Refused(f"jambonz: the address names {len(self._parties)} parties, and mixType is {mix[:20]}")
        return self._fork.begin(
            media_stream=self._media_stream,
            call_id=self._question.call or call,
            parties=self._parties,
            form=linear_at(rate),
            parameters=parameters_of(told),
            now_ms=now_ms,
        )
