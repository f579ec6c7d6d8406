"""Between a session and its socket: does to it what a plan of faults has for it, and nothing if there is none."""

import base64
import binascii
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from local.gladia import messages
from local.gladia.effects import Close, Drop, Effect, Finish, Freeze, Later, Listen, Send, Take
from local.gladia.faults import (
    AcknowledgementsInclusive,
    AcknowledgementsMissing,
    AcknowledgementsNegative,
    AcknowledgementsSlow,
    AddOnFailed,
    Closed,
    Dropped,
    EndLate,
    EndOfSocket,
    Fault,
    FinalsRepeated,
    HalfOpen,
    MessageHuge,
    MessageMalformed,
    OddMessage,
    SocketFault,
)
from local.gladia.recogniser import Heard
from local.gladia.session import Phase, Session
from local.gladia.withheld import Withheld

TOO_LONG = 1009
_ACKNOWLEDGEMENTS = ("audio_chunk", "stop_recording")


class Interference:
    """The session as its socket meets it. `struck` is told each fault as it strikes."""

    def __init__(self, session: Session, faults: Sequence[Fault], struck: Callable[[Fault], None]) -> None:
        self._session = session
        self._struck = struck
        self._coming = [fault for fault in faults if isinstance(fault, SocketFault)]
        self._late_end = next((fault for fault in faults if isinstance(fault, EndLate)), None)
        self._failing = [fault for fault in faults if isinstance(fault, AddOnFailed)]
        self._results: Counter[str] = Counter()  # of each add-on
        session.analysis.fails = self._add_on_fails
        self._is_absent = not faults  # so that nobody pays for looking into messages
        self._connections = 0
        self._messages = 0
        self._slow_s: float | None = None
        self._missing: float = 0  # acknowledgements still to be left out; infinity for all
        self._is_always_answered = False  # an empty chunk, which only asks for the position, or one that was refused
        self._negative: float = 0
        self._is_inclusive = False
        self._withheld = Withheld(session)

    def connect(self, *, now: float) -> list[Effect]:
        """Take a socket into use."""
        effects = self._session.connect()
        if self._session.phase is Phase.ENDED:
            return effects
        self._connections += 1
        odd, end = self._strike({"connect": self._connections}, now=now)
        return [*self._alter(effects), *odd, *self._end_socket(end, now=now)]

    def disconnect(self, code: int | None, *, now: float) -> list[Effect]:
        """Go on without a socket."""
        return [*self._withheld.take_all(now=now), *self._alter(self._session.disconnect(code))]

    def receive(self, message: bytes | str, *, now: float) -> list[Effect]:
        """Take a message of the client, or do not."""
        if self._is_absent:
            return self._session.receive(message, now=now)
        self._messages += 1
        audio_bytes, is_stop = _look(message)
        moments = {"messages": self._messages}
        if audio_bytes is not None:
            moments["audio"] = self._session.received_bytes + self._withheld.audio_bytes + audio_bytes
        if is_stop:
            moments["stop"] = 0
        odd, end = self._strike(moments, now=now)
        if end is not None and (end.discards or not end.taken):
            return [*odd, *self._end_socket(end, now=now)]
        if end is None and audio_bytes is not None and self._is_withheld():
            return [*odd, *self._withhold(message, audio_bytes)]
        before = self._on_time(self._withheld.take_all(now=now))
        is_refused = self._refuses(audio_bytes)
        if is_refused:
            effects = self._session.turn_away(audio_bytes or 0, now=now)
        else:
            effects = self._session.receive(message, now=now)
        if end is not None:
            effects = [each for each in effects if not (isinstance(each, Send) and each.kind in _ACKNOWLEDGEMENTS)]
        elif is_stop:
            more, end = self._strike({"stopped": 0}, now=now)
            odd += more
        # The socket ends before any ear hears of the message: its words find the socket gone.
        # Only what was taken can be taken without a word.
        self._is_always_answered = audio_bytes == 0 or is_refused
        first, last = _parted(self._alter(effects))
        closing, finish = _parted(self._end_socket(end, now=now))
        return [*before, *first, *odd, *closing, *last, *finish]

    def heard(self, channel: int, heard: Heard, *, now: float) -> list[Effect]:
        """Take what the ear of `channel` tells."""
        effects = self._session.heard(channel, heard, now=now)
        late = self._late_end
        if late is None or late.what != "close" or self._session.phase is not Phase.ENDED:
            return self._alter(effects)
        return [each for effect in effects for each in (self._late(effect) if isinstance(effect, Close) else [effect])]

    def take(self, *, now: float) -> list[Effect]:
        """Let the session have the oldest audio that was withheld from it, as its acknowledgement is due."""
        return self._on_time(self._withheld.take(now=now))

    def tick(self, *, now: float) -> list[Effect]:
        """Let the session see what time it is."""
        return self._alter(self._session.tick(now=now))

    def _is_withheld(self) -> bool:
        """Tell whether audio that comes now may be discarded by a drop before it is acknowledged."""
        may_be_discarded = any(isinstance(fault, EndOfSocket) and fault.discards for fault in self._coming)
        return may_be_discarded and (self._slow_s is not None or self._missing > 0)

    def _refuses(self, audio_bytes: int | None) -> bool:
        """Tell whether audio that comes now is refused; one refusal less is due after it."""
        is_refused = bool(audio_bytes) and self._negative > 0
        self._negative -= is_refused
        return is_refused

    def _add_on_fails(self, add_on: str) -> bool:
        """Tell whether the next result of an add-on is an error."""
        self._results[add_on] += 1
        for fault in self._failing:
            if fault.add_on == add_on and fault.strikes(self._results[add_on]):
                self._struck(fault)
                return True
        return False

    @property
    def _leaves_out(self) -> bool:
        """Whether an answer to audio is left out now; to what is always answered only if all are."""
        return self._missing > 0 and not (self._is_always_answered and self._missing < float("inf"))

    def _withhold(self, message: bytes | str, audio_bytes: int) -> list[Effect]:
        is_refused = self._refuses(audio_bytes)
        self._is_always_answered = audio_bytes == 0 or is_refused
        is_acknowledged = not self._leaves_out
        self._missing -= not is_acknowledged
        self._withheld.put(message, audio_bytes, is_acknowledged=is_acknowledged, is_refused=is_refused)
        return [Later(Take(), self._slow_s or 0.0)] if is_acknowledged else []

    def _strike(self, moments: dict[str, int], *, now: float) -> tuple[list[Effect], EndOfSocket | None]:
        """Let what is due strike, up to an end of the socket; return the odd messages it brings, and that end."""
        odd: list[Effect] = []
        for fault in tuple(self._coming):
            if fault.at not in moments or moments[fault.at] < fault.count:
                continue
            self._coming.remove(fault)
            self._struck(fault)
            match fault:
                case Dropped() | Closed() | HalfOpen():
                    return odd, fault
                case AcknowledgementsSlow(delay_s=delay_s):
                    self._slow_s = delay_s
                case AcknowledgementsMissing(messages=count):
                    self._missing += float("inf") if count is None else count
                case AcknowledgementsNegative(messages=count):
                    self._negative += float("inf") if count is None else count
                case AcknowledgementsInclusive():
                    self._is_inclusive = True
                case FinalsRepeated() | MessageHuge() | MessageMalformed():
                    odd += self._odd(fault, now=now)
        return odd, None

    def _end_socket(self, fault: EndOfSocket | None, *, now: float) -> list[Effect]:
        if fault is None:
            return []
        if fault.discards:
            self._withheld.discard()
        taken = self._on_time(self._withheld.take_all(now=now))
        match fault:
            case Dropped():
                return [*taken, Drop()]
            case Closed(code=code, reason=reason, ends=ends):
                if code == TOO_LONG:
                    self._session.too_long += 1
                rest = self._alter(self._session.disconnect(1000)) if ends else []
                return [*taken, Close(code, reason), *rest]
            case HalfOpen(meanwhile=meanwhile):
                return [*taken, Freeze(meanwhile)]

    def _odd(self, fault: OddMessage, *, now: float) -> list[Effect]:
        session_id, moment = self._session.session_id, messages.timestamp(now)
        match fault:
            case FinalsRepeated(finals=count):
                finals = [text for text in self._session.messages if _is_final(text)]
                return [Send(text, "transcript") for text in finals[-count:]]
            case MessageHuge(size_bytes=size_bytes):
                summary = {"results": "x" * size_bytes}
                return [_send(messages.AddOn("post_summarization", session_id, moment, data=summary))]
            case MessageMalformed(how="not_json"):
                return [Send('{"type": "transcript", "data": {"id": "00_0', "")]
            case MessageMalformed(how="wrong_shape"):
                return [_send(messages.DataEvent("transcript", session_id, moment, {"id": 7, "is_final": "yes"}))]
            case MessageMalformed():
                return [_send(messages.DataEvent("weather_report", session_id, moment, {"sky": "clear"}))]

    def _alter(self, effects: Iterable[Effect]) -> list[Effect]:
        """Return `effects` with their acknowledgements, and the end of the audio, as the faults want them."""
        altered: list[Effect] = []
        for effect in effects:
            match effect:
                case Finish() if self._late_end is not None and self._late_end.what == "results":
                    altered += self._late(effect)
                case Send(kind=kind) if kind in _ACKNOWLEDGEMENTS:
                    altered += self._alter_acknowledgement(effect)
                case _:
                    altered.append(effect)
        return altered

    def _alter_acknowledgement(self, effect: Send) -> list[Effect]:
        if effect.kind == "audio_chunk" and self._leaves_out:
            self._missing -= 1
            return []
        effect = self._positioned(effect)
        return [effect] if self._slow_s is None else [Later(effect, self._slow_s)]

    def _on_time(self, effects: Sequence[Effect]) -> list[Effect]:
        """Return `effects` with their acknowledgements as the faults want them, but for their time."""
        return [self._positioned(each) if isinstance(each, Send) else each for each in effects]

    def _positioned(self, effect: Send) -> Send:
        is_other = self._is_inclusive and effect.kind == "audio_chunk"
        return Send(_inclusive(effect.text), effect.kind) if is_other else effect

    def _late(self, effect: Close | Finish) -> list[Effect]:
        late = self._late_end
        if late is None:
            return [effect]
        self._struck(late)
        return [] if late.delay_s is None else [Later(effect, late.delay_s)]


