"""What a media stream tells: entries for the log, and partials to be shown at once."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.dialects.events import Started
from bridge.lane import Lane, Leg
from callscribe.entries import (
    BatchWanted,
    Body,
    CallFailed,
    Dtmf,
    LegEnded,
    LegGap,
    LegStarted,
    SessionWaiting,
    Utterance,
)


@dataclass(frozen=True, slots=True)
class Append:
    """Write this as the next entry of the call's log; `token` names it, however often it is tried."""

    body: Body
    token: str


@dataclass(frozen=True, slots=True)
class Partial:
    """A party is saying this; the next partial, or the utterance, of the same id replaces it."""

    leg: str
    party: str
    id: str
    text: str
    start_ms: int
    end_ms: int


class Teller:
    """Makes the entries of one media stream. Times given to it are ms since the lane's first frame."""

    def __init__(self, started: Started, offset_ms: int) -> None:
        """`offset_ms` is where the lanes begin on the call's clock."""
        self._started = started
        self.offset_ms = offset_ms

    def leg_started(self, leg: Leg, session_id: str, begin_ms: int) -> Append:
        """Tell that `leg` goes to this session, whose audio begins at `begin_ms`."""
        body = LegStarted(
            leg=leg.name,
            party=leg.party,
            track=leg.track,
            codec=self._started.form.codec,
            media_stream=self._started.media_stream,
            session=session_id,
            channel=leg.channel,
            offset_ms=self.offset_ms,
            session_begin_ms=begin_ms + self.offset_ms,
        )
        # A session that another process opened is heard by another media stream, and that is another fact.
        return Append(body, f"{leg.name}/started/{session_id}/{self._started.media_stream}")

    def gap(self, leg: Leg, start_ms: int, end_ms: int, cause: str) -> Append:
        """Tell that words of `leg` may be missing here."""
        body = LegGap(leg=leg.name, start_ms=start_ms + self.offset_ms, end_ms=end_ms + self.offset_ms, cause=cause)
        return Append(body, f"{leg.name}/gap/{start_ms}/{cause}")

    def digit(self, leg: Leg, digit: str, at_ms: int, number: int) -> Append:
        """Tell of the `number`-th key that was pressed."""
        body = Dtmf(leg=leg.name, digit=digit, at_ms=at_ms + self.offset_ms)
        return Append(body, f"{leg.name}/digit/{self._started.media_stream}/{number}")

    def partial(self, leg: Leg, utterance: Utterance) -> Partial:
        """Show what will be `utterance`."""
        return Partial(leg.name, leg.party, utterance.id, utterance.text, utterance.start_ms, utterance.end_ms)

    def waiting(self, lane: Lane, taken: int) -> Append:
        """Tell that all `taken` sessions of Gladia's plan are in use, and that this lane waits for one."""
        body = SessionWaiting(media_stream=self._started.media_stream, taken=taken)
        return Append(body, f"{lane.legs[0].name}/waiting")

    def failed(self, lane: Lane, reason: str, *, utterances: int) -> Append:
        """Tell that this lane is not heard any more, and how much of it was."""
        heard_ms = max((lane.ledger(leg).heard for leg in lane.legs), default=0) // lane.form.bytes_a_ms
        body = CallFailed(reason=reason, kept=f"{utterances} utterances of {heard_ms} ms heard")
        return Append(body, f"{lane.legs[0].name}/failed")

    def batch_wanted(self, lane: Lane, reason: str) -> Append:
        """Tell that the call's recording should be transcribed, as this lane was not heard live."""
        body = BatchWanted(media_stream=self._started.media_stream, reason=reason)
        return Append(body, f"{lane.legs[0].name}/batch")

    def leg_ended(self, lane: Lane, leg: Leg) -> Append:
        """Tell that all words of `leg` are in the log."""
        body = LegEnded(leg=leg.name, ledger=lane.ledger(leg), sessions=lane.sessions, reconnects=lane.reconnects)
        return Append(body, f"{leg.name}/ended")
