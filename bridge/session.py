"""One Gladia session, from the request that opens it to its last word. No socket, no clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from bridge import gladia
from bridge.finals import Final
from bridge.gladia_analysis import AddOnFailed, EntitiesHeard, SentimentsHeard
from bridge.patience import Patience
from bridge.session_audio import SessionAudio
from bridge.session_events import (
    Analysed,
    Answered,
    AudioEnded,
    Closed,
    Command,
    Connect,
    DeadlinePassed,
    Disconnect,
    Effect,
    Event,
    Fetch,
    Granted,
    Heard,
    Located,
    Open,
    OpeningFailed,
    OpeningRefused,
    Parted,
    Received,
    Recovered,
    Release,
    ResultAbsent,
    ResultFailed,
    ResultFetched,
    Send,
    SessionCut,
    SessionEnded,
    SessionEndedInDoubt,
    SessionOpened,
    SocketLost,
    SocketOpened,
    SocketReopened,
    SocketSilent,
)
from bridge.session_states import ASKING, CLOSED, CONNECTING, DRAINING, NEXT, OPENING, RECONCILING, RELAYING, State
from callscribe.errors import MalformedMessage
from callscribe.gladia_transcript import Transcript
from callscribe.stored_result import Stored

# Five minutes: longer than any outage that was seen, and 100 such calls still fit a small task.
BACKLOG_S = 300
# After `stop_recording` Gladia was seen to close within 1.1 s; half a minute leaves room for a long last utterance.
DRAIN_S = 30.0
# Gladia acknowledges each chunk at once; a socket on which nothing comes for so long while audio waits for its
# acknowledgement is dead, whatever TCP still believes.
SILENT_S = 5.0
# How long Gladia may take to say where a resumed session stands. Whether it answers an empty chunk is not documented;
# without an answer all that is not acknowledged is sent again.
ANSWER_S = 1.0
# So many sockets may be lost over the question; then it may be the question.
QUESTIONS = 3
# How long the stored result of a session is asked for whose end was not seen: longer than the half minute without audio
# after which Gladia ends one that was never told to stop.
RECONCILE_S = 45.0
# Tuples, as sets would have each member hashed by a call.
_CONNECTED = (RELAYING, DRAINING)
_OVER = (RECONCILING, CLOSED)
# Codes with which Gladia says that there is nothing to come back to; 1001 is its client's own farewell.
_OVER_CODES = frozenset({1000, 1001, *range(4400, 4500)})


class Session:
    """Decides what one Gladia session needs next."""

    def __init__(
        self,
        request: dict[str, Any],
        *,
        jitter: Callable[[], float],
        backlog_bytes: int | None = None,
    ) -> None:
        """`request` opens it; `jitter` returns a number from 0 to 1, so that calls don't all retry at once."""
        self._request = request
        self._patience = Patience(jitter)
        self._audio = SessionAudio(request, limit_bytes=backlog_bytes or gladia.position(BACKLOG_S, request))
        self._state = OPENING
        self._id = ""
        self._url = ""
        self._audio_ended = False
        self._trouble = ""
        self._cut = ""  # why its end was not seen
        self._is_released = False  # its slot was given back
        self._is_ours = True  # opened by this process
        self._unanswered = 0  # sockets that were lost over the question, in a row
        self._stop_was_sent = False
        self._stop_is_known = False  # Gladia has said that it was told to stop
        self.reconnects = 0
        self.malformed = 0

    @classmethod
    def taken_over(
        cls,
        request: dict[str, Any],
        *,
        session_id: str,
        url: str,
        acknowledged: int | None,
        audio: bytes,
        jitter: Callable[[], float],
        backlog_bytes: int | None = None,
    ) -> Self:
        """Return a session that another process opened.

        It was acknowledged `acknowledged` bytes, and `audio` is what follows; None if only Gladia knows, and it will
        say so with Located before any audio may be given to it.
        """
        session = cls(request, jitter=jitter, backlog_bytes=backlog_bytes)
        session._state = CONNECTING
        session._id, session._url = session_id, url
        session._is_ours = False
        session._audio.take_over(audio, acknowledged=acknowledged)
        return session

    @property
    def state(self) -> State:
        """Where the session stands."""
        return self._state

    @property
    def closed(self) -> bool:
        """Whether nothing more comes of it."""
        return self._state is CLOSED

    @property
    def session_id(self) -> str:
        """Gladia's name for it; empty before it is granted."""
        return self._id

    @property
    def url(self) -> str:
        """Where it can be reached: a secret. Empty before it is granted."""
        return self._url

    @property
    def deadline(self) -> float | None:
        """When to say DeadlinePassed; None while there is nothing to wait for."""
        return self._patience.deadline

    @property
    def sent(self) -> int:
        """Position, of all channels, up to which its audio went out on a socket at least once."""
        return self._audio.sent

    @property
    def acknowledged(self) -> int:
        """Position up to which Gladia says that it has the audio."""
        return self._audio.acknowledged

    @property
    def unacknowledged_bytes(self) -> int:
        """How much audio Gladia does not say it has."""
        return self._audio.end - self._audio.acknowledged

    @property
    def is_located(self) -> bool:
        """Whether it may be given audio: not before a session that was taken over is known to stand somewhere."""
        return self._audio.is_located

    def unacknowledged(self, *, since: int = 0) -> bytes:
        """Return the audio from position `since` on that Gladia does not say it has."""
        return self._audio.unacknowledged(since=since)

    def open(self, *, now: float = 0.0, delay_s: float = 0.0) -> list[Effect]:
        """Begin, now or after `delay_s`."""
        if delay_s:
            self._patience.retry_at = now + delay_s
            return []
        if not self._audio.is_located:
            self._patience.give_up_at = now + DRAIN_S
        return [Connect(self._url) if self._url else Open(self._request)]

    def hear(self, audio: bytes, *, now: float) -> list[Effect]:
        """Take more audio, whole samples of every channel; with Parted it was not taken, and is the next session's."""
        if self._audio.is_parted or self._state in _OVER:
            return []
        if not self._audio.has_room(len(audio)):
            return self._give_up_half(now)
        self._audio.append(audio)
        if self._state is not RELAYING:
            return []
        self._audio.send(now)
        if self._patience.answer_by is None:
            self._patience.answer_by = now + SILENT_S
        return [Send(audio)]

    def leave(self) -> list[Command]:
        """Let go of the session, which another process goes on with, and whose slot it keeps."""
        if self.closed:
            return []
        self._state = CLOSED
        self._patience.end()
        return [Disconnect()]

    def handle(self, event: Event, *, now: float) -> list[Effect]:
        """Return what follows from `event`; events that don't fit the state are ignored."""
        if isinstance(event, Received):
            return self._receive(event.text, now)
        if isinstance(event, DeadlinePassed):
            return self._wake(now)
        event = self._judged(event)
        after = NEXT.get((self._state, type(event)))
        if after is None:
            return []
        if isinstance(event, AudioEnded) and not self._audio_ended:
            self._audio_ended = True
            self._patience.give_up_at = now + DRAIN_S
        before, self._state = self._state, after
        return self._moved(before, event, now)

    def _judged(self, event: Event) -> Event:
        """Return what a socket's opening or closing means for the session."""
        if isinstance(event, SocketOpened) and self._unanswered < QUESTIONS and self._audio.is_uncertain:
            return SocketReopened()
        if isinstance(event, SocketLost) and event.code in _OVER_CODES:
            if event.code == 1000 and self._state is DRAINING:
                return SessionEnded() if self._is_ours and not self.reconnects else SessionEndedInDoubt()
            return SessionCut(f"gladia ended the session with {event.code}")
        return event

    def _moved(self, before: State, event: Event, now: float) -> list[Effect]:
        match event:
            case SessionOpened():
                self._id, self._url = event.id, event.url
                self._patience.retry_at = None
                return [Granted(event.id), Connect(event.url)]
            case OpeningFailed():
                self._trouble = event.reason
                self._patience.try_later(now)
            case SocketReopened():
                self._patience.retry_at = None
                self._patience.answer_by = now + ANSWER_S
                return [Send(gladia.EMPTY_CHUNK)]
            case SocketOpened() | Answered():
                return self._resume(now)
            case SocketLost():
                self._unanswered += before is ASKING
                self.reconnects += before is not CONNECTING
                self._trouble = f"its socket closed with {event.code}"
                self._patience.try_later(now)
            case SocketSilent():
                self.reconnects += 1
                self._trouble = f"nothing came for {SILENT_S:.0f} s"
                self._patience.try_later(now)
                return [Disconnect()]
            case AudioEnded() if self._state is DRAINING:
                return self._stop(now)
            case _:
                return self._over(event, now)
        return []

    def _over(self, event: Event, now: float) -> list[Effect]:
        match event:
            case SessionEnded():
                return self._close(None)
            case SessionEndedInDoubt():
                return self._look_up("", now)
            case SessionCut():
                return self._look_up(event.reason, now)
            case OpeningRefused():
                return self._close(event.reason)
            case ResultFetched():
                return self._reconcile(event.stored, now)
            case ResultFailed():
                self._trouble = event.reason
                self._patience.try_later(now)
            case ResultAbsent():
                return self._in_vain(event.reason)
            case _:
                pass
        return []

    def _receive(self, text: str | bytes, now: float) -> list[Effect]:
        # A socket that opens may still be refused at once; only its first message shows that the session lives.
        self._patience.restore()
        effects = self._take(text, now) + self._certain(now)
        if self._state is not ASKING:
            self._await_acknowledgement(now)
        return effects

    def _take(self, text: str | bytes, now: float) -> list[Effect]:
        try:
            message = gladia.decode(text)
        except MalformedMessage:
            self.malformed += 1
            return []
        match message:
            case gladia.Acknowledged() if message.is_empty:
                return self._locate(message.start, now)
            case gladia.Acknowledged(end=end):
                self._audio.acknowledge(end, now=now)
            case gladia.NotTaken(reason=reason):
                return self._refused(reason, now)
            case gladia.Stopping():
                self._stop_is_known = True
            case Transcript(is_final=False):
                return [Heard(self._id, message)]
            case Transcript() | EntitiesHeard() | SentimentsHeard():
                self._audio.recognise(message)
            case AddOnFailed():
                return [Analysed(self._id, message)]
        return []

    def _certain(self, now: float) -> list[Effect]:
        """Return the finals of which it is certain where they were said."""
        finals = self._audio.rest() if self._state in _OVER else self._audio.certain(now=now, patience_s=SILENT_S)
        return self._heard(finals) if finals else []

    def _heard(self, finals: list[Final]) -> list[Effect]:
        return [
            Heard(self._id, final) if isinstance(final, Transcript) else Analysed(self._id, final) for final in finals
        ]

    def _locate(self, position: int, now: float) -> list[Effect]:
        """Take Gladia's word for how far the session's audio goes."""
        if self._state is not ASKING:
            return []  # the answer came late; what it says is past
        self._unanswered = 0
        effects: list[Effect] = []
        was_located = self._audio.is_located
        self._audio.locate(position)
        if not was_located:
            self._patience.give_up_at = None
            effects.append(Located(self._audio.end))
        return effects + self.handle(Answered(), now=now)

    def _refused(self, reason: str, now: float) -> list[Effect]:
        """Audio was not taken. What it was sent after that stands in the wrong place, so another session hears it."""
        if self._state is ASKING:
            if self._stop_was_sent:
                # It takes no more audio because it was told to stop, after all of it.
                self._audio.acknowledge_sent()
            return self.handle(Answered(), now=now) if self._audio.is_located else self._part_unlocated(reason, now)
        if self._audio.is_parted or self._stop_is_known or self._state not in _CONNECTED:
            return []
        parted = self._part(f"gladia did not take audio: {reason}")
        return [*parted, *self.handle(AudioEnded(), now=now)]

    def _part(self, reason: str) -> list[Effect]:
        """Leave what is not acknowledged to another session, if there is anything or more may come."""
        audio = self._audio
        if audio.is_parted or (self._audio_ended and audio.acknowledged >= audio.end):
            return []
        audio.is_parted = True
        return [Parted(audio.acknowledged, audio.acknowledged, reason)]

    def _part_unlocated(self, reason: str, now: float) -> list[Effect]:
        self._audio.is_located = True
        return self.handle(SessionCut(f"gladia does not say where the session stands: {reason}"), now=now)

    def _give_up_half(self, now: float) -> list[Effect]:
        """Part with the session that has been out of reach for too long, keeping the newer half of its audio."""
        # Dropping a part and going on in the same session would shift all that follows.
        self._audio.is_parted = True
        reason = f"gladia did not take audio for too long: {self._trouble or 'no acknowledgement'}"
        parted = Parted(self._audio.acknowledged, self._audio.middle, reason)
        if self._state is OPENING:
            return [parted, *self._close(None)]
        if (self._state, SessionCut) in NEXT:
            return [parted, *self.handle(SessionCut(reason), now=now)]
        return [parted]

    def _await_acknowledgement(self, now: float) -> None:
        audio_waits = self._audio.acknowledged < self._audio.sent and not self._audio.is_parted
        stop_waits = self._state is DRAINING and not self._stop_is_known
        is_open = self._state in _CONNECTED
        self._patience.answer_by = now + SILENT_S if is_open and (audio_waits or stop_waits) else None

    def _resume(self, now: float) -> list[Effect]:
        self._patience.retry_at = None
        effects: list[Effect] = [Send(piece) for piece in self._audio.pieces()]
        self._audio.send(now)
        if self._audio_ended:
            self._state = DRAINING
            return [*effects, *self._stop(now)]
        self._await_acknowledgement(now)
        return effects

    def _stop(self, now: float) -> list[Effect]:
        self._stop_was_sent = True
        self._stop_is_known = False
        self._await_acknowledgement(now)
        return [Send(gladia.STOP_RECORDING)]

    def _look_up(self, reason: str, now: float) -> list[Effect]:
        """Ask for what Gladia has stored; `reason` says why the end was not seen, empty if it was."""
        self._cut = reason
        heard = self._heard(self._audio.settle())
        self._patience.restore()
        self._patience.answer_by = self._patience.retry_at = None
        self._patience.give_up_at = now + RECONCILE_S
        # In mid-call another session goes on at once. After the end the result may tell that there is nothing left.
        parted = [] if self._audio_ended else self._part(reason)
        effects = [*heard, Disconnect(), *self._release(), *parted]
        heard_nothing = not (self._audio.acknowledged if self._audio.is_parted else self._audio.sent)
        if self._is_ours and heard_nothing:
            return [*effects, *self._part(reason), *self._close(None)]
        return [*effects, Fetch(self._id)]

    def _reconcile(self, stored: Stored, now: float) -> list[Effect]:
        if not stored.settled:
            self._state = RECONCILING
            self._trouble = f"gladia is still {stored.status}"
            self._patience.try_later(now)
            return []
        if stored.status == "error":
            return [Recovered(self._id, stored), *self._in_vain("gladia has no result of it")]
        if stored.audio_s is not None and self._audio_ended:
            self._audio.acknowledge(gladia.position(stored.audio_s, self._request), now=now)
        return [Recovered(self._id, stored), *self._part(self._cut), *self._close(None)]

    def _in_vain(self, trouble: str) -> list[Effect]:
        """Close without the stored result. If the end was seen, there may be nothing in it that was not heard."""
        failure = f"{self._cut}; {trouble}" if self._cut else None
        self._state = CLOSED
        return [*self._part(self._cut), *self._close(failure)]

    def _wake(self, now: float) -> list[Effect]:
        if self._patience.give_up_at is not None and now >= self._patience.give_up_at:
            return self._out_of_time(now)
        if self._patience.retry_at is not None and now >= self._patience.retry_at:
            self._patience.retry_at = None
            return [self._next_try()]
        if self._patience.answer_by is not None and now >= self._patience.answer_by:
            self._patience.answer_by = None
            if self._state is not ASKING:
                return self.handle(SocketSilent(), now=now)
            if not self._audio.is_located:
                return self._part_unlocated("no answer", now)
            return self.handle(Answered(), now=now)
        return []

    def _next_try(self) -> Effect:
        match self._state:
            case State.OPENING:
                return Open(self._request)
            case State.RECONCILING:
                return Fetch(self._id)
            case _:
                return Connect(self._url)

    def _out_of_time(self, now: float) -> list[Effect]:
        trouble = self._trouble or "no answer"
        match self._state:
            case State.OPENING:
                return self._close(f"gladia granted no session in time: {trouble}")
            case State.RECONCILING:
                return self._in_vain(f"its stored result can't be had: {trouble}")
            case State.CONNECTING:
                reason = f"gladia's session could not be reached again in time: {trouble}"
            case _:
                reason = "gladia did not end the session in time"
        return self.handle(SessionCut(reason), now=now)

    def _close(self, failure: str | None) -> list[Effect]:
        self._state = CLOSED
        self._patience.end()
        disconnected: list[Effect] = [] if self._is_released else [Disconnect()]
        return [*self._heard(self._audio.rest()), *disconnected, *self._release(), Closed(failure)]

    def _release(self) -> list[Effect]:
        if self._is_released:
            return []
        self._is_released = True
        return [Release()]
