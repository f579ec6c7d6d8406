"""A recording's words placed in the call that it is of: whose they are, and when they were said on the call's clock."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, product
from statistics import median
from typing import Final

from callscribe.call import Call
from callscribe.entries import LegStarted, Utterance, Word
from callscribe.gladia_batch import Recorded, Spoken
from callscribe.searchable import words

# A word that comes more often says little of where it belongs.
RARE: Final = 4
BIN_MS: Final = 250
# So many words that agree on one shift are no chance.
AGREED: Final = 6

# Twilio's first channel is the parent call, which is what our inbound track hears.
TRACKS: Final = ("inbound", "outbound")


@dataclass(frozen=True, slots=True)
class Voice:
    """Who is heard on a channel of the recording, or as one of the speakers of a mono one."""

    leg: str
    party: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A recording's words in their call, in the order of speech."""

    said: tuple[Utterance, ...]
    voices: dict[int, Voice]  # by channel, or by speaker of a mono recording
    offset_ms: int  # of the recording's begin on the call's clock
    is_mono: bool

    def party(self, said: Utterance) -> str:
        """Return who said it."""
        return next(voice.party for voice in self.voices.values() if voice.leg == said.leg)


def place(
    recorded: Recorded,
    live: Sequence[Utterance],
    legs: Sequence[LegStarted],
    *,
    job: str,
    begin_ms: int,
    parties: dict[str, str],
) -> Placed:
    """Return the words of `recorded`, made by `job`, in the call in which `legs` said `live`.

    `begin_ms` is where the recording begins by the wall clocks, to a second or two; words that were heard live as well
    tell it to a word. `parties` are by track.
    """
    is_mono = recorded.channels < len(TRACKS)
    anybody = {_number(spoken, is_mono=is_mono): Voice("", "") for spoken in recorded.utterances}
    shift = shift_ms(live, utterances(recorded, anybody, job=job, offset_ms=0, is_mono=is_mono))
    offset_ms = begin_ms if shift is None else shift
    if is_mono:
        voices = by_speaker(recorded, live, legs, recording=job, offset_ms=offset_ms)
    else:
        voices = by_channel(legs, recording=job, parties=parties)
    said = utterances(recorded, voices, job=job, offset_ms=offset_ms, is_mono=is_mono)
    return Placed(tuple(said), voices, offset_ms, is_mono)


def by_channel(legs: Sequence[LegStarted], *, recording: str, parties: dict[str, str]) -> dict[int, Voice]:
    """Return who is on each channel of a recording of two.

    That is the leg of the channel's track; without one, as in a call that was not heard live, a leg of the
    recording's own. `parties` are by track.
    """
    of_track = {leg.track: Voice(leg.leg, leg.party) for leg in reversed(legs)}
    return {
        channel: of_track.get(track) or Voice(f"{recording}/{track}", parties[track])
        for channel, track in enumerate(TRACKS)
    }


def by_speaker(
    recorded: Recorded, live: Sequence[Utterance], legs: Sequence[LegStarted], *, recording: str, offset_ms: int
) -> dict[int, Voice]:
    """Return who each speaker of a mono recording is: the leg that spoke at the same time for longest.

    A speaker who never spoke with a leg that no other speaker has more of is one that the recording alone knows.
    """
    parties = {leg.leg: leg.party for leg in legs}
    shared: Counter[tuple[int, str]] = Counter()
    in_order = sorted(live, key=lambda said: said.start_ms)
    longest_ms = max((said.end_ms - said.start_ms for said in live), default=0)
    for spoken in recorded.utterances:
        start, end = _ms(spoken.start) + offset_ms, _ms(spoken.end) + offset_ms
        first = bisect_left(in_order, start - longest_ms, key=lambda said: said.start_ms)
        for said in islice(in_order, first, None):
            if said.start_ms >= end:
                break
            if (common := min(end, said.end_ms) - max(start, said.start_ms)) > 0:
                shared[spoken.speaker or 0, said.leg] += common
    found: dict[int, Voice] = {}
    taken: set[str] = set()
    for (speaker, leg), _ in shared.most_common():
        if speaker not in found and leg not in taken:
            found[speaker] = Voice(leg, parties.get(leg, leg))
            taken.add(leg)
    for speaker in sorted({spoken.speaker or 0 for spoken in recorded.utterances} - set(found)):
        found[speaker] = Voice(f"{recording}/speaker-{speaker + 1}", f"speaker {speaker + 1}")
    return found


def utterances(
    recorded: Recorded, voices: dict[int, Voice], *, job: str, offset_ms: int, is_mono: bool
) -> list[Utterance]:
    """Return the recording's words as entries would have them; `offset_ms` is its begin on the call's clock.

    What is on a channel that is nobody's is left out.
    """
    found = []
    for number, spoken in enumerate(recorded.utterances):
        voice = voices.get(_number(spoken, is_mono=is_mono))
        if voice is not None and spoken.text.strip():
            found.append(_utterance(spoken, voice, f"{job}/{number}", offset_ms))
    return found


def begin_ms(call: Call, started_at: str) -> int:
    """Return where a recording that began at `started_at` (ISO 8601) stands on the call's clock, to about a second."""
    try:
        began = datetime.fromisoformat(call.first_leg_at or "")
        return round(1000 * (datetime.fromisoformat(started_at) - began).total_seconds())
    except (ValueError, TypeError):
        return 0


def shift_ms(live: Iterable[Utterance], recorded: Iterable[Utterance]) -> int | None:
    """Return how much later than `recorded` says its words were said live; None if the words don't tell.

    Rare words that both have vote for the difference of their times; the most crowded quarter of a second wins.
    """
    ours, theirs = _times(live), _times(recorded)
    votes = [
        one - other
        for word, times in ours.items()
        if len(times) <= RARE and len(theirs.get(word, ())) <= RARE
        for one, other in product(times, theirs.get(word, ()))
    ]
    bins = Counter(vote // BIN_MS for vote in votes)
    if not bins:
        return None
    crowded = max(bins, key=lambda each: (bins[each - 1] + bins[each] + bins[each + 1], -abs(each)))
    agreed = [vote for vote in votes if abs(vote // BIN_MS - crowded) <= 1]
    return round(median(agreed)) if len(agreed) >= AGREED else None


def _number(spoken: Spoken, *, is_mono: bool) -> int:
    return (spoken.speaker or 0) if is_mono else spoken.channel


def _times(said: Iterable[Utterance]) -> dict[str, list[int]]:
    times: defaultdict[str, list[int]] = defaultdict(list)
    for utterance in said:
        for word in utterance.words:
            for spelt in words(word.text):
                times[spelt].append(word.start_ms)
    return times


def _utterance(spoken: Spoken, voice: Voice, name: str, offset_ms: int) -> Utterance:
    return Utterance(
        leg=voice.leg,
        id=name,
        text=spoken.text.strip(),
        start_ms=max(0, _ms(spoken.start) + offset_ms),
        end_ms=max(0, _ms(spoken.end) + offset_ms),
        language=spoken.language,
        confidence=spoken.confidence,
        words=tuple(
            Word(word.word, max(0, _ms(word.start) + offset_ms), max(0, _ms(word.end) + offset_ms), word.confidence)
            for word in spoken.words
        ),
    )


def _ms(seconds: float) -> int:
    return round(1000 * seconds)
