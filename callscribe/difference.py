"""How the words that were heard live differ from the recording's: the fewest changes that make one of the other.

Words are compared as search compares them, without case, accents and punctuation. Two words are only held for the same
place if they were said within `NEAR_MS` of each other, so that a call of hours takes seconds, and a word that is
missing here is not made good by the same word a minute later.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from callscribe.entries import Utterance
from callscribe.searchable import words
from callscribe.second_pass import Difference
from callscribe.transcript import Line

NEAR_MS: Final = 5000

Step: TypeAlias = Literal["same", "substituted", "missing", "added"]

# How a place in the table is reached; of equally good ways the first here is taken.
_WORD, _MISSING, _ADDED = range(3)

# What a way costs. Of those with the fewest changes the one that leaves most words as they are reads best, so another
# word costs a trifle more: `lost it`, `it now` is a word missing and one added, not two others.
_CHANGE: Final = 1 << 20
_OTHER_WORD: Final = _CHANGE + 1


class Change(Struct, frozen=True, kw_only=True):
    """A stretch of a party's words where the two differ; a side that has no words there is blank."""

    party: str
    start_ms: int
    end_ms: int
    live: str
    recorded: str


@dataclass(frozen=True, slots=True)
class Compared:
    """The difference in figures, by party and language of the recording, and in the text, in the order of time."""

    differences: tuple[Difference, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class _Word:
    spelt: str
    shown: str
    start_ms: int
    end_ms: int
    language: str


# A word heard live and the one recorded in its place; None where a side has none.
_Pair: TypeAlias = tuple[_Word | None, _Word | None]


def compare(
    live: Sequence[Line], recorded: Sequence[Line], *, begin_ms: int | None = None, end_ms: int | None = None
) -> Compared:
    """Return how `live` differs from `recorded`, party by party; both on the same clock, in any order.

    The recording lasts from `begin_ms` to `end_ms`, if that is known: what was said before and after is in no
    difference, as it can't be in the recording.
    """
    parties = dict.fromkeys(line.party for line in (*recorded, *live))
    pairs = {
        party: _align(
            [
                word
                for word in _words(live, party)
                if (begin_ms is None or word.start_ms >= begin_ms) and (end_ms is None or word.end_ms <= end_ms)
            ],
            _words(recorded, party),
        )
        for party in parties
    }
    changes = [change for party, of_party in pairs.items() for change in _changes(party, of_party)]
    return Compared(
        differences=tuple(each for party, of_party in pairs.items() for each in _figures(party, of_party)),
        changes=tuple(sorted(changes, key=lambda change: (change.start_ms, change.party))),
    )


def step(pair: _Pair) -> Step:
    """Return what became of a word."""
    heard, spoken = pair
    if heard is None:
        return "missing"
    if spoken is None:
        return "added"
    return "same" if heard.spelt == spoken.spelt else "substituted"


def _words(lines: Sequence[Line], party: str) -> list[_Word]:
    """Return what the party said, word for word, by time."""
    found = [word for line in lines if line.party == party for word in _words_of(line.said)]
    return sorted(found, key=lambda word: word.start_ms)


def _words_of(said: Utterance) -> Iterator[_Word]:
    timed = [(word.text, word.start_ms, word.end_ms) for word in said.words] or list(_spread(said))
    for text, start_ms, end_ms in timed:
        spelt = words(text)
        for each in spelt:
            shown = text.strip() if len(spelt) == 1 else each
            yield _Word(each, shown, start_ms, end_ms, said.language)


def _spread(said: Utterance) -> Iterator[tuple[str, int, int]]:
    """Yield the words of an utterance that came without their times, evenly over its own."""
    texts = said.text.split()
    for number, text in enumerate(texts):
        start, end = (said.start_ms + (said.end_ms - said.start_ms) * at // len(texts) for at in (number, number + 1))
        yield text, start, end


def _align(live: Sequence[_Word], recorded: Sequence[_Word]) -> list[_Pair]:
    """Return both, word beside word, with the fewest changes (Levenshtein's distance, within `NEAR_MS`)."""
    band = _band(live, recorded)
    moves = _moves(live, recorded, band)
    pairs: list[_Pair] = []
    row, column = len(live), len(recorded)
    while row or column:
        move = moves[row][column - band[row][0]]
        if move != _MISSING:
            row -= 1
        if move != _ADDED:
            column -= 1
        pairs.append((live[row] if move != _MISSING else None, recorded[column] if move != _ADDED else None))
    return pairs[::-1]


def _band(live: Sequence[_Word], recorded: Sequence[_Word]) -> list[tuple[int, int]]:
    """Return for each number of live words the numbers of recorded ones, first and last, that may go with them."""
    times = [word.start_ms for word in recorded]
    firsts = [0, *(bisect_left(times, word.start_ms - NEAR_MS) for word in live)]
    lasts = [0, *(bisect_right(times, word.start_ms + NEAR_MS) for word in live)]
    # A row reaches as far as the next one does: what is recorded before a live word may be missing before it.
    nexts = [*lasts[1:], len(times)]
    return [(first, max(last, after)) for first, last, after in zip(firsts, lasts, nexts, strict=True)]


def _moves(live: Sequence[_Word], recorded: Sequence[_Word], band: Sequence[tuple[int, int]]) -> list[bytearray]:
    """Return for each place of the table within `band` how it is reached at the least cost."""
    never = _OTHER_WORD * (len(live) + len(recorded) + 1)
    moves: list[bytearray] = []
    before: list[int] = []
    before_first = 0
    for row, (first, last) in enumerate(band):
        costs: list[int] = []
        ways = bytearray()
        for column in range(first, last + 1):
            above = column - before_first
            by_word = by_added = by_missing = never
            if row and column and 0 < above <= len(before):
                by_word = before[above - 1] + _cost(live[row - 1], recorded[column - 1], never)
            if row and above < len(before):
                by_added = before[above] + _CHANGE
            if column > first:
                by_missing = costs[-1] + _CHANGE
            least = min(by_word, by_missing, by_added) if row or column else 0
            costs.append(least)
            ways.append(_WORD if least == by_word else _MISSING if least == by_missing else _ADDED)
        moves.append(ways)
        before, before_first = costs, first
    return moves


def _cost(heard: _Word, spoken: _Word, never: int) -> int:
    if abs(heard.start_ms - spoken.start_ms) > NEAR_MS:
        return never
    return 0 if heard.spelt == spoken.spelt else _OTHER_WORD


def _figures(party: str, pairs: Sequence[_Pair]) -> Iterator[Difference]:
    """Yield the figures for each language; a word that only the live side has counts for its own."""
    steps = Counter((_of(pair).language, step(pair)) for pair in pairs)
    for language in sorted({language for language, _ in steps}):
        substituted, missing = steps[language, "substituted"], steps[language, "missing"]
        yield Difference(
            party=party,
            language=language,
            words=steps[language, "same"] + substituted + missing,
            substituted=substituted,
            missing=missing,
            added=steps[language, "added"],
        )


def _changes(party: str, pairs: Sequence[_Pair]) -> Iterator[Change]:
    """Yield the stretches of words that differ, one where no word that is the same and no pause is between."""
    stretch: list[_Pair] = []
    for pair in pairs:
        if stretch and (step(pair) == "same" or _of(pair).start_ms - _of(stretch[-1]).end_ms > NEAR_MS):
            yield _change(party, stretch)
            stretch = []
        if step(pair) != "same":
            stretch.append(pair)
    if stretch:
        yield _change(party, stretch)


def _change(party: str, stretch: Sequence[_Pair]) -> Change:
    heard = [word for word, _ in stretch if word]
    spoken = [word for _, word in stretch if word]
    return Change(
        party=party,
        start_ms=min(word.start_ms for word in (*heard, *spoken)),
        end_ms=max(word.end_ms for word in (*heard, *spoken)),
        live=" ".join(word.shown for word in heard),
        recorded=" ".join(word.shown for word in spoken),
    )


def _of(pair: _Pair) -> _Word:
    """Return the word of the recording, or the live one that it has none for."""
    heard, spoken = pair
    if word := spoken or heard:
        return word
    raise ValueError("a pair has a word")
