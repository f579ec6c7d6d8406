"""SignalWire's cXML streams: Twilio's messages, with names of their own making and a codec that can be chosen.

Source: SignalWire, "cXML: Stream". Of its codecs mu-law is taken: of `L16` nothing tells the order of the bytes.
"""

from __future__ import annotations

from bridge.dialects.events import DialectEvent
from bridge.dialects.twilio import TwilioDialect
from callscribe.errors import MalformedMessage, Refused


class SignalwireDialect(TwilioDialect):
    """The messages of one socket, in; events, out."""

    DIALECT = "signalwire"

    def receive(self, message: bytes, *, is_text: bool = True, now_ms: float = 0.0) -> tuple[DialectEvent, ...]:
        """Return what `message` says, as TwilioDialect does. Raises Refused for a codec that is not taken."""
        try:
            return super().receive(message, is_text=is_text, now_ms=now_ms)
        except MalformedMessage as error:
            if error.kind == "format":
                raise Refused(f'{error}: say codec="PCMU@8000h" in <Stream>, or nothing') from error
            raise
