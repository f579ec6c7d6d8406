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


# To look a member up in its class is a call; sessions do so with each frame.
OPENING, CONNECTING, ASKING, RELAYING, DRAINING, RECONCILING, CLOSED = State

NEXT: dict[tuple[State, type[Event]], State] = {
    (OPENING, SessionOpened): CONNECTING,
    (OPENING, OpeningFailed): OPENING,  # again, later
    (OPENING, OpeningRefused): CLOSED,
    (OPENING, AudioEnded): OPENING,  # what was heard is still owed its words
    (CONNECTING, SocketOpened): RELAYING,  # what the backlog holds goes first
    (CONNECTING, SocketReopened): ASKING,  # some of what it holds may have arrived
    (CONNECTING, SocketLost): CONNECTING,
    (CONNECTING, AudioEnded): CONNECTING,
    (CONNECTING, SessionCut): RECONCILING,
    (ASKING, Answered): RELAYING,
    (ASKING, SocketLost): CONNECTING,
    (ASKING, AudioEnded): ASKING,
    (ASKING, SessionCut): RECONCILING,
    (RELAYING, SocketLost): CONNECTING,  # the session outlives its socket
    (RELAYING, SocketSilent): CONNECTING,
    (RELAYING, AudioEnded): DRAINING,
    (RELAYING, SessionCut): RECONCILING,
    (DRAINING, SocketSilent): CONNECTING,
    (DRAINING, SocketLost): CONNECTING,
    (DRAINING, SessionEnded): CLOSED,
    (DRAINING, SessionEndedInDoubt): RECONCILING,
    (DRAINING, SessionCut): RECONCILING,
    (RECONCILING, ResultFetched): CLOSED,  # unless it is not complete yet
    (RECONCILING, ResultFailed): RECONCILING,
    (RECONCILING, ResultAbsent): CLOSED,
}
