"""The words of a media stream: what sessions hear, as utterances of its legs, each told once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from bridge.gladia_analysis import AddOnFailed, Analysis, entry
from bridge.lane import Lane, Stretch
from bridge.telling import Append, Partial, Teller
from callscribe.after_call import Entities, Sentiment
from callscribe.entries import Body, Utterance, Word
from callscribe.gladia_transcript import Transcript
from callscribe.reconciliation import Place, missing
from callscribe.stored_result import Stored


class Words:
    """All that was said on the lanes of one media stream."""

    def __init__(self, teller: Teller, counts: Counter[str]) -> None:
        self._teller = teller
        self._counts = counts
        self._finals: set[str] = set()
        self._known: list[Utterance] = []  # of the log, told by another process
        self._analysed: set[str] = set()

    @property
    def count(self) -> int:
        """How many utterances are told."""
        return len(self._finals)

    def know(self, told: Iterable[Body]) -> None:
        """Take note of what is in the log already."""
        for body in told:
            match body:
                case Utterance(id=utterance):
                    self._known.append(msgspec.structs.replace(body, words=()))
                    self._finals.add(utterance)
                case Entities() | Sentiment():
                    self._analysed.add(_token(body))
                case _:
                    pass

    def heard(self, lane: Lane, stretch: Stretch, transcript: Transcript) -> Iterator[Append | Partial]:
        """Tell what a session hears, unless it was told before or is another session's to tell."""
        utterance = self._place(lane, stretch).utterance(transcript)
        if utterance is None:
            self._counts["unknown_channel"] += 1
        elif utterance.id in self._finals:  # a resumed session says it again
            self._counts["repeated"] += 1
        elif (own := self._own(lane, stretch, utterance)) is None:
            self._counts["heard_twice"] += 1
        elif transcript.is_final:
            yield self._final(stretch, own)
        else:
            self._counts["partials"] += 1
            yield self._teller.partial(lane.legs[transcript.utterance.channel], own)

    def analysed(self, lane: Lane, stretch: Stretch, analysis: Analysis | AddOnFailed) -> Iterator[Append]:
        """Tell what an add-on found in an utterance, where that was told."""
        if isinstance(analysis, AddOnFailed):
            self._counts["add_ons_failed"] += 1
            return
        found = entry(analysis, self._place(lane, stretch), until_ms=self._until_ms(lane, stretch))
        if found is None or found.utterance not in self._finals:
            return
        token = _token(found)
        if token in self._analysed:  # a resumed session says it again
            self._counts["repeated"] += 1
            return
        self._analysed.add(token)
        yield Append(found, token)

    def recovered(self, lane: Lane, stretch: Stretch, stored: Stored) -> Iterator[Append]:
        """Tell what a session heard and had not said when it ended."""
        for utterance in missing([*self._known, *stretch.said], stored, self._place(lane, stretch)):
            own = self._own(lane, stretch, utterance)
            if own is not None and own.id not in self._finals:
                self._counts["recovered"] += 1
                yield self._final(stretch, own)

    def uncertain(self, lane: Lane, stretch: Stretch) -> Iterator[Append]:
        """Tell where words of `stretch` may be missing: after the last ones that came."""
        end_ms = lane.ms(lane.position if stretch.until is None else stretch.until)
        for leg in lane.legs:
            said = [each.end_ms - self._teller.offset_ms for each in stretch.said if each.leg == leg.name]
            start_ms = max([lane.ms(stretch.begin), *said])
            if stretch.session.session_id and start_ms < end_ms:
                yield self._teller.gap(leg, start_ms, end_ms, "gladia did not say its last words")

    def _own(self, lane: Lane, stretch: Stretch, utterance: Utterance) -> Utterance | None:
        """Return what of `utterance` was said before another session hears, which was given the same audio."""
        until_ms = self._until_ms(lane, stretch)
        if until_ms is None:
            return utterance
        if not utterance.words:
            return utterance if _middle_ms(utterance) < until_ms else None
        words = tuple(word for word in utterance.words if _middle_ms(word) < until_ms)
        if not words:
            return None
        if len(words) == len(utterance.words):
            return utterance
        text = "".join(word.text for word in words).strip()
        return msgspec.structs.replace(utterance, words=words, text=text, end_ms=words[-1].end_ms)

    def _final(self, stretch: Stretch, utterance: Utterance) -> Append:
        self._finals.add(utterance.id)
        stretch.said.append(msgspec.structs.replace(utterance, words=()))
        self._counts["finals"] += 1
        return Append(utterance, utterance.id)

    def _until_ms(self, lane: Lane, stretch: Stretch) -> int | None:
        """Return from when on another session hears, if one does."""
        return None if stretch.until is None else lane.ms(stretch.until) + self._teller.offset_ms

    def _place(self, lane: Lane, stretch: Stretch) -> Place:
        return lane.place(stretch, offset_ms=self._teller.offset_ms)


def _token(found: Entities | Sentiment) -> str:
    return f"{found.utterance}/{'entities' if isinstance(found, Entities) else 'sentiment'}"


def _middle_ms(said: Utterance | Word) -> int:
    return (said.start_ms + said.end_ms) // 2
