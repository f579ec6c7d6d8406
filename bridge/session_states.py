"""The states of a Gladia session and its moves, as the diagram in ARCHITECTURE.md shows them."""

from __future__ import annotations

from enum import Enum

from bridge.session_events import (
    Answered,
    AudioEnded,
    Event,
    OpeningFailed,
    OpeningRefused,
    ResultAbsent,
    ResultFailed,
    ResultFetched,
    SessionCut,
    SessionEnded,
    SessionEndedInDoubt,
    SessionOpened,
    SocketLost,
    SocketOpened,
    SocketReopened,
    SocketSilent,
)


class State(Enum):
    """Where a session stands; see NEXT."""

    OPENING = "opening"  # asked for, not yet granted
    CONNECTING = "connecting"  # granted; its socket is being opened, for the first time or again
    ASKING = "asking"  # connected again, and waiting to be told how far the session's audio goes
    RELAYING = "relaying"  # audio out, words in
    DRAINING = "draining"  # no more audio; the last words are due
    RECONCILING = "reconciling"  # over, and not all of it may have been heard: what Gladia has stored is asked for
    CLOSED = "closed"


NEXT: dict[tuple[State, type[Event]], State] = {
    (State.OPENING, SessionOpened): State.CONNECTING,
    (State.OPENING, OpeningFailed): State.OPENING,  # again, later
    (State.OPENING, OpeningRefused): State.CLOSED,
    (State.OPENING, AudioEnded): State.OPENING,  # what was heard is still owed its words
    (State.CONNECTING, SocketOpened): State.RELAYING,  # what the backlog holds goes first
    (State.CONNECTING, SocketReopened): State.ASKING,  # some of what it holds may have arrived
    (State.CONNECTING, SocketLost): State.CONNECTING,
    (State.CONNECTING, AudioEnded): State.CONNECTING,
    (State.CONNECTING, SessionCut): State.RECONCILING,
    (State.ASKING, Answered): State.RELAYING,
    (State.ASKING, SocketLost): State.CONNECTING,
    (State.ASKING, AudioEnded): State.ASKING,
    (State.ASKING, SessionCut): State.RECONCILING,
    (State.RELAYING, SocketLost): State.CONNECTING,  # the session outlives its socket
    (State.RELAYING, SocketSilent): State.CONNECTING,
    (State.RELAYING, AudioEnded): State.DRAINING,
    (State.RELAYING, SessionCut): State.RECONCILING,
    (State.DRAINING, SocketSilent): State.CONNECTING,
    (State.DRAINING, SocketLost): State.CONNECTING,
    (State.DRAINING, SessionEnded): State.CLOSED,
    (State.DRAINING, SessionEndedInDoubt): State.RECONCILING,
    (State.DRAINING, SessionCut): State.RECONCILING,
    (State.RECONCILING, ResultFetched): State.CLOSED,  # unless it is not complete yet
    (State.RECONCILING, ResultFailed): State.RECONCILING,
    (State.RECONCILING, ResultAbsent): State.CLOSED,
}
