"""What entries of a call's log say of its recording, and of the second pass that is made over it.

Times named `_ms` are milliseconds of media time, as in `callscribe.entries`, which names the kinds.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class RecordingStarted(Struct, frozen=True, kw_only=True):
    """Twilio was asked to record the call, and does."""

    recording: str  # RE…


class RecordingEnded(Struct, frozen=True, kw_only=True):
    """What became of a recording, as Twilio tells."""

    recording: str
    status: Literal["completed", "absent"]  # absent: there is nothing of it, and never will be
    channels: int = 1  # of two, the first is the parent call
    duration_ms: int = 0
    started_at: str = ""  # ISO 8601, in whole seconds


class BatchStarted(Struct, frozen=True, kw_only=True):
    """Gladia has the recording and transcribes it."""

    job: str  # Gladia's id
    recording: str  # RE…, or an address without its query


class Difference(Struct, frozen=True, kw_only=True):
    """How the live words of a party differ from the recording's; rate = (substituted + missing + added) / words."""

    party: str
    language: str = ""  # of the recording, as Gladia heard it; a party that speaks two has two of these
    words: int  # of the recording
    substituted: int
    missing: int  # from the live ones
    added: int  # in the live ones


class BatchReady(Struct, frozen=True, kw_only=True):
    """The recording was transcribed as well: the second pass, and how it differs from what was heard live."""

    job: str  # Gladia's id
    recording: str  # where the audio is from: Twilio's id of the recording, or an address without its query
    transcript: str  # key in the archive's bucket
    differences: tuple[Difference, ...]


class BatchFailed(Struct, frozen=True, kw_only=True):
    """There will be no second pass."""

    reason: str


class LegRepaired(Struct, frozen=True, kw_only=True):
    """A gap was filled from the recording: its words are the utterances named, which are in the log as well."""

    leg: str
    start_ms: int
    end_ms: int
    utterances: tuple[str, ...]  # ids
    recording: str
    job: str
