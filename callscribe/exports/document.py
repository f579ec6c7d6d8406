"""The transcript as one JSON document: what was said, where something is missing, and whether it is all there."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, json

from callscribe.call import Call, fold
from callscribe.entries import Dtmf, Entry, LegGap, Word
from callscribe.transcript import transcript


class SaidLine(Struct, frozen=True, kw_only=True):
    """One utterance; words are `[text, start, end, confidence]`.

    Times are milliseconds since the call's first frame.
    """

    party: str
    leg: str
    id: str
    text: str
    start_ms: int
    end_ms: int
    language: str
    confidence: float
    words: tuple[Word, ...]


class Gap(Struct, frozen=True, kw_only=True):
    """Audio of a party that never came; words may be missing here."""

    party: str
    start_ms: int
    end_ms: int
    cause: str


class Digit(Struct, frozen=True, kw_only=True):
    """A key that a party pressed."""

    party: str
    digit: str
    at_ms: int


class TranscriptDocument(Struct, frozen=True, kw_only=True):
    """A call's transcript as of entry `seq` of its log.

    `complete` claims that all audio of every party was heard; `settled` that nothing will follow.
    """

    call_id: str
    seq: int
    started_at: str | None
    duration_ms: int | None
    complete: bool
    settled: bool
    parties: tuple[str, ...]
    utterances: tuple[SaidLine, ...]
    gaps: tuple[Gap, ...]
    digits: tuple[Digit, ...]


def document(call_id: str, entries: Sequence[Entry]) -> TranscriptDocument:
    """Return the transcript of the call whose log is `entries`."""
    call = fold(entries)
    return TranscriptDocument(
        call_id=call_id,
        seq=call.seq,
        started_at=call.started_at,
        duration_ms=call.ended.duration_ms if call.ended else None,
        complete=call.complete,
        settled=call.settled,
        parties=tuple(dict.fromkeys(leg.started.party for leg in call.legs)),
        utterances=tuple(
            SaidLine(
                party=line.party,
                leg=line.said.leg,
                id=line.said.id,
                text=line.said.text,
                start_ms=line.said.start_ms,
                end_ms=line.said.end_ms,
                language=line.said.language,
                confidence=line.said.confidence,
                words=line.said.words,
            )
            for line in transcript(entries)
        ),
        gaps=tuple(_gap(call, entry.body) for entry in entries if isinstance(entry.body, LegGap)),
        digits=tuple(
            Digit(party=call.party(entry.body.leg), digit=entry.body.digit, at_ms=entry.body.at_ms)
            for entry in entries
            if isinstance(entry.body, Dtmf)
        ),
    )


def encoded(call_id: str, entries: Sequence[Entry]) -> str:
    """Return the document as JSON."""
    return json.encode(document(call_id, entries)).decode()


def _gap(call: Call, gap: LegGap) -> Gap:
    return Gap(party=call.party(gap.leg), start_ms=gap.start_ms, end_ms=gap.end_ms, cause=gap.cause)
