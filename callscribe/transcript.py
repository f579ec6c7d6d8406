"""The transcript of a call, folded from its log: who said what and when, in the order in which it was said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from callscribe.entries import Entry, LegStarted, Utterance


@dataclass(frozen=True, slots=True)
class Line:
    """One utterance and the party that spoke it."""

    party: str
    said: Utterance


def transcript(entries: Iterable[Entry]) -> list[Line]:
    """Return the lines of the call whose log is `entries`, by their start.

    Finals come in the order in which they were completed, so those of two parties are not in the order of speech. An
    utterance that a resumed session sent twice is one line.
    """
    parties: dict[str, str] = {}
    said: dict[str, Utterance] = {}
    for entry in entries:
        match entry.body:
            case LegStarted(leg=leg, party=party):
                parties[leg] = party
            case Utterance() as utterance:
                said.setdefault(utterance.id, utterance)
    in_order = sorted(said.values(), key=lambda utterance: (utterance.start_ms, utterance.end_ms))
    return [Line(parties.get(utterance.leg, utterance.leg), utterance) for utterance in in_order]
