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
    log = list(entries)
    parties = party_of(log)
    said: dict[str, Utterance] = {}
    for entry in log:
        if isinstance(entry.body, Utterance):
            said.setdefault(entry.body.id, entry.body)
    in_order = sorted(said.values(), key=lambda utterance: (utterance.start_ms, utterance.end_ms))
    return [Line(parties.get(utterance.leg, utterance.leg), utterance) for utterance in in_order]


def party_of(entries: Iterable[Entry]) -> dict[str, str]:
    """Return who speaks on each leg, as far as the log tells."""
    return {entry.body.leg: entry.body.party for entry in entries if isinstance(entry.body, LegStarted)}
