"""The entries of a call's log: everything that happens in a call is one of these, numbered from 1.

Entries are immutable. Times named `_ms` are milliseconds of media time since the call's first frame, whichever
party spoke; `at` is the wall clock of the process that wrote the entry, ISO 8601 in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct, field

from callscribe.after_call import (
    Analytics,
    Card,
    Chapters,
    Entities,
    Sentiment,
    Summary,
    TranscriptReady,
)
from callscribe.decoding import NO_MESSAGE
from callscribe.errors import MalformedMessage
from callscribe.second_pass import (
    BatchFailed,
    BatchReady,
    BatchStarted,
    LegRepaired,
    RecordingEnded,
    RecordingStarted,
)

TWILIO = "twilio"  # a provider; others are named by the dialects of their trunks


class CallStarted(Struct, frozen=True, kw_only=True):
    """The call exists, and these settings are in force for all of it."""

    provider: str
    direction: str
    account: str
    from_number: str = field(name="from")
    to_number: str = field(name="to")
    metadata: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    clock_at: str = ""  # when the call's clock began, as `at`; where it is not told, with its first leg


class LegStarted(Struct, frozen=True, kw_only=True):
    """One party's audio began to arrive, and goes to this channel of this Gladia session."""

    leg: str
    party: str  # caller, callee, agent … as the settings name the track
    track: str  # inbound, outbound
    codec: str  # mulaw/8000
    media_stream: str
    session: str
    channel: int
    offset_ms: int  # of the media stream's first frame on the call's clock; 0 for the first one
    session_begin_ms: int | None = None  # where the session's audio begins on it; unknown in logs of older versions


class Word(Struct, frozen=True, array_like=True):
    """One word: its text as Gladia spells it, with the space before it where there is one."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float


class Utterance(Struct, frozen=True, kw_only=True):
    """What one party said in one breath; final."""

    leg: str
    id: str  # Gladia's session id and utterance id: said once, whatever is repeated
    text: str
    start_ms: int
    end_ms: int
    language: str
    confidence: float
    words: tuple[Word, ...]


class Dtmf(Struct, frozen=True, kw_only=True):
    """A key was pressed."""

    leg: str
    digit: str
    at_ms: int


class LegGap(Struct, frozen=True, kw_only=True):
    """Audio that never came; the transcript may miss words here."""

    leg: str
    start_ms: int
    end_ms: int
    cause: str


class Ledger(Struct, frozen=True, kw_only=True):
    """Where each byte of one leg went; 8 bytes are a millisecond at 8000 Hz mu-law.

    `heard + filled == sent + dropped + unsent` always; a leg is complete when all that was heard was acknowledged.
    """

    heard: int  # delivered by the carrier
    filled: int = 0  # silence put where the carrier delivered nothing
    dropped: int = 0  # too late to be placed, or repeated
    sent: int = 0  # given to Gladia, silence included
    acknowledged: int = 0  # of what was sent
    unsent: int = 0  # kept, but Gladia could not be given it

    @property
    def was_taken(self) -> bool:
        """Whether Gladia has acknowledged all that was heard and filled, but for what was dropped."""
        return self.unsent == 0 and self.acknowledged == self.sent


class LegEnded(Struct, frozen=True, kw_only=True):
    """One party's audio is over and all its words are in the log."""

    leg: str
    ledger: Ledger
    sessions: int
    reconnects: int


class CallEnded(Struct, frozen=True, kw_only=True):
    """The phone call is over; finals of its last words may still follow."""

    reason: str
    duration_ms: int


class CallFailed(Struct, frozen=True, kw_only=True):
    """Transcribing failed, the phone call did not: what went wrong and what was kept."""

    reason: str
    kept: str


class SessionWaiting(Struct, frozen=True, kw_only=True):
    """All sessions that Gladia's plan allows are in use; the audio is kept until one is free."""

    media_stream: str
    taken: int  # sessions in use


class BatchWanted(Struct, frozen=True, kw_only=True):
    """This was not transcribed live, and is to be transcribed from the recording."""

    media_stream: str
    reason: str


class Other(Struct, frozen=True, kw_only=True):
    """An entry of a kind that this version does not know, kept as it is."""

    kind: str
    fields: dict[str, Any]


Body: TypeAlias = (
    CallStarted
    | LegStarted
    | Utterance
    | Dtmf
    | LegGap
    | LegEnded
    | CallEnded
    | CallFailed
    | SessionWaiting
    | BatchWanted
    | Entities
    | Sentiment
    | Card
    | Summary
    | Chapters
    | Analytics
    | TranscriptReady
    | RecordingStarted
    | RecordingEnded
    | BatchStarted
    | BatchReady
    | BatchFailed
    | LegRepaired
    | Other
)

KINDS: dict[str, type[Body]] = {
    "call.started": CallStarted,
    "leg.started": LegStarted,
    "utterance": Utterance,
    "dtmf": Dtmf,
    "leg.gap": LegGap,
    "leg.ended": LegEnded,
    "call.ended": CallEnded,
    "call.failed": CallFailed,
    "session.waiting": SessionWaiting,
    "batch.wanted": BatchWanted,
    "entities": Entities,
    "sentiment": Sentiment,
    "card": Card,
    "summary": Summary,
    "chapters": Chapters,
    "analytics": Analytics,
    "transcript.ready": TranscriptReady,
    "recording.started": RecordingStarted,
    "recording.ended": RecordingEnded,
    "batch.started": BatchStarted,
    "batch.ready": BatchReady,
    "batch.failed": BatchFailed,
    "leg.repaired": LegRepaired,
}
_KIND_OF = {body: kind for kind, body in KINDS.items()}
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {kind: msgspec.json.Decoder(body) for kind, body in KINDS.items()}


@dataclass(frozen=True, slots=True)
class Entry:
    """One numbered fact of one call."""

    call_id: str
    seq: int
    at: str
    tenant: str
    body: Body

    @property
    def kind(self) -> str:
        """The name of its kind, such as `utterance` or `leg.gap`."""
        return kind_of(self.body)


def kind_of(body: Body) -> str:
    """Return the name under which `body` stands in the log."""
    return body.kind if isinstance(body, Other) else _KIND_OF[type(body)]


def encode_body(body: Body) -> bytes:
    """Return `body` as the JSON that stands in the table and goes to clients."""
    return msgspec.json.encode(body.fields if isinstance(body, Other) else body)


def decode_body(kind: str, text: str | bytes) -> Body:
    """Return the body of an entry of `kind`; a kind not known here comes back as `Other`.

    Raises MalformedMessage if `text` isn't JSON of that kind's shape.
    """
    if kind not in _DECODERS:
        return decode_other(kind, text)
    try:
        body: Body = _DECODERS[kind].decode(text)
    except NO_MESSAGE as error:
        raise MalformedMessage(f"entry {kind}: {error}", kind="entry") from error
    return body


def decode_other(kind: str, text: str | bytes) -> Other:
    """Return the body of an entry of `kind` as it is. Raises MalformedMessage if `text` isn't a JSON object."""
    try:
        return Other(kind=kind, fields=msgspec.json.decode(text, type=dict[str, Any]))
    except NO_MESSAGE as error:
        raise MalformedMessage(f"entry {kind}: {error}", kind="entry") from error


def timestamp(moment: datetime) -> str:
    """Return `moment` as entries write it: `2026-11-22T09:15:02.417Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