class _Said(msgspec.Struct, frozen=True):
    """As much of a message as has to be looked at."""

    type: str = ""
    data: Any = None


_said = msgspec.json.Decoder(_Said)


def _look(message: bytes | str) -> tuple[int | None, bool]:
    """Return how many bytes of audio a message of the client brings, None if it is none, and whether it is the stop."""
    if isinstance(message, bytes):
        return len(message), False
    try:
        said = _said.decode(message)
    except (msgspec.DecodeError, RecursionError):
        return None, False
    match said:
        case _Said(type="audio_chunk", data={"chunk": str(chunk)}):
            try:
                return len(base64.b64decode(chunk, validate=True)), False
            except (binascii.Error, ValueError):
                return None, False
    return None, said.type == "stop_recording"


def _parted(effects: Iterable[Effect]) -> tuple[list[Effect], list[Effect]]:
    """Return what is for the socket, and what is for the ears."""
    first: list[Effect] = []
    last: list[Effect] = []
    for effect in effects:
        inner = effect.effect if isinstance(effect, Later) else effect
        (last if isinstance(inner, Listen | Finish) else first).append(effect)
    return first, last


def _is_final(text: str) -> bool:
    said = _said.decode(text)
    return said.type == "transcript" and bool(said.data["is_final"])


def _inclusive(text: str) -> str:
    """Return an acknowledgement of audio with the position of its last byte; one that has none as it is."""
    acknowledgement = msgspec.json.decode(text)
    if acknowledgement["data"] is not None:
        start, end = acknowledgement["data"]["byte_range"]
        acknowledgement["data"]["byte_range"] = [start, max(start, end - 1)]
    return msgspec.json.encode(acknowledgement).decode()


def _send(message: messages.Message) -> Send:
    return Send(msgspec.json.encode(message).decode(), message.type)
