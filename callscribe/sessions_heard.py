"""Which of Gladia's sessions heard a call, as its log tells, and what of their words the log lacks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from callscribe.entries import Entry, LegStarted, Utterance
from callscribe.gladia_transcript import Speech
from callscribe.reconciliation import Place, missing
from callscribe.spoken import Spoken
from callscribe.stored_result import Stored


@dataclass(frozen=True, slots=True)
class SessionHeard:
    """A session, where its words stand in the call, and when another one went on, in ms; None if none did."""

    place: Place
    until_ms: int | None = None

    @property
    def id(self) -> str:
        """Gladia's name of it."""
        return self.place.session_id

    def lacking(self, known: Sequence[Utterance], stored: Stored) -> list[Utterance]:
        """Return the entries that a log with `known` lacks of what Gladia has stored, in the order of speech.

        Of two sessions that heard the same words, as one was opened before the other had ended, the log has one's.
        """
        others = [said for said in known if not said.id.startswith(f"{self.id}/")]
        spoken = Spoken()
        for said in others:
            if said.leg in self.place.legs:
                spoken.add(self._speech(said))
        return [
            said
            for said in missing(known, stored, self.place)
            if said.leg
            and (self.until_ms is None or said.start_ms < self.until_ms)
            and self._speech(said) not in spoken
        ]

    def _speech(self, said: Utterance) -> Speech:
        channel = self.place.legs.index(said.leg)
        start, end = said.start_ms / 1000, said.end_ms / 1000
        return Speech(said.text, start, end, said.confidence, channel, said.language, ())


def sessions_heard(entries: Iterable[Entry]) -> list[SessionHeard]:
    """Return the sessions that heard the call whose log is `entries`, in the order in which they did.

    Left out is one whose beginning the log does not tell: in logs of older versions, each but a leg's first.
    """
    started: dict[str, dict[str, LegStarted]] = {}
    of_leg: dict[str, list[str]] = {}
    for entry in entries:
        match entry.body:
            case LegStarted(session=session, leg=leg) as body if leg not in started.setdefault(session, {}):
                started[session][leg] = body
                of_leg.setdefault(leg, []).append(session)
    begins = {session: begin for session, legs in started.items() if (begin := _begin_ms(legs, of_leg)) is not None}
    return [
        SessionHeard(_place(session, legs, begins[session]), _until_ms(session, legs, of_leg, begins))
        for session, legs in started.items()
        if session in begins
    ]


def _begin_ms(legs: dict[str, LegStarted], of_leg: dict[str, list[str]]) -> int | None:
    for leg, started in legs.items():
        if started.session_begin_ms is not None:
            return started.session_begin_ms
        if of_leg[leg][0] == started.session:
            return started.offset_ms
    return None


def _place(session: str, legs: dict[str, LegStarted], begin_ms: int) -> Place:
    names = {started.channel: leg for leg, started in legs.items()}
    return Place(session, tuple(names.get(channel, "") for channel in range(max(names) + 1)), begin_ms)


def _until_ms(
    session: str, legs: dict[str, LegStarted], of_leg: dict[str, list[str]], begins: dict[str, int]
) -> int | None:
    followers = (after for leg in legs for after in of_leg[leg][of_leg[leg].index(session) + 1 :])
    return min((begins[each] for each in followers if each in begins), default=None)
