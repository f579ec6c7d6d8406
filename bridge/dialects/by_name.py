"""The dialects that trunks speak on media sockets, by the names that are in their addresses."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Final

from websockets.typing import Subprotocol

from bridge.dialects.asterisk import AsteriskDialect
from bridge.dialects.audiohook import AudiohookDialect
from bridge.dialects.bandwidth import BandwidthDialect
from bridge.dialects.dial import DialDialect
from bridge.dialects.dialect import Dialect
from bridge.dialects.exotel import ExotelDialect
from bridge.dialects.freeswitch import FreeswitchDialect
from bridge.dialects.jambonz import SUBPROTOCOL, JambonzDialect
from bridge.dialects.plivo import PlivoDialect
from bridge.dialects.rtp import RtpDialect
from bridge.dialects.signalwire import SignalwireDialect
from bridge.dialects.telnyx import TelnyxDialect
from bridge.dialects.untimed import Question
from bridge.dialects.vonage import VonageDialect

# Whoever asks for one of these gives up if it is not echoed: Asterisk, mod_audio_fork, jambonz.
SUBPROTOCOLS: Final = tuple(Subprotocol(name) for name in ("media", "audio.drachtio.org", SUBPROTOCOL))


def _name() -> str:
    return f"MS{uuid.uuid4().hex}"


DIALECTS: Final[Mapping[str, Callable[[Question], Dialect]]] = {
    "asterisk": AsteriskDialect,
    "audiohook": AudiohookDialect,
    "bandwidth": BandwidthDialect,
    "dial": DialDialect,
    "exotel": ExotelDialect,
    "freeswitch": lambda question: FreeswitchDialect(question, media_stream=_name()),
    "jambonz": lambda question: JambonzDialect(question, media_stream=_name()),
    "plivo": PlivoDialect,
    "rtp": lambda question: RtpDialect(question, media_stream=_name()),
    "signalwire": lambda _: SignalwireDialect(),
    "telnyx": TelnyxDialect,
    "vonage": lambda question: VonageDialect(question, media_stream=_name()),
}


def dialect_of(name: str, query: Mapping[str, str]) -> Dialect:
    """Return a dialect for one socket, whose address has `query`. Raises Refused, saying what may be in it."""
    return DIALECTS[name](Question.of(query))
