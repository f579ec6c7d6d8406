"""FreeSWITCH's `mod_audio_stream` and `mod_audio_fork`: linear samples of one leg, or of both interleaved.

Nothing on the wire tells rate, channels or call: the address has to (`?call=${uuid}&party=caller,callee&channels=2`). A
text is what the operator wrote, and may come after the first audio. Source: the modules' source code.
"""

from __future__ import annotations

from collections.abc import Iterator

from bridge.dialects.events import DialectEvent
from bridge.dialects.forked import Forked, linear_at
from bridge.dialects.parameters import parameters_in
from bridge.dialects.untimed import Question
from callscribe.errors import Refused


class FreeswitchDialect:
    """The messages of one socket, in; events, out."""

    def __init__(self, question: Question, *, media_stream: str) -> None:
        """`question` is the address's; `media_stream` a name that nothing else has. Raises Refused without a call."""
        if not question.call:
            raise Refused("freeswitch: the address names no call: end it with ?call=${uuid}")
        self._question = question
        self._media_stream = media_stream
        self._fork = Forked()

    def receive(self, message: bytes, *, is_text: bool, now_ms: float) -> Iterator[DialectEvent]:
        """Yield what a message says that came at `now_ms`, on any steady clock. Raises MalformedMessage of `length`."""
        if not is_text and not message:
            return  # `graceful-shutdown`: what follows is the end
        if not self._fork.has_begun:
            yield from self._begun(message if is_text else b"", now_ms)
        if not is_text:
            yield from self._fork.hear(message, now_ms)

    def ended(self, code: int | None) -> Iterator[DialectEvent]:
        """Yield what was waited for, and that the socket is over."""
        return self._fork.ended(code)

    def _begun(self, metadata: bytes, now_ms: float) -> Iterator[DialectEvent]:
        return self._fork.begin(
            media_stream=self._media_stream,
            call_id=self._question.call,
            parties=self._question.parties or ("caller",),
            form=linear_at(self._question.rate_hz),
            parameters=parameters_in(metadata),
            now_ms=now_ms,
        )
