"""What a Gladia session is told, and what it asks for: the values that pass between the machine and its adapters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from bridge.gladia_analysis import AddOnFailed, Analysis
from callscribe.gladia_transcript import Transcript
from callscribe.stored_result import Stored

NO_SLOT = "all sessions of gladia's plan were in use"


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
class SocketReopened:
    """The socket took a handshake, and what was sent on an earlier one may or may not have arrived."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Gladia has said how far the session's audio goes, or that it takes no more."""


@dataclass(frozen=True, slots=True)
class SocketLost:
    """The session's socket is closed, or could not be opened; `code` as in RFC 6455, 1006 if none came."""

    code: int


@dataclass(frozen=True, slots=True)
class SocketSilent:
    """The session's socket is open, but Gladia is not there any more."""


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """Gladia has said its last word, as it should."""


@dataclass(frozen=True, slots=True)
class SessionEndedInDoubt:
    """Gladia has said its last word, but some that came before may be lost with a socket."""


@dataclass(frozen=True, slots=True)
class SessionCut:
    """The session is over in a way that leaves its last words uncertain."""

    reason: str


@dataclass(frozen=True, slots=True)
class AudioEnded:
    """The carrier has no more audio for this session."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message from Gladia."""

    text: str | bytes


@dataclass(frozen=True, slots=True)
class ResultFetched:
    """What Gladia has stored of the session so far."""

    stored: Stored


@dataclass(frozen=True, slots=True)
class ResultFailed:
    """What Gladia has stored can't be had now."""

    reason: str


@dataclass(frozen=True, slots=True)
class ResultAbsent:
    """Gladia has stored nothing of the session, and will not."""

    reason: str


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """The session's `deadline` is over."""


Event: TypeAlias = (
    SessionOpened
    | OpeningFailed
    | OpeningRefused
    | SocketOpened
    | SocketReopened
    | Answered
    | SocketLost
    | SocketSilent
    | SessionEnded
    | SessionEndedInDoubt
    | SessionCut
    | AudioEnded
    | Received
    | ResultFetched
    | ResultFailed
    | ResultAbsent
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
class Fetch:
    """Ask Gladia for what it has stored of this session."""

    session_id: str


@dataclass(frozen=True, slots=True)
class Release:
    """The session takes no slot of Gladia's plan any more."""


@dataclass(frozen=True, slots=True)
class Granted:
    """The session exists; from here on its words can come."""

    session_id: str


@dataclass(frozen=True, slots=True)
class Located:
    """A session that was taken over has the audio before byte `position`."""

    position: int


@dataclass(frozen=True, slots=True)
class Heard:
    """Gladia heard this."""

    session_id: str
    transcript: Transcript


@dataclass(frozen=True, slots=True)
class Analysed:
    """An add-on found this in a final that was told before, or nothing, as it failed."""

    session_id: str
    analysis: Analysis | AddOnFailed


@dataclass(frozen=True, slots=True)
class Recovered:
    """All that Gladia heard in this session, from what it has stored."""

    session_id: str
    stored: Stored


@dataclass(frozen=True, slots=True)
class Parted:
    """Another session has to hear what comes from byte `resume` on; this one answers for the audio before `end`.

    What lies between the two was kept for too long and has been given up.
    """

    end: int
    resume: int
    reason: str


@dataclass(frozen=True, slots=True)
class Closed:
    """The session is over; `failure` says why its last words are not certain, None if they came."""

    failure: str | None


Command: TypeAlias = Open | Connect | Send | Disconnect | Fetch | Release  # for the adapter
Effect: TypeAlias = Command | Granted | Located | Heard | Analysed | Recovered | Parted | Closed
