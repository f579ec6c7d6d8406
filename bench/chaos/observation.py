"""What one call came to, as each side saw it: the carrier, Gladia, the log. Values alone; a judge needs no more.

Media time is in milliseconds: of a media stream since its first frame, of the call since its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from callscribe.entries import Entry
from local.twilio.faults import Script
from local.twilio.spans import Span


@dataclass(frozen=True, slots=True)
class StreamSeen:
    """A media stream as the carrier knows it."""

    media_stream: str
    starts_ms: int  # of its first frame, in the call's media time
    delivered: Mapping[str, tuple[Span, ...]]  # by track; what was sent, in the stream's media time
    undelivered: Mapping[str, tuple[Span, ...]]  # what was not, as timestamps show it, less the first one
    bytes_sent: Mapping[str, int]
    script: Script = ()  # the faults that came to pass


@dataclass(frozen=True, slots=True)
class SessionSeen:
    """A session as Gladia knows it."""

    session_id: str
    media_stream: str
    channels: tuple[bytes, ...]  # all audio that was taken
    finals: tuple[str, ...]  # the texts of all channels, said or stored
    ended: bool  # so that there is a stored result
    refused_bytes: int = 0  # of all channels, left untaken with a negative acknowledgement
    was_cut: bool = False  # closed in mid-call with a code that says that there is nothing to come back to


@dataclass(frozen=True, slots=True)
class Written:
    """One put of a log's entry; two of one number would be a change of what never changes."""

    token: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class Observation:
    """One call."""

    number: int
    call_id: str
    streams: tuple[StreamSeen, ...]
    sessions: tuple[SessionSeen, ...]  # in the order in which they were opened
    log: tuple[Written, ...]  # in the order in which it was written
    settled: bool  # whether every leg came to its end in time
    seconds: float = 0.0  # from the first webhook to the last entry
    faults: Mapping[str, int] = field(default_factory=dict)  # what struck, by kind
    story: tuple[str, ...] = ()  # what struck Gladia's sessions, in its order, for people
    trouble: tuple[str, ...] = ()  # what went wrong in the harness's own eyes
