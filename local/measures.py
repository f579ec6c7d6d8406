"""What a simulated call that was followed came to: words, bytes, latencies."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import cast

from callscribe.call import Call, Leg, fold
from callscribe.entries import Entry, Utterance
from callscribe.messages import PartialMessage
from callscribe.transcript import transcript
from local.twilio.admission import Track
from local.twilio.report import MediaStreamReport
from local.words import WordErrors, word_errors, words


@dataclass(frozen=True, slots=True)
class Seen:
    """Something of a call, and when it came: seconds of this machine's CLOCK_MONOTONIC."""

    what: Entry | PartialMessage
    at_s: float


@dataclass(frozen=True, slots=True)
class Latencies:
    """Milliseconds from sound to screen."""

    values_ms: tuple[float, ...]

    def quantile(self, share: float) -> float | None:
        """Return the latency that `share` (0 to 1) of all stay under; None without any."""
        if not self.values_ms:
            return None
        if len(self.values_ms) == 1:
            return self.values_ms[0]
        return statistics.quantiles(self.values_ms, n=100, method="inclusive")[round(share * 100) - 1]


@dataclass(frozen=True, slots=True)
class Measures:
    """One call."""

    call: Call
    words: dict[str, WordErrors]  # by party
    legs: tuple[Leg, ...]
    partials: Latencies  # from the end of a word's sound to the first partial that shows it
    finals: Latencies  # from the end of an utterance's sound to its final

    @property
    def heard_anything(self) -> bool:
        """Whether any word came."""
        return any(errors.heard for errors in self.words.values())


def measure(seen: Sequence[Seen], streams: Sequence[MediaStreamReport], expected: dict[str, str]) -> Measures:
    """Return what the call came to; `expected` is the text of each party.

    The first partial that shows a word has it in line with the final's other words; a word that only the final showed
    counts among the finals alone.
    """
    entries = [each.what for each in seen if isinstance(each.what, Entry)]
    call = fold(entries)
    lines = transcript(entries)
    heard = {party: " ".join(line.said.text for line in lines if line.party == party) for party in expected}
    sent = {leg.started.leg: (cast("Track", leg.started.track), stream) for leg in call.legs for stream in streams
            if leg.started.media_stream == stream.stream_sid}  # fmt: skip
    partials: list[float] = []
    finals: list[float] = []
    shown: dict[str, list[tuple[float, list[str]]]] = {}
    for each in seen:
        match each.what:
            case PartialMessage(id=utterance_id, text=text):
                shown.setdefault(utterance_id, []).append((each.at_s, words(text)))
            case Entry(body=Utterance() as said) if said.leg in sent:
                track, stream = sent[said.leg]
                finals.append((each.at_s - stream.sent_at(track, said.end_ms)) * 1000)
                partials += _first_shown(said, shown.get(said.id, []), track, stream)
    return Measures(
        call=call,
        words={party: word_errors(text, heard[party]) for party, text in expected.items()},
        legs=call.legs,
        partials=Latencies(tuple(partials)),
        finals=Latencies(tuple(finals)),
    )


def _first_shown(
    said: Utterance, shown: Sequence[tuple[float, list[str]]], track: Track, stream: MediaStreamReport
) -> list[float]:
    spoken = [(part, word) for word in said.words for part in words(word.text)]
    first_s: dict[int, float] = {}
    for at_s, text in shown:
        for place in _common([part for part, _ in spoken], text):
            # A word that is repeated may be taken for one that is still to come.
            if at_s >= stream.sent_at(track, spoken[place][1].start_ms):
                first_s.setdefault(place, at_s)
    return [(at_s - stream.sent_at(track, spoken[place][1].end_ms)) * 1000 for place, at_s in first_s.items()]


def _common(final: list[str], text: list[str]) -> Iterator[int]:
    """Give the places in `final` of the words that `text` has too, in the same order."""
    for block in SequenceMatcher(None, final, text, autojunk=False).get_matching_blocks():
        yield from range(block.a, block.a + block.size)
