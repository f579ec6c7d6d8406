"""What a session asks to be done, in the order in which it asks."""

from dataclasses import dataclass


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


Effect = Send | Close | Listen | Finish
