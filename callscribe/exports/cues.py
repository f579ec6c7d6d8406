"""Cues: a transcript cut into pieces that can be read while they are heard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from callscribe.entries import Utterance, Word
from callscribe.exports.plain_text import plain
from callscribe.transcript import Line

# Two lines of 42 characters, seven seconds: what subtitling guides agree on (BBC, Netflix).
CUE_CHARACTERS = 84
CUE_MS = 7000


@dataclass(frozen=True, slots=True)
class Cue:
    """What one party says from `start_ms` to before `end_ms`, which is always later."""

    party: str
    text: str
    start_ms: int
    end_ms: int


def cues(lines: Iterable[Line]) -> list[Cue]:
    """Return the cues of `lines` by their start; an utterance is cut between words where it is too long for one."""
    found = [cue for line in lines for cue in _cues_of(line)]
    return sorted(found, key=lambda cue: (cue.start_ms, cue.end_ms))


def _cues_of(line: Line) -> Iterator[Cue]:
    said = line.said
    if not said.words:
        if text := plain(said.text):
            yield _cue(line.party, text, said.start_ms, said.end_ms)
        return
    for _, group in groupby(_numbered(said), key=lambda numbered: numbered[0]):
        words = [word for _, word in group]
        if text := plain("".join(word.text for word in words)):
            yield _cue(line.party, text, words[0].start_ms, words[-1].end_ms)


def _numbered(said: Utterance) -> Iterator[tuple[int, Word]]:
    """Yield each word with the number of its cue."""
    number = length = 0
    start_ms = said.start_ms
    for word in said.words:
        if length and (length + len(word.text) > CUE_CHARACTERS or word.end_ms - start_ms > CUE_MS):
            number, length = number + 1, 0
        if not length:
            start_ms = word.start_ms
        length += len(word.text)
        yield number, word


def _cue(party: str, text: str, start_ms: int, end_ms: int) -> Cue:
    return Cue(plain(party), text, start_ms, max(end_ms, start_ms + 1))
