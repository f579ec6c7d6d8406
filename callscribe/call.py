"""The state of a call, folded from its log."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from callscribe.entries import (
    BatchWanted,
    CallEnded,
    CallFailed,
    CallStarted,
    Entry,
    LegEnded,
    LegGap,
    LegStarted,
    Utterance,
)

BEGAN_LATE = "the track began late"  # a gap's cause


@dataclass(frozen=True, slots=True)
class Leg:
    """One party's audio, as far as the log tells."""

    started: LegStarted
    ended: LegEnded | None = None
    gaps: tuple[LegGap, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether all that was said on this leg has been heard by Gladia: nothing lost on the way, nothing missing.

        A track that began after the other one is whole: before its first frame nobody was on the line.
        """
        if self.ended is None:
            return False
        return self.ended.ledger.was_taken and all(gap.cause == BEGAN_LATE for gap in self.gaps)


@dataclass(frozen=True, slots=True)
class Call:
    """What is known of a call after entry `seq`."""

    seq: int = 0
    started: CallStarted | None = None
    started_at: str | None = None
    first_leg_at: str | None = None  # when the call's clock began, within the time that a session takes to open
    ended: CallEnded | None = None
    failed: CallFailed | None = None
    batch_wanted: BatchWanted | None = None
    legs: tuple[Leg, ...] = ()
    utterances: int = 0

    @property
    def clock_at(self) -> str | None:
        """When the call's clock began; None before it has."""
        told = self.started.clock_at if self.started is not None else ""
        return told or self.first_leg_at

    @property
    def complete(self) -> bool:
        """Whether every leg is: the claim that no word can be missing but for what nobody could make out."""
        return bool(self.legs) and self.failed is None and all(leg.complete for leg in self.legs)

    @property
    def settled(self) -> bool:
        """Whether the log is final: the call is over and every leg has given its last words.

        A call that was answered has legs, or an entry that says why it has none, which may come after its end.
        """
        if self.ended is None or any(leg.ended is None for leg in self.legs):
            return False
        was_told = self.failed is not None or self.batch_wanted is not None
        return bool(self.legs) or was_told or self.ended.reason != "completed"

    def party(self, leg: str) -> str:
        """Return who spoke on `leg`; the leg's own name if the log hasn't said."""
        return next((each.started.party for each in self.legs if each.started.leg == leg), leg)

    def after(self, entry: Entry) -> Call:
        """Return the state after `entry`, the next of the log."""
        seq = entry.seq
        match entry.body:
            case CallStarted() as started:
                return replace(self, seq=seq, started=started, started_at=entry.at)
            case CallEnded() as ended:
                return replace(self, seq=seq, ended=ended)
            case CallFailed() as failed:
                return replace(self, seq=seq, failed=failed)
            case BatchWanted() as batch_wanted:
                return replace(self, seq=seq, batch_wanted=batch_wanted)
            case LegStarted() as again if any(leg.started.leg == again.leg for leg in self.legs):
                # Gladia ended the session that heard this leg, and another one goes on with it.
                return replace(self, seq=seq, legs=self._legs(again.leg, lambda leg: replace(leg, started=again)))
            case LegStarted() as leg_started:
                legs = (*self.legs, Leg(leg_started))
                return replace(self, seq=seq, legs=legs, first_leg_at=self.first_leg_at or entry.at)
            case LegEnded() as ended:
                return replace(self, seq=seq, legs=self._legs(ended.leg, lambda leg: replace(leg, ended=ended)))
            case LegGap() as gap:
                return replace(self, seq=seq, legs=self._legs(gap.leg, lambda leg: replace(leg, gaps=(*leg.gaps, gap))))
            case Utterance():
                return replace(self, seq=seq, utterances=self.utterances + 1)
            case _:
                return replace(self, seq=seq)

    def _legs(self, name: str, change: Callable[[Leg], Leg]) -> tuple[Leg, ...]:
        return tuple(change(leg) if leg.started.leg == name else leg for leg in self.legs)


def fold(entries: Iterable[Entry]) -> Call:
    """Return the state of the call whose log begins with `entries`."""
    call = Call()
    for entry in entries:
        call = call.after(entry)
    return call
