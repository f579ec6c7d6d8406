"""A job of Gladia's as its HTTP API tells of it, live or pre-recorded: the same envelope around what was heard.

Source: Gladia's OpenAPI document, `StreamingResponse`, `PreRecordedResponse`.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct

from callscribe.decoding import NOT_DECODABLE
from callscribe.errors import MalformedMessage
from callscribe.gladia_transcript import Seconds

Status = Literal["queued", "processing", "done", "error"]


class _Transcription(Struct, frozen=True):
    utterances: list[Raw] | None = None


class _Metadata(Struct, frozen=True):
    audio_duration: Seconds | None = None
    number_of_distinct_channels: int = 1


class _Result(Struct, frozen=True):
    metadata: _Metadata | None = None
    transcription: _Transcription | None = None
    messages: list[Any] | None = None
    summarization: Any = None  # an add-on that is not as it should be costs no words


class Job(Struct, frozen=True):
    """How far a job is, and what has come of it."""

    status: Status
    result: _Result | None = None
    error_code: int | None = None

    @property
    def audio_s(self) -> float | None:
        """How much audio it was about; None if the result doesn't tell."""
        return self.result.metadata.audio_duration if self.result and self.result.metadata else None

    @property
    def channels(self) -> int:
        """On how many channels it was."""
        return self.result.metadata.number_of_distinct_channels if self.result and self.result.metadata else 1

    @property
    def utterances(self) -> list[Raw]:
        """What was said, each still JSON, so that one that makes no sense costs no other."""
        transcription = self.result.transcription if self.result else None
        return (transcription.utterances if transcription else None) or []

    @property
    def messages(self) -> list[Any]:
        """The messages of a live session's socket: strings, each one of them as JSON."""
        return (self.result.messages if self.result else None) or []

    @property
    def summary(self) -> str:
        """What was said in a few sentences; blank if there is none."""
        match self.result and self.result.summarization:
            case {"results": str(text)}:
                return text.strip()
        return ""


_job = msgspec.json.Decoder(Job)


def decode_job(body: bytes) -> Job:
    """Return the job in the answer `body`. Raises MalformedMessage if it isn't JSON of its shape."""
    try:
        return _job.decode(body)
    except NOT_DECODABLE as error:
        raise MalformedMessage(f"gladia: {error}", kind="gladia") from error
