"""A call to be placed: who calls whom, what they say, and how faithfully."""

from dataclasses import dataclass, field
from typing import Literal

from local.twilio.faults import Script
from local.twilio.mediastream import Chunks


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What Twilio's documents leave open: each with what was seen, or else guessed, as the default."""

    chunks: Chunks = "shared"  # what the documented samples look like
    query: Literal["strip", "refuse"] = "strip"  # seen; documented is a failed handshake
    first_timestamp_ms: int = 102  # seen
    connect_timeout_s: float = 5.0  # the error exists, the number isn't published
    close_timeout_s: float = 5.0  # how long `stop` and the close may take; not published
    abandoned_after_s: float = 240.0  # how long a socket stays that a fault has left open; 4 minutes were seen


@dataclass(frozen=True, slots=True)
class Placement:
    """One inbound call to a number whose webhooks are `voice_url` and, for "call status changes", `status_url`.

    Audio is 8000 Hz mu-law. Stream addresses are `wss` as with Twilio; `allow_insecure` also takes `ws` on loopback.
    """

    voice_url: str
    from_number: str
    to_number: str
    inbound_audio: bytes  # the caller
    outbound_audio: bytes  # the callee, who speaks while a <Dial> lasts
    status_url: str | None = None
    direction: str = "inbound"
    pace: float | None = 1.0  # times real time; None: as fast as the sockets take it
    hang_up_after_s: float | None = None  # the caller's patience in media time, for TwiML that waits without an end
    allow_insecure: bool = False
    behaviour: Behaviour = field(default_factory=Behaviour)
    faults: tuple[Script, ...] = ()  # one script a media stream, in the order they start; those beyond have none
    call_sid: str | None = None  # to place the same call again; None: a new one
