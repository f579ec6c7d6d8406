"""What a carrier's media stream says, whatever its dialect."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from msgspec import Struct

from bridge.rtp.offer import Offer
from callscribe.audio_format import MULAW_8K, AudioFormat


@dataclass(frozen=True, slots=True)
class Started:
    """The media stream began; its audio follows."""

    media_stream: str
    call_id: str
    account: str
    tracks: tuple[str, ...]  # inbound, outbound
    form: AudioFormat = MULAW_8K
    parameters: dict[str, str] = field(default_factory=dict)  # `from` and `to` among them, where they are told
    # Its clock begins now, not with its first audio, which may be a while.
    begins_now: bool = False
    # What does not come was not said: nothing is lost on the way, and of silence nothing is sent.
    is_lossless: bool = False
    # Its audio says when it was said: when it is read tells nothing more.
    keeps_time: bool = False
    loses_packets: bool = False  # one by one, on the way; what stands for them is like what was heard before


class Audio(Struct, frozen=True, gc=False):  # of which there are more than of anything else
    """Some milliseconds of one track, placed on the carrier's clock."""

    track: str
    media_ms: int  # since the media stream began, by the carrier's own clock
    audio: bytes
    packets: int = 1  # of one length, in which it came; each began where the one before it ended


@dataclass(frozen=True, slots=True)
class Paused:
    """Nothing of one track was lost between these times, of the carrier's clock: it was silent, or on hold."""

    track: str
    begin_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Digit:
    """A key was pressed."""

    track: str
    digit: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """No more audio comes; `reason` is `stop` if the carrier said so, else how the socket ended."""

    reason: str

    @property
    def is_proper(self) -> bool:
        """Whether the carrier said so."""
        return self.reason == "stop"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the dialect's own protocol has to be answered with, as text."""

    text: str


@dataclass(frozen=True, slots=True)
class Offered:
    """A media stream whose audio comes by RTP is offered; it has started when we listen."""

    offer: Offer
    started: Started


@dataclass(frozen=True, slots=True)
class Dialled:
    """The messages of the media stream come from another socket, which is to be opened."""

    url: str
    host: str  # in it


StreamEvent: TypeAlias = Audio | Paused | Digit | Stopped  # of a media stream that has begun
DialectEvent: TypeAlias = Started | Offered | Dialled | Reply | StreamEvent
