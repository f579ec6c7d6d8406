"""A call in figures: who spoke how much, how fast, over whom, and how soon after the other.

All of it is made of the utterances' times. A party that several legs belong to is one; what it says twice at once
counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median
from typing import Final

from callscribe.after_call import Analytics, PartyFigures, Step
from callscribe.audio_format import of_codec
from callscribe.call import Call, fold
from callscribe.entries import Entry
from callscribe.searchable import words
from callscribe.transcript import Line, transcript

# A plot has this many steps at most, of a length that people count in.
MOST_STEPS: Final = 60
STEPS_MS: Final = (1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Time in which the same parties spoke, without a change."""

    start_ms: int
    end_ms: int
    speaking: frozenset[str]


def analytics(entries: Sequence[Entry]) -> Analytics:
    """Return the figures of the call whose whole log is `entries`."""
    call = fold(entries)
    lines = transcript(entries)
    parties = list(dict.fromkeys([*(leg.started.party for leg in call.legs), *(line.party for line in lines)]))
    duration_ms = _duration_ms(call, lines)
    stretches = list(_stretches(lines, duration_ms))
    talk_ms = {party: sum(_ms(each) for each in stretches if party in each.speaking) for party in parties}
    silent = [_ms(each) for each in stretches if not each.speaking]
    step_ms = next((step for step in STEPS_MS if duration_ms <= step * MOST_STEPS), STEPS_MS[-1])
    return Analytics(
        duration_ms=duration_ms,
        silence_ms=sum(silent),
        longest_silence_ms=max(silent, default=0),
        overlap_ms=sum(_ms(each) for each in stretches if len(each.speaking) > 1),
        parties=tuple(_figures(party, lines, talk_ms) for party in parties),
        step_ms=step_ms,
        over_time=tuple(_steps(stretches, parties, step_ms)),
    )


def _duration_ms(call: Call, lines: Sequence[Line]) -> int:
    """Return how long the call was heard; of one that never was, how long it lasted."""
    heard = [
        leg.started.offset_ms
        + (leg.ended.ledger.heard + leg.ended.ledger.filled - leg.ended.ledger.dropped)
        // of_codec(leg.started.codec).bytes_a_ms
        for leg in call.legs
        if leg.ended is not None
    ]
    said = [line.said.end_ms for line in lines]
    if not any(heard) and not said and call.ended is not None:
        return call.ended.duration_ms
    return max([0, *heard, *said])


def _stretches(lines: Iterable[Line], duration_ms: int) -> Iterator[_Stretch]:
    """Yield the whole call in order, a new stretch wherever somebody begins or stops."""
    changes: list[tuple[int, int, str]] = []
    for line in lines:
        if line.said.start_ms < line.said.end_ms:
            changes += [(line.said.start_ms, 1, line.party), (line.said.end_ms, -1, line.party)]
    speaking: dict[str, int] = {}
    at_ms = 0
    for now_ms, change, party in sorted(changes):
        if at_ms < now_ms:
            yield _Stretch(at_ms, now_ms, frozenset(name for name, count in speaking.items() if count))
            at_ms = now_ms
        speaking[party] = speaking.get(party, 0) + change
    if at_ms < duration_ms:
        yield _Stretch(at_ms, duration_ms, frozenset())


def _figures(party: str, lines: Sequence[Line], talk_ms: dict[str, int]) -> PartyFigures:
    own = [line.said for line in lines if line.party == party]
    count = sum(len(words(said.text)) for said in own)
    total_ms, talked_ms = sum(talk_ms.values()), talk_ms[party]
    turns = [(speaker, list(turn)) for speaker, turn in groupby(lines, key=lambda line: line.party)]
    responses = list(_responses(party, turns))
    return PartyFigures(
        party=party,
        talk_ms=talked_ms,
        talk_share=round(talked_ms / total_ms, 4) if total_ms else 0.0,
        utterances=len(own),
        words=count,
        words_per_minute=round(60_000 * count / talked_ms, 1) if talked_ms else 0.0,
        longest_monologue_ms=max((_length_ms(turn) for speaker, turn in turns if speaker == party), default=0),
        interruptions=_interruptions(party, lines),
        response_ms=round(median(responses)) if responses else None,
    )


def _responses(party: str, turns: Sequence[tuple[str, list[Line]]]) -> Iterator[int]:
    """Yield how long others had been silent, each time that `party` took its turn after them and not over them."""
    for (_, before), (speaker, turn) in pairwise(turns):
        if speaker == party and (waited_ms := turn[0].said.start_ms - _end_ms(before)) >= 0:
            yield waited_ms


def _interruptions(party: str, lines: Sequence[Line]) -> int:
    """Return how often `party` began while another spoke, who then stopped first."""
    count = 0
    longest_ms = max((line.said.end_ms - line.said.start_ms for line in lines), default=0)
    for place, line in enumerate(lines):
        if line.party != party:
            continue
        for other in reversed(lines[:place]):
            if other.said.start_ms < line.said.start_ms - longest_ms:
                break
            if other.party != party and other.said.start_ms < line.said.start_ms < other.said.end_ms < line.said.end_ms:
                count += 1
                break
    return count


def _steps(stretches: Sequence[_Stretch], parties: Sequence[str], step_ms: int) -> Iterator[Step]:
    silence_ms, overlap_ms, talk_ms = 0, 0, dict.fromkeys(parties, 0)
    for piece in _cut(stretches, step_ms):
        length_ms = _ms(piece)
        silence_ms += 0 if piece.speaking else length_ms
        overlap_ms += length_ms if len(piece.speaking) > 1 else 0
        for party in piece.speaking:
            talk_ms[party] += length_ms
        if piece.end_ms % step_ms == 0 or piece.end_ms == stretches[-1].end_ms:
            yield Step(silence_ms, overlap_ms, tuple(talk_ms.values()))
            silence_ms, overlap_ms, talk_ms = 0, 0, dict.fromkeys(parties, 0)


def _cut(stretches: Iterable[_Stretch], step_ms: int) -> Iterator[_Stretch]:
    """Yield the same with an end wherever a step ends."""
    for each in stretches:
        start_ms = each.start_ms
        while start_ms < each.end_ms:
            end_ms = min(each.end_ms, (start_ms // step_ms + 1) * step_ms)
            yield _Stretch(start_ms, end_ms, each.speaking)
            start_ms = end_ms


def _ms(stretch: _Stretch) -> int:
    return stretch.end_ms - stretch.start_ms


def _length_ms(turn: Sequence[Line]) -> int:
    return _end_ms(turn) - turn[0].said.start_ms


def _end_ms(turn: Sequence[Line]) -> int:
    return max(line.said.end_ms for line in turn)
