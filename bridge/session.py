"""One Gladia session, from the request that opens it to its last word. No socket, no clock."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from bridge import gladia
from bridge.backlog import Backlog
from bridge.session_events import (
    AudioEnded,
    Closed,
    Connect,
    DeadlinePassed,
    Disconnect,
    Effect,
    Event,
    Granted,
    Heard,
    Open,
    OpeningFailed,
    OpeningRefused,
    Received,
    Send,
    SessionOpened,
    SocketLost,
    SocketOpened,
    SocketSilent,
)
from callscribe.errors import MalformedMessage, Overloaded

# Gladia refuses frames above 1 MiB with 1009, and refuses the session if they are repeated.
PIECE_BYTES = 512 * 1024
# Five minutes of both tracks: longer than any outage that was seen, and 100 such calls still fit a small task.
BACKLOG_BYTES = 300 * 16_000
# After `stop_recording` Gladia was seen to close within 1.1 s; half a minute leaves room for a long last utterance.
DRAIN_S = 30.0
# Gladia acknowledges each chunk at once; a socket on which nothing comes for so long while audio waits for its
# acknowledgement is dead, whatever TCP still believes.
SILENT_S = 5.0
FIRST_RETRY_S = 0.25
LAST_RETRY_S = 8.0
# Codes with which Gladia says that there is nothing to come back to; 1001 is its client's own farewell.
_ENDED_CODES = frozenset({1000, 1001, *range(4400, 4500)})


class State(Enum):
    """Where a session stands; see NEXT."""

    OPENING = "opening"  # asked for, not yet granted
    CONNECTING = "connecting"  # granted; its socket is being opened, for the first time or again
    RELAYING = "relaying"  # audio out, words in
    DRAINING = "draining"  # no more audio; the last words are due
    CLOSED = "closed"


NEXT: dict[tuple[State, type[Event]], State] = {
    (State.OPENING, SessionOpened): State.CONNECTING,
    (State.OPENING, OpeningFailed): State.OPENING,  # again, later
    (State.OPENING, OpeningRefused): State.CLOSED,
    (State.OPENING, AudioEnded): State.OPENING,  # what was heard is still owed its words
    (State.CONNECTING, SocketOpened): State.RELAYING,  # what the backlog holds goes first
    (State.CONNECTING, SocketLost): State.CONNECTING,
    (State.CONNECTING, AudioEnded): State.CONNECTING,
    (State.RELAYING, SocketLost): State.CONNECTING,  # the session outlives its socket
    (State.RELAYING, SocketSilent): State.CONNECTING,
    (State.RELAYING, AudioEnded): State.DRAINING,
    (State.DRAINING, SocketSilent): State.CONNECTING,
    (State.DRAINING, SocketLost): State.CONNECTING,  # unless Gladia says that it is over: CLOSED
}


class Session:
    """Decides what one Gladia session needs next."""

    def __init__(
        self,
        request: dict[str, Any],
        *,
        jitter: Callable[[], float],
        backlog_bytes: int = BACKLOG_BYTES,
    ) -> None:
        """`request` opens it; `jitter` returns a number from 0 to 1, so that calls don't all retry at once."""
        self._request = request
        self._jitter = jitter
        self._backlog = Backlog(limit_bytes=backlog_bytes, frame_bytes=request["channels"])
        self._state = State.OPENING
        self._id = ""
        self._url = ""
        self._audio_ended = False
        self._retry_at: float | None = None
        self._give_up_at: float | None = None
        self._silent_at: float | None = None
        self._retries = 0
        self._trouble = ""
        self._stop_is_known = False  # Gladia has said that it was told to stop
        self._sent = 0
        self.reconnects = 0
        self.malformed = 0

    @property
    def state(self) -> State:
        """Where the session stands."""
        return self._state

    @property
    def closed(self) -> bool:
        """Whether nothing more comes of it."""
        return self._state is State.CLOSED

    @property
    def deadline(self) -> float | None:
        """When to say DeadlinePassed; None while there is nothing to wait for."""
        times = [time for time in (self._retry_at, self._give_up_at, self._silent_at) if time is not None]
        return min(times, default=None)

    @property
    def given(self) -> int:
        """Bytes, of all channels, that this session was given to hear."""
        return self._backlog.end

    @property
    def sent(self) -> int:
        """Of these, the bytes that went out on a socket at least once."""
        return self._sent

    @property
    def acknowledged(self) -> int:
        """Of these, the bytes that Gladia says it has."""
        return self._backlog.acknowledged

    def unacknowledged(self) -> bytes:
        """Return the audio that Gladia does not say it has."""
        return self._backlog.unacknowledged()

    def open(self, *, now: float = 0.0, delay_s: float = 0.0) -> list[Effect]:
        """Begin, now or after `delay_s`."""
        if delay_s:
            self._retry_at = now + delay_s
            return []
        return [Open(self._request)]

    def hear(self, audio: bytes, *, now: float) -> list[Effect]:
        """Take more audio, whole samples of every channel."""
        if self.closed:
            return []
        try:
            self._backlog.append(audio)
        except Overloaded as error:
            return self._close(f"gladia is behind: {error}")
        if self._state is not State.RELAYING:
            return []
        self._sent = self._backlog.end
        if self._silent_at is None:
            self._silent_at = now + SILENT_S
        return [Send(audio)]

    def handle(self, event: Event, *, now: float) -> list[Effect]:
        """Return what follows from `event`; events that don't fit the state are ignored."""
        if isinstance(event, Received):
            return self._receive(event.text, now)
        if isinstance(event, DeadlinePassed):
            return self._wake(now)
        if isinstance(event, AudioEnded) and not self._audio_ended:
            self._audio_ended = True
            self._give_up_at = now + DRAIN_S
        after = NEXT.get((self._state, type(event)))
        if after is None:
            return []
        before, self._state = self._state, after
        return self._moved(before, event, now)

    def _moved(self, before: State, event: Event, now: float) -> list[Effect]:
        match event:
            case SessionOpened():
                self._id, self._url = event.id, event.url
                self._retry_at = None
                return [Granted(event.id), Connect(event.url)]
            case OpeningFailed():
                self._trouble = event.reason
                self._retry_later(now)
            case OpeningRefused():
                return self._close(event.reason)
            case SocketOpened():
                return self._resume(now)
            case SocketLost():
                return self._lost(event.code, before, now)
            case SocketSilent():
                self.reconnects += 1
                self._trouble = f"nothing came for {SILENT_S:.0f} s"
                self._retry_later(now)
                return [Disconnect()]
            case AudioEnded() if self._state is State.DRAINING:
                self._await_acknowledgement(now)
                return [Send(gladia.STOP_RECORDING)]
        return []

    def _receive(self, text: str | bytes, now: float) -> list[Effect]:
        # A socket that opens may still be refused at once; only its first message shows that the session lives.
        self._retries = 0
        effects = self._take(text)
        self._await_acknowledgement(now)
        return effects

    def _take(self, text: str | bytes) -> list[Effect]:
        try:
            message = gladia.decode(text)
        except MalformedMessage:
            self.malformed += 1
            return []
        match message:
            case gladia.Acknowledged(end=end):
                self._backlog.acknowledge(end)
            case gladia.Stopping():
                self._stop_is_known = True
            case gladia.Transcript():
                return [Heard(self._id, message)]
        return []

    def _await_acknowledgement(self, now: float) -> None:
        audio_waits = self._backlog.acknowledged < self._sent
        stop_waits = self._state is State.DRAINING and not self._stop_is_known
        is_open = self._state in {State.RELAYING, State.DRAINING}
        self._silent_at = now + SILENT_S if is_open and (audio_waits or stop_waits) else None

    def _resume(self, now: float) -> list[Effect]:
        self._retry_at = None
        audio = self._backlog.unacknowledged()
        channels = self._request["channels"]
        size = PIECE_BYTES - PIECE_BYTES % channels
        effects: list[Effect] = [Send(audio[at : at + size]) for at in range(0, len(audio), size)]
        self._sent = self._backlog.end
        if self._audio_ended:
            self._state = State.DRAINING
            self._stop_is_known = False
            effects.append(Send(gladia.STOP_RECORDING))
        self._await_acknowledgement(now)
        return effects

    def _lost(self, code: int, before: State, now: float) -> list[Effect]:
        if code in _ENDED_CODES:
            if before is State.DRAINING and code == 1000:
                return self._close(None)
            unheard = not self._audio_ended or self._backlog.acknowledged < self._backlog.end
            return self._close(f"gladia ended the session with {code}", may_go_on=unheard)
        self.reconnects += before is not State.CONNECTING
        self._trouble = f"its socket closed with {code}"
        self._retry_later(now)
        return []

    def _wake(self, now: float) -> list[Effect]:
        if self._give_up_at is not None and now >= self._give_up_at:
            return self._close(self._given_up())
        if self._retry_at is not None and now >= self._retry_at:
            self._retry_at = None
            return [Open(self._request) if self._state is State.OPENING else Connect(self._url)]
        if self._silent_at is not None and now >= self._silent_at:
            return self.handle(SocketSilent(), now=now)
        return []

    def _given_up(self) -> str:
        match self._state:
            case State.OPENING:
                return f"gladia granted no session in time: {self._trouble or 'no answer'}"
            case State.CONNECTING:
                return f"gladia's session could not be reached again in time: {self._trouble or 'no answer'}"
            case _:
                return "gladia did not end the session in time"

    def _retry_later(self, now: float) -> None:
        delay_s = min(LAST_RETRY_S, FIRST_RETRY_S * 2**self._retries)
        self._retries = min(self._retries + 1, 10)
        self._silent_at = None
        self._retry_at = now + delay_s * (0.5 + 0.5 * self._jitter())

    def _close(self, failure: str | None, *, may_go_on: bool = False) -> list[Effect]:
        self._state = State.CLOSED
        self._retry_at = self._give_up_at = self._silent_at = None
        return [Disconnect(), Closed(failure, may_go_on)]
