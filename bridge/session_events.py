"""What a Gladia session is told, and what it asks for: the values that pass between the machine and its adapters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from bridge import gladia


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """Gladia granted a session."""

    id: str
    url: str


@dataclass(frozen=True, slots=True)
class OpeningFailed:
    """Gladia can't grant a session now."""

    reason: str


@dataclass(frozen=True, slots=True)
class OpeningRefused:
    """Gladia will never grant this: a wrong key, a wrong option."""

    reason: str


@dataclass(frozen=True, slots=True)
class SocketOpened:
    """The session's socket took the handshake; whether it is of use, its first message shows."""


@dataclass(frozen=True, slots=True)
class SocketLost:
    """The session's socket is closed, or could not be opened; `code` as in RFC 6455, 1006 if none came."""

    code: int


@dataclass(frozen=True, slots=True)
class SocketSilent:
    """The session's socket is open, but Gladia is not there any more."""


@dataclass(frozen=True, slots=True)
class AudioEnded:
    """The carrier has no more audio for this session."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message from Gladia."""

    text: str | bytes


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """The session's `deadline` is over."""


Event: TypeAlias = (
    SessionOpened
    | OpeningFailed
    | OpeningRefused
    | SocketOpened
    | SocketLost
    | SocketSilent
    | AudioEnded
    | Received
    | DeadlinePassed
)


@dataclass(frozen=True, slots=True)
class Open:
    """Ask Gladia for a session with this request."""

    request: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Connect:
    """Open the session's socket; `url` is a secret."""

    url: str


@dataclass(frozen=True, slots=True)
class Send:
    """Send this on the session's socket: bytes are audio, text is a command."""

    message: bytes | str


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Close the session's socket, whatever state it is in."""


@dataclass(frozen=True, slots=True)
class Granted:
    """The session exists; from here on its words can come."""

    session_id: str


@dataclass(frozen=True, slots=True)
class Heard:
    """Gladia heard this."""

    session_id: str
    transcript: gladia.Transcript


@dataclass(frozen=True, slots=True)
class Closed:
    """The session is over; `failure` says why its last words are not certain, None if they came.

    `may_go_on`: Gladia ended it, so another session may hear what this one did not.
    """

    failure: str | None
    may_go_on: bool = False


Command: TypeAlias = Open | Connect | Send | Disconnect  # for the adapter that holds the socket
Effect: TypeAlias = Command | Granted | Heard | Closed
