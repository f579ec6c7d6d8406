"""What of a recording a call's log gets: the words that nobody heard live, and what they are from.

Nothing that was heard live is heard again: of a leg's recorded words, those in its gaps are taken, and those after its
last live word if hearing it failed; all of a leg that no session heard.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from callscribe.call import BEGAN_LATE, Call, Leg
from callscribe.entries import Utterance, Word
from callscribe.second_pass import LegRepaired


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a leg that its live transcript lacks, on the call's clock."""

    leg: str
    start_ms: int
    end_ms: int

    def holds(self, word: Word) -> bool:
        """Whether the word was said in it, by its middle."""
        return self.start_ms <= (word.start_ms + word.end_ms) // 2 < self.end_ms


@dataclass(frozen=True, slots=True)
class Mended:
    """The words found in a span, as the log gets them, and the entry that says so; silence has no words."""

    utterances: tuple[Utterance, ...]
    repaired: LegRepaired


def spans(call: Call, live: Iterable[Utterance], *, end_ms: int) -> list[Span]:
    """Return what the legs of `call`, of which `live` was heard, lack of a call that lasted to `end_ms`; in order."""
    last_words: dict[str, int] = {}
    for said in live:
        last_words[said.leg] = max(said.end_ms, last_words.get(said.leg, 0))
    found = []
    for leg in call.legs:
        name = leg.started.leg
        of_leg = [Span(name, gap.start_ms, gap.end_ms) for gap in leg.gaps if gap.cause != BEGAN_LATE]
        if call.failed is not None or not _was_taken(leg):
            of_leg.append(Span(name, last_words.get(name, 0), end_ms))
        found += _merged(of_leg)
    return found


def mend(span: Span, recorded: Iterable[Utterance], *, recording: str, job: str) -> Mended:
    """Return what of `recorded` belongs into `span`. Utterances that are in it in part are there in part."""
    utterances = tuple(part for said in recorded if said.leg == span.leg for part in _parts(said, span))
    return Mended(
        utterances,
        LegRepaired(
            leg=span.leg,
            start_ms=span.start_ms,
            end_ms=span.end_ms,
            utterances=tuple(part.id for part in utterances),
            recording=recording,
            job=job,
        ),
    )


def _was_taken(leg: Leg) -> bool:
    return leg.ended is not None and leg.ended.ledger.was_taken


def _merged(found: Sequence[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in sorted(found, key=lambda each: each.start_ms):
        if merged and span.start_ms <= merged[-1].end_ms:
            before = merged.pop()
            span = Span(span.leg, before.start_ms, max(before.end_ms, span.end_ms))  # noqa: PLW2901 - grows
        if span.end_ms > span.start_ms:
            merged.append(span)
    return merged


def _parts(said: Utterance, span: Span) -> Iterable[Utterance]:
    """Yield `said`, or the stretches of its words that are in `span`, each named by its first word."""
    if not said.words:
        if span.holds(Word(said.text, said.start_ms, said.end_ms, said.confidence)):
            yield said
        return
    for inside, run in groupby(enumerate(said.words), key=lambda numbered: span.holds(numbered[1])):
        if inside:
            yield _part(said, list(run))


def _part(said: Utterance, numbered: Sequence[tuple[int, Word]]) -> Utterance:
    words = tuple(word for _, word in numbered)
    if len(words) == len(said.words):
        return said
    return Utterance(
        leg=said.leg,
        id=f"{said.id}.{numbered[0][0]}",
        text="".join(word.text for word in words).strip(),
        start_ms=words[0].start_ms,
        end_ms=words[-1].end_ms,
        language=said.language,
        confidence=said.confidence,
        words=words,
    )
