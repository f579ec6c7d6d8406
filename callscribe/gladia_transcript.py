"""What Gladia writes down of speech: the same on the socket and in the stored result.

Times are seconds since the session's audio began. Source: Gladia's OpenAPI document, `Utterance`, `Transcript`.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

# A session lasts three hours. What is far beyond is no time, and would not fit a whole number of milliseconds.
Seconds: TypeAlias = Annotated[float, Meta(ge=0, le=1_000_000)]


class Word(Struct, frozen=True):
    """A word, usually with the space before it."""

    word: str
    start: Seconds
    end: Seconds
    confidence: float


class Speech(Struct, frozen=True):
    """What was said on one channel."""

    text: str
    start: Seconds
    end: Seconds
    confidence: float
    channel: int
    language: str
    words: tuple[Word, ...]


class Transcript(Struct, frozen=True):
    """A partial or final transcript; both of one utterance have the same id."""

    id: str
    is_final: bool
    utterance: Speech
