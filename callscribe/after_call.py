"""What entries of a call's log say once it can be looked at as a whole, and what the add-ons say of an utterance.

Times named `_ms` are milliseconds of media time, as in `callscribe.entries`, which names the kinds.
"""

from __future__ import annotations

from msgspec import Struct


class EntityFound(Struct, frozen=True, kw_only=True):
    """A name, number, date … in an utterance, as it was said; `type` is Gladia's, such as `NAME_GIVEN`."""

    type: str
    text: str
    start_ms: int
    end_ms: int


class Entities(Struct, frozen=True, kw_only=True):
    """What Gladia found in an utterance that is worth a field of its own."""

    utterance: str  # its id
    entities: tuple[EntityFound, ...]


class SentimentFound(Struct, frozen=True, kw_only=True):
    """How part of an utterance sounds: `positive`, `negative`, `neutral`, `mixed`, `unknown`, and an emotion."""

    sentiment: str
    emotion: str
    text: str
    start_ms: int
    end_ms: int


class Sentiment(Struct, frozen=True, kw_only=True):
    """How an utterance sounds to Gladia, part by part."""

    utterance: str  # its id
    sentiments: tuple[SentimentFound, ...]


class Summary(Struct, frozen=True, kw_only=True):
    """What a session heard in a few sentences, by Gladia: of both sides where they shared it, which is the default."""

    text: str
    session: str = ""  # Gladia's id; a call has as many summaries as sessions


class Chapter(Struct, frozen=True, kw_only=True):
    """A span of the call that is about one thing; `title` is made of its own words."""

    title: str
    start_ms: int
    end_ms: int


class Chapters(Struct, frozen=True, kw_only=True):
    """The call in spans, in order, which together hold every utterance."""

    chapters: tuple[Chapter, ...]


class PartyFigures(Struct, frozen=True, kw_only=True):
    """How one party took part."""

    party: str
    talk_ms: int
    talk_share: float  # of all talk, 0 to 1
    utterances: int
    words: int
    words_per_minute: float  # of its own talk; 0 if it said nothing
    longest_monologue_ms: int  # from its first word to its last with no other party's utterance between
    interruptions: int  # how often it began while another party spoke, and that one stopped first
    response_ms: int | None = (
        None  # median time from another party's end to its own beginning; None if it never answered
    )


class Step(Struct, frozen=True, array_like=True):
    """A piece of the call: of its time, how much nobody and how much several spoke, and each party's talk."""

    silence_ms: int
    overlap_ms: int
    talk_ms: tuple[int, ...]  # in the order of `parties`


class Analytics(Struct, frozen=True, kw_only=True):
    """The call in figures, made of its utterances. `talk + silence - overlap = duration`, for two parties."""

    duration_ms: int
    silence_ms: int  # nobody spoke
    longest_silence_ms: int
    overlap_ms: int  # more than one spoke
    parties: tuple[PartyFigures, ...]
    step_ms: int
    over_time: tuple[Step, ...]  # from the call's first frame on, `step_ms` each, the last one shorter


class TranscriptReady(Struct, frozen=True, kw_only=True):
    """All that will be known of the call is, and is kept: read on over the HTTP API, or in the archive's bucket."""

    archive: str  # key of the archive's file (callscribe.archive)
    utterances: int
    complete: bool  # whether each leg was heard whole
    formats: tuple[str, ...]  # in which the HTTP API has the transcript
    unknown: tuple[str, ...] = ()  # what was asked for and never came, and why


class Card(Struct, frozen=True, kw_only=True):
    """What a customer's hook wants the call's subscribers to see while the call goes on."""

    hook: str  # its name
    utterance: str | None  # id of what it is an answer to
    title: str
    text: str
    link: str | None = None  # https
