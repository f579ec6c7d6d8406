"""What happens in a simulated call, as it happens: for a display, or for a test that waits for it."""

from dataclasses import dataclass

from local.twilio.admission import Track
from local.twilio.problems import Problem


@dataclass(frozen=True, slots=True)
class Ringing:
    """The call has begun; its voice webhook is being asked what to do."""

    call_sid: str


@dataclass(frozen=True, slots=True)
class WebhookAnswered:
    """A webhook or callback was answered with a status of 200 to 299."""

    call_sid: str
    kind: str  # voice, redirect, dial action, stream-started, stream-stopped, stream-error, completed
    status: int
    verbs: tuple[str, ...]  # of the TwiML, in order; empty for callbacks


@dataclass(frozen=True, slots=True)
class WebhookFailed:
    """A webhook or callback wasn't answered, or with another status; for TwiML this ends the call."""

    call_sid: str
    kind: str
    status: int | None
    problem: Problem


@dataclass(frozen=True, slots=True)
class StreamOpened:
    """A media stream's upgrade was accepted."""

    call_sid: str
    stream_sid: str
    name: str | None
    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class StreamFailed:
    """A media stream wasn't started, was refused, or broke; the call goes on without it."""

    call_sid: str
    stream_sid: str
    name: str | None
    status: int | None  # of the answer to the upgrade, if there was one
    problem: Problem


@dataclass(frozen=True, slots=True)
class StreamStopped:
    """A media stream ended as it should."""

    call_sid: str
    stream_sid: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Saying:
    """Twilio speaks to the caller."""

    call_sid: str
    text: str


@dataclass(frozen=True, slots=True)
class Pausing:
    """Twilio waits."""

    call_sid: str
    length_s: int


@dataclass(frozen=True, slots=True)
class Dialled:
    """The callee has answered, and both parties speak."""

    call_sid: str
    destinations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DialEnded:
    """The callee has hung up."""

    call_sid: str
    duration_s: int


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that Twilio's debugger would show and that changes nothing else."""

    call_sid: str
    problem: Problem


@dataclass(frozen=True, slots=True)
class HungUp:
    """The call is over; media streams and callbacks are about to end."""

    call_sid: str
    duration_s: int


StreamEvent = StreamOpened | StreamFailed | StreamStopped
CallEvent = (
    Ringing | WebhookAnswered | WebhookFailed | StreamEvent | Saying | Pausing | Dialled | DialEnded | Warned | HungUp
)
