"""What the server says on the socket, field by field.

Source: Gladia, OpenAPI document, `Live…Message` schemas; AsyncAPI document, "Live". Times are seconds since the
session's audio began.
"""

from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from local.gladia.recogniser import Spoken

# The field of `messages_config` that lets a type through; transcripts have two and are looked at where they are made.
SWITCHES = {
    "audio_chunk": "receive_acknowledgments",
    "stop_recording": "receive_acknowledgments",
    "start_session": "receive_lifecycle_events",
    "start_recording": "receive_lifecycle_events",
    "end_recording": "receive_lifecycle_events",
    "end_session": "receive_lifecycle_events",
    "speech_start": "receive_speech_events",
    "speech_end": "receive_speech_events",
    "translation": "receive_realtime_processing_events",
    "named_entity_recognition": "receive_realtime_processing_events",
    "sentiment_analysis": "receive_realtime_processing_events",
    "post_transcript": "receive_post_processing_events",
    "post_summarization": "receive_post_processing_events",
    "post_final_transcript": "receive_post_processing_events",
}


class Event(Struct, frozen=True):
    """A message of the lifecycle; the whole of it."""

    type: str
    session_id: str
    created_at: str


class DataEvent(Struct, frozen=True):
    """A message that carries something."""

    type: str
    session_id: str
    created_at: str
    data: Any


class Problem(Struct, frozen=True):
    """Why an action or an add-on failed."""

    message: str


class Acknowledgement(Struct, frozen=True):
    """The answer to one message of the client; `data` is null when it was not accepted."""

    type: str
    session_id: str
    created_at: str
    acknowledged: bool = True
    error: Problem | None = None
    data: Any = None


class AddOn(Struct, frozen=True):
    """The result of an add-on; `data` is null when it failed."""

    type: str
    session_id: str
    created_at: str
    error: Problem | None = None
    data: Any = None


Message = Event | DataEvent | Acknowledgement | AddOn


class AudioChunk(Struct, frozen=True):
    """Which part of the session was received, in bytes and in seconds."""

    byte_range: tuple[int, int]
    time_range: tuple[float, float]


class Recording(Struct, frozen=True):
    """How much audio there was."""

    recording_duration: float


class StoppedRecording(Struct, frozen=True):
    """How much audio there was, and how much of it is still to be heard."""

    recording_duration: float
    recording_left_to_process: float


class Speech(Struct, frozen=True):
    """When, and on which channel, speech began or ended."""

    time: float
    channel: int


class Word(Struct, frozen=True):
    """One word, usually with the space before it."""

    word: str
    start: float
    end: float
    confidence: float


class Utterance(Struct, frozen=True):
    """What was said by one party in one go."""

    text: str
    start: float
    end: float
    confidence: float
    channel: int
    language: str
    words: tuple[Word, ...]


class Transcript(Struct, frozen=True):
    """An utterance so far, or for good; both under one id."""

    id: str
    is_final: bool
    utterance: Utterance


def utterance(spoken: Spoken, channel: int) -> Utterance:
    """Return what was heard on `channel` as the API writes it, in milliseconds at the finest."""
    return Utterance(
        text=spoken.text,
        start=round(spoken.start_s, 3),
        end=round(spoken.end_s, 3),
        confidence=round(spoken.confidence, 2),
        channel=channel,
        language=spoken.language,
        words=tuple(
            Word(word.text, round(word.start_s, 3), round(word.end_s, 3), round(word.confidence, 2))
            for word in spoken.words
        ),
    )


def timestamp(posix_s: float) -> str:
    """Return a moment as the API writes moments: ISO 8601, UTC, milliseconds."""
    return datetime.fromtimestamp(posix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
