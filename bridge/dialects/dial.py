"""Asterisk's `WebSocket/INCOMING`: it waits to be dialled, and a message on the media socket says where.

    {"url": "ws://10.20.0.5:8088/media/32966726-4388-456b-a333-fdf5dbecc60d"}

From then on all is as if Asterisk had dialled: its messages are those of the one media stream, which ends with either
socket.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import msgspec

from bridge.dialects.asterisk import AsteriskDialect
from bridge.dialects.events import DialectEvent, Dialled
from bridge.dialects.json_text import decoded
from bridge.dialects.untimed import Question
from callscribe.errors import MalformedMessage, Refused


class _Dial(msgspec.Struct, frozen=True):
    url: str


_decoder = msgspec.json.Decoder(_Dial)


class DialDialect:
    """What to dial, in, and then the messages of what was dialled; events, out."""

    def __init__(self, question: Question) -> None:
        """`question` is the address's, as for Asterisk that dials."""
        self._far = AsteriskDialect(question)
        self._has_dialled = False

    def receive(self, message: bytes, *, is_text: bool, now_ms: float) -> Iterator[DialectEvent]:
        """Yield what is to be dialled, or what a message from there says.

        Raises MalformedMessage of kind `json`, `shape`, `order` or `length`; Refused for what can't be
        dialled or heard.
        """
        if self._has_dialled:
            yield from self._far.receive(message, is_text=is_text, now_ms=now_ms)
            return
        if not is_text:
            raise MalformedMessage("dial: what to dial is a text", kind="shape")
        url = decoded(_decoder, message, dialect="dial").url
        try:
            parts = urlsplit(url)
            is_right = parts.scheme in ("ws", "wss") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_right = False
        if not is_right:
            raise Refused("dial: what to dial is ws://<address>:8088/media/<id>")
        self._has_dialled = True
        yield Dialled(url, parts.hostname or "")

    def ended(self, code: int | None) -> Iterator[DialectEvent]:
        """Yield what was waited for, and that the media stream is over."""
        return self._far.ended(code)
