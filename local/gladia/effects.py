"""What a session asks to be done, in the order in which it asks."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Send:
    """Send this text on the socket: a message of that kind, as its `type` says."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Close:
    """Close the socket, after what was sent before."""

    code: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Listen:
    """Let each channel's ear hear its samples."""

    tracks: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Finish:
    """Tell every ear that no more audio comes."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Drop the connection without a close frame, after what was sent before."""


@dataclass(frozen=True, slots=True)
class Freeze:
    """Neither read nor write on the socket any more; what is said meanwhile is lost, or waits for another."""

    meanwhile: Literal["lost", "waits"]


@dataclass(frozen=True, slots=True)
class Take:
    """Let the session have the oldest audio that was withheld from it."""


@dataclass(frozen=True, slots=True)
class Later:
    """Do this after `delay_s`; what is for a socket in the order in which it was asked for, and for this one alone."""

    effect: Send | Close | Finish | Take
    delay_s: float


Effect = Send | Close | Listen | Finish | Drop | Freeze | Take | Later
