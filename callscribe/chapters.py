"""A call in chapters: where its words change, a new one begins, named after words that the others hardly have.

Gladia's live API makes none. Here no model is asked: the same log has the same chapters, wherever it is read. The
method is Hearst's TextTiling ("Segmenting Text into Multi-paragraph Subtopic Passages", 1997), with a pause as a hint.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from statistics import fmean, pstdev
from typing import Final

from callscribe.after_call import Chapter, Chapters
from callscribe.entries import Entry
from callscribe.searchable import is_unspaced, words
from callscribe.stop_words import STOP_WORDS
from callscribe.transcript import Line, transcript

WINDOW: Final = 40  # telling words that are compared on each side: about half a minute of talk
LEAST: Final = 20  # telling words of a chapter
LEAST_MS: Final = 45_000
PAUSE_MS: Final = 4000  # a silence as long as this, or longer, is half of what a change of words can be
TITLE_WORDS: Final = 3
# Of a language without stop words: a word in more of the utterances than this tells little, if there are so many.
COMMON: Final = 0.25
COMMON_OF: Final = 12


def chapters(entries: Sequence[Entry]) -> Chapters:
    """Return the chapters of the call whose whole log is `entries`; none if nothing was said."""
    lines = transcript(entries)
    if not lines:
        return Chapters(chapters=())
    telling = _telling(lines)
    edges = [0, *_boundaries(lines, telling), len(lines)]
    spans = list(pairwise(edges))
    counts = [Counter(word for each in telling[begin:end] for word in each) for begin, end in spans]
    spelt = _spelling(lines)
    return Chapters(
        chapters=tuple(
            Chapter(
                title=_title(place, counts, spelt) or _opening(lines[begin]),
                start_ms=lines[begin].said.start_ms,
                end_ms=max(line.said.end_ms for line in lines[begin:end]),
            )
            for place, (begin, end) in enumerate(spans)
        )
    )


def _telling(lines: Sequence[Line]) -> list[list[str]]:
    """Return of each line the words that may tell what it is about."""
    spoken = [_terms(line.said.text) for line in lines]
    common: frozenset[str] = frozenset()
    if len(lines) >= COMMON_OF:
        found = Counter(word for each in spoken for word in set(each))
        common = frozenset(word for word, count in found.items() if count > COMMON * len(lines))
    return [
        [word for word in each if word not in STOP_WORDS.get(line.said.language, common) and not word.isdigit()]
        for line, each in zip(lines, spoken, strict=True)
    ]


def _terms(text: str) -> list[str]:
    """Return the words of `text`; in scripts without spaces, each two characters beside each other."""
    found = words(text)
    pairs = [one + other for one, other in pairwise(found) if is_unspaced(one[0]) and is_unspaced(other[0])]
    return pairs + [word for word in found if not is_unspaced(word[0]) and len(word) > 1]


def _boundaries(lines: Sequence[Line], telling: Sequence[Sequence[str]]) -> list[int]:
    """Return the lines that chapters begin with, but for the first."""
    stream = [word for each in telling for word in each]
    ends = list(accumulate(len(each) for each in telling))  # how many words there are up to each line's end
    places = [place for place in range(1, len(lines)) if LEAST <= ends[place - 1] <= len(stream) - LEAST]
    if not places:
        return []
    alike = [_alike(stream[max(0, ends[place - 1] - WINDOW) : ends[place - 1]],
                    stream[ends[place - 1] : ends[place - 1] + WINDOW]) for place in places]  # fmt: skip
    scores = [depth + _pause(lines, place) for place, depth in zip(places, _depths(alike), strict=True)]
    least = fmean(scores) + pstdev(scores) / 2
    chosen = [0, len(lines)]
    for score, place in sorted(zip(scores, places, strict=True), key=lambda each: (-each[0], each[1])):
        if score < least or score <= 0:
            break
        if _has_room(place, chosen, lines, ends):
            chosen.insert(bisect_right(chosen, place), place)
    return chosen[1:-1]


def _has_room(place: int, chosen: Sequence[int], lines: Sequence[Line], ends: Sequence[int]) -> bool:
    """Return whether a chapter that begins here leaves enough to itself and to the one before."""
    at = bisect_right(chosen, place)
    before, after = chosen[at - 1], chosen[at]
    begin_ms, middle_ms = lines[before].said.start_ms, lines[place].said.start_ms
    end_ms = lines[after].said.start_ms if after < len(lines) else lines[-1].said.end_ms
    count_before = ends[place - 1] - (ends[before - 1] if before else 0)
    count_after = ends[after - 1] - ends[place - 1]
    return min(middle_ms - begin_ms, end_ms - middle_ms) >= LEAST_MS and min(count_before, count_after) >= LEAST


def _alike(before: Iterable[str], after: Iterable[str]) -> float:
    """Return the cosine of two bags of words: 1 for the same, 0 for nothing in common."""
    one, other = Counter(before), Counter(after)
    shared = sum(count * other[word] for word, count in one.items())
    return shared / math.sqrt(sum(count**2 for count in one.values()) * sum(count**2 for count in other.values()))


def _depths(alike: Sequence[float]) -> list[float]:
    """Return of each place how far it lies below the peaks on both sides."""
    depths = []
    for place, here in enumerate(alike):
        left = right = here
        for value in reversed(alike[:place]):
            if value < left:
                break
            left = value
        for value in alike[place + 1 :]:
            if value < right:
                break
            right = value
        depths.append(left - here + right - here)
    return depths


def _pause(lines: Sequence[Line], place: int) -> float:
    silent_ms = lines[place].said.start_ms - lines[place - 1].said.end_ms
    return 0.5 * min(1.0, max(0, silent_ms) / PAUSE_MS)


def _title(place: int, counts: Sequence[Counter[str]], spelt: dict[str, str]) -> str:
    """Return the words that this chapter has most of, and the others least, in the order in which they came."""
    chapter = counts[place]
    weight = {
        word: count * (0.1 + math.log(len(counts) / sum(1 for each in counts if word in each)))
        for word, count in chapter.items()
    }
    order = {word: number for number, word in enumerate(chapter)}
    best = sorted(weight, key=lambda word: (-weight[word], order[word]))[:TITLE_WORDS]
    title = ", ".join(spelt.get(word, word) for word in sorted(best, key=order.__getitem__))
    return title[:1].upper() + title[1:]


def _opening(line: Line) -> str:
    """Return how the first utterance begins, for a chapter without a telling word."""
    return " ".join(line.said.text.split()[: 2 * TITLE_WORDS])


def _spelling(lines: Iterable[Line]) -> dict[str, str]:
    """Return how each word is written, most of the time."""
    written: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for line in lines:
        for token in line.said.text.split():
            if len(found := words(token)) == 1:
                written[found[0]][token.strip("".join(each for each in token if not each.isalnum()))] += 1
    return {word: spellings.most_common(1)[0][0] for word, spellings in written.items()}
