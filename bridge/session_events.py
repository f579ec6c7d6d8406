"""What a Gladia session is told, and what it asks for: the values that pass between the machine and its adapters."""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import Struct

from bridge.gladia_analysis import AddOnFailed, Analysis
from callscribe.gladia_transcript import Transcript
from callscribe.stored_result import Stored

NO_SLOT = "all sessions of gladia's plan were in use"


class SessionOpened(Struct, frozen=True):
    """Gladia granted a session."""

    id: str
    url: str


class OpeningFailed(Struct, frozen=True):
    """Gladia can't grant a session now."""

    reason: str


class OpeningRefused(Struct, frozen=True):
    """Gladia will never grant this: a wrong key, a wrong option."""

    reason: str


class SocketOpened(Struct, frozen=True):
    """The session's socket took the handshake; whether it is of use, its first message shows."""


class SocketReopened(Struct, frozen=True):
    """The socket took a handshake, and what was sent on an earlier one may or may not have arrived."""


class Answered(Struct, frozen=True):
    """Gladia has said how far the session's audio goes, or that it takes no more."""


class SocketLost(Struct, frozen=True):
    """The session's socket is closed, or could not be opened; `code` as in RFC 6455, 1006 if none came."""

    code: int


class SocketSilent(Struct, frozen=True):
    """The session's socket is open, but Gladia is not there any more."""


class SessionEnded(Struct, frozen=True):
    """Gladia has said its last word, as it should."""


class SessionEndedInDoubt(Struct, frozen=True):
    """Gladia has said its last word, but some that came before may be lost with a socket."""


class SessionCut(Struct, frozen=True):
    """The session is over in a way that leaves its last words uncertain."""

    reason: str


class AudioEnded(Struct, frozen=True):
    """The carrier has no more audio for this session."""


class Received(Struct, frozen=True, gc=False):
    """A message from Gladia."""

    text: str | bytes


class ResultFetched(Struct, frozen=True):
    """What Gladia has stored of the session so far."""

    stored: Stored


class ResultFailed(Struct, frozen=True):
    """What Gladia has stored can't be had now."""

    reason: str


class ResultAbsent(Struct, frozen=True):
    """Gladia has stored nothing of the session, and will not."""

    reason: str


class DeadlinePassed(Struct, frozen=True):
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


class Open(Struct, frozen=True):
    """Ask Gladia for a session with this request."""

    request: dict[str, Any]


class Connect(Struct, frozen=True):
    """Open the session's socket; `url` is a secret."""

    url: str


class Send(Struct, frozen=True, gc=False):
    """Send this on the session's socket: bytes are audio, text is a command."""

    message: bytes | str


class Disconnect(Struct, frozen=True):
    """Close the session's socket, whatever state it is in."""


class Fetch(Struct, frozen=True):
    """Ask Gladia for what it has stored of this session."""

    session_id: str


class Release(Struct, frozen=True):
    """The session takes no slot of Gladia's plan any more."""


class Granted(Struct, frozen=True):
    """The session exists; from here on its words can come."""

    session_id: str


class Located(Struct, frozen=True):
    """A session that was taken over has the audio before byte `position`."""

    position: int


class Heard(Struct, frozen=True):
    """Gladia heard this."""

    session_id: str
    transcript: Transcript


class Analysed(Struct, frozen=True):
    """An add-on found this in a final that was told before, or nothing, as it failed."""

    session_id: str
    analysis: Analysis | AddOnFailed


class Recovered(Struct, frozen=True):
    """All that Gladia heard in this session, from what it has stored."""

    session_id: str
    stored: Stored


class Parted(Struct, frozen=True):
    """Another session has to hear what comes from byte `resume` on; this one answers for the audio before `end`.

    What lies between the two was kept for too long and has been given up.
    """

    end: int
    resume: int
    reason: str


class Closed(Struct, frozen=True):
    """The session is over; `failure` says why its last words are not certain, None if they came."""

    failure: str | None


Command: TypeAlias = Open | Connect | Send | Disconnect | Fetch | Release  # for the adapter
Effect: TypeAlias = Command | Granted | Located | Heard | Analysed | Recovered | Parted | Closed
