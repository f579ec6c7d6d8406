"""What the log still has to be told of a lane that nobody hears any more, and whose call is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from callscribe.audio_format import AudioFormat, of_codec
from callscribe.entries import Body, CallFailed, Entry, Ledger, LegEnded, LegGap, LegStarted, Utterance
from callscribe.lane_record import LaneRecord, LegRecord
from callscribe.reconciliation import Place, missing
from callscribe.stored_result import Stored
from functions.fact import Fact

CAUSE = "no bridge had the call"
NOT_HEARD = "no bridge had the call for long enough to be granted a session"


@dataclass(frozen=True, slots=True)
class Heard:
    """A lane as far as it is known: a bridge wrote down its record, and Gladia had `audio_s` of its last session.

    Of a bridge that died the record may be half a minute old; what became of the audio after it, Gladia knows best.
    """

    record: LaneRecord
    audio_s: float | None

    @property
    def place(self) -> Place:
        """Where the words of the lane's last session stand in the call."""
        names = {leg.channel: leg.name for leg in self.record.legs}
        legs = tuple(names.get(channel, "") for channel in range(max(names, default=-1) + 1))
        return Place(self.record.session_id, legs, self.record.offset_ms + self._begin_ms)

    @property
    def until_ms(self) -> int:
        """How much of the lane was heard by Gladia, or else by the bridge."""
        return self.record.position_ms if self.audio_s is None else self._begin_ms + round(1000 * self.audio_s)

    def ledger(self, leg: LegRecord) -> Ledger:
        """Return where each byte of `leg` went. What only Gladia knows of is taken to be heard, not filled in."""
        record, channels = self.record, len(self.record.legs)
        before = record.begin - record.lost
        got = 0 if self.audio_s is None else before + round(1000 * self.audio_s) * self._form.bytes_a_ms * channels
        arrived = max(leg.heard + leg.filled - leg.dropped, got // channels)
        sent = min(arrived, max(0, before + record.sent, got) // channels)
        acknowledged = min(sent, max(0, before + record.acknowledged, got) // channels)
        return Ledger(
            heard=arrived + leg.dropped - leg.filled,
            filled=leg.filled,
            dropped=leg.dropped,
            sent=sent,
            acknowledged=acknowledged,
            unsent=arrived - sent,
        )

    @property
    def _form(self) -> AudioFormat:
        return of_codec(f"{self.record.encoding}/{self.record.rate_hz}")

    @property
    def _begin_ms(self) -> int:
        return self.record.begin // (self._form.bytes_a_ms * len(self.record.legs))


def close(
    record: LaneRecord, entries: Sequence[Entry], *, stored: Stored, ended_at_ms: int | None, failure: str | None
) -> list[Fact]:
    """Return the facts that `entries`, the whole log, lacks of the lane in `record`: none if its legs have ended.

    These are what Gladia heard and nobody wrote down, a gap from what was heard last to the call's end (`ended_at_ms`,
    POSIX; where that isn't known, to what the bridge still heard), `failure` if the words can't be had, and the ledger
    of each leg.
    """
    bodies = [entry.body for entry in entries]
    started = {body.leg for body in bodies if isinstance(body, LegStarted)}
    ended = {body.leg for body in bodies if isinstance(body, LegEnded)}
    legs = [leg for leg in record.legs if leg.name not in ended]
    if not legs:
        return []
    heard = Heard(record, stored.audio_s if record.session_id else None)
    known = [body for body in bodies if isinstance(body, Utterance)]
    words = missing(known, stored, heard.place) if record.session_id else []
    facts = [_started(record, leg) for leg in legs if leg.name not in started and record.session_id]
    facts += [Fact(utterance, utterance.id) for utterance in words]
    end_ms = record.position_ms + max(0, (ended_at_ms or 0) - record.at_ms)
    begun = [leg for leg in legs if leg.name in started or record.session_id]
    if heard.until_ms < end_ms:
        facts += [_gap(record, leg, heard.until_ms, end_ms) for leg in begun]
    if not begun and failure is None:
        failure = NOT_HEARD  # or nothing would say why a call that was answered has no transcript
    if failure is not None:
        body = CallFailed(reason=failure, kept=f"{len(known) + len(words)} utterances")
        facts.append(Fact(body, f"{record.legs[0].name}/unattended"))
    facts += [
        Fact(
            LegEnded(leg=leg.name, ledger=heard.ledger(leg), sessions=record.sessions, reconnects=record.reconnects),
            f"{leg.name}/ended",
        )
        for leg in begun
    ]
    return [fact for fact in facts if not _is_told(fact.body, bodies)]


def _started(record: LaneRecord, leg: LegRecord) -> Fact:
    body = LegStarted(
        leg=leg.name,
        party=leg.party,
        track=leg.track,
        codec=f"{record.encoding}/{record.rate_hz}",
        media_stream=record.media_stream,
        session=record.session_id,
        channel=leg.channel,
        offset_ms=record.offset_ms,
        session_begin_ms=Heard(record, None).place.begin_ms,
    )
    return Fact(body, f"{leg.name}/started/{record.session_id}/{record.media_stream}")


def _gap(record: LaneRecord, leg: LegRecord, start_ms: int, end_ms: int) -> Fact:
    body = LegGap(leg=leg.name, start_ms=record.offset_ms + start_ms, end_ms=record.offset_ms + end_ms, cause=CAUSE)
    return Fact(body, f"{leg.name}/gap/{start_ms}/{CAUSE}")


def _is_told(body: Body, bodies: Sequence[Body]) -> bool:
    """Whether an earlier run, which did not come to its end, has told this. Words are compared before."""
    match body:
        case LegGap():
            # What Gladia can say of it may have changed meanwhile.
            gaps = [each for each in bodies if isinstance(each, LegGap) and (each.leg, each.cause) == (body.leg, CAUSE)]
            return any(each.start_ms < body.end_ms and body.start_ms < each.end_ms for each in gaps)
        case CallFailed(reason=reason):
            return any(isinstance(each, CallFailed) and each.reason == reason for each in bodies)
        case _:
            return False
