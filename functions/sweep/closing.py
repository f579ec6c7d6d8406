"""What the log still has to be told of a lane that nobody hears any more, and whose call is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from callscribe.entries import Body, CallFailed, Entry, Ledger, LegEnded, LegGap, LegStarted, Utterance
from callscribe.lane_record import LaneRecord, LegRecord
from callscribe.reconciliation import Place, missing
from callscribe.stored_result import Stored

BYTES_A_MS = 8  # of one channel at 8000 Hz, one byte a sample
CAUSE = "no bridge had the call"


@dataclass(frozen=True, slots=True)
class Fact:
    """An entry that is due. `token` names it as the bridge would, so that of two who write it one does."""

    body: Body
    token: str


def place_of(record: LaneRecord) -> Place:
    """Return where the words of the lane's last session stand in the call."""
    names = {leg.channel: leg.name for leg in record.legs}
    legs = tuple(names.get(channel, "") for channel in range(max(names, default=-1) + 1))
    return Place(record.session_id, legs, record.offset_ms + record.begin // (BYTES_A_MS * len(record.legs)))


def ledger_of(record: LaneRecord, leg: LegRecord) -> Ledger:
    """Return where each byte of `leg` went, as far as its bridge has told."""
    channels = len(record.legs)
    arrived = max(0, leg.heard + leg.filled - leg.dropped)
    # What no session could be given lies before `begin` too, and only the bridge knew how much that was.
    sent = min(arrived, (record.begin + record.sent) // channels)
    return Ledger(
        heard=leg.heard,
        filled=leg.filled,
        dropped=leg.dropped,
        sent=sent,
        acknowledged=min(sent, (record.begin + record.acknowledged) // channels),
        unsent=arrived - sent,
    )


def close(
    record: LaneRecord, entries: Sequence[Entry], *, stored: Stored, ended_at_ms: int | None, failure: str | None
) -> list[Fact]:
    """Return the facts that `entries`, the whole log, lacks of the lane in `record`: none if its legs have ended.

    These are what Gladia heard and nobody wrote down, a gap from what was heard last to the call's end where that is
    known (`ended_at_ms`, POSIX), `failure` if the words can't be had, and the ledger of each leg.
    """
    bodies = [entry.body for entry in entries]
    started = {body.leg for body in bodies if isinstance(body, LegStarted)}
    ended = {body.leg for body in bodies if isinstance(body, LegEnded)}
    legs = [leg for leg in record.legs if leg.name not in ended]
    if not legs:
        return []
    known = [body for body in bodies if isinstance(body, Utterance)]
    words = missing(known, stored, place_of(record)) if record.session_id else []
    facts = [_started(record, leg) for leg in legs if leg.name not in started and record.session_id]
    facts += [Fact(utterance, utterance.id) for utterance in words]
    if ended_at_ms is not None and ended_at_ms > record.at_ms:
        facts += [_gap(record, leg, ended_at_ms - record.at_ms) for leg in legs]
    if failure is not None:
        body = CallFailed(reason=failure, kept=f"{len(known) + len(words)} utterances")
        facts.append(Fact(body, f"{record.legs[0].name}/unattended"))
    facts += [
        Fact(
            LegEnded(
                leg=leg.name, ledger=ledger_of(record, leg), sessions=record.sessions, reconnects=record.reconnects
            ),
            f"{leg.name}/ended",
        )
        for leg in legs
        if leg.name in started or record.session_id
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
    )
    return Fact(body, f"{leg.name}/started/{record.session_id}/{record.media_stream}")


def _gap(record: LaneRecord, leg: LegRecord, length_ms: int) -> Fact:
    start_ms = record.offset_ms + record.position_ms
    body = LegGap(leg=leg.name, start_ms=start_ms, end_ms=start_ms + length_ms, cause=CAUSE)
    return Fact(body, f"{leg.name}/gap/{record.position_ms}/{CAUSE}")


def _is_told(body: Body, bodies: Sequence[Body]) -> bool:
    """Whether an earlier run, which did not come to its end, has told this. Words are compared before."""
    match body:
        case LegGap(leg=leg, start_ms=start_ms, cause=cause):
            return any(
                isinstance(each, LegGap) and (each.leg, each.start_ms, each.cause) == (leg, start_ms, cause)
                for each in bodies
            )
        case CallFailed(reason=reason):
            return any(isinstance(each, CallFailed) and each.reason == reason for each in bodies)
        case _:
            return False
