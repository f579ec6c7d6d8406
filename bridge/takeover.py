"""How a lane passes from one process to another: what is written down of it, and where the next one goes on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bridge.dialects.events import Audio, Started
from bridge.lane import Lane
from bridge.splice import continuation
from bridge.timeline import Timeline
from callscribe.audio_format import of_codec
from callscribe.entries import TWILIO
from callscribe.lane_record import LaneRecord, LegRecord


@dataclass(frozen=True, slots=True)
class Keeper:
    """Whose the lanes of a media stream are."""

    task: str
    tenant: str
    provider: str = TWILIO


@dataclass(frozen=True, slots=True)
class Taken:
    """A lane that another process had.

    If it let go (`record.released`), `audio` is what Gladia has not acknowledged and `tail` the last that was heard.
    If it died, both are empty.
    """

    record: LaneRecord
    audio: bytes
    tail: bytes


def record_of(
    lane: Lane, key: str, started: Started, keeper: Keeper, *, at_ms: int, offset_ms: int, now_held: bool = True
) -> LaneRecord:
    """Return what another process needs to go on with `lane`, of which the last audio was said at `at_ms`, POSIX.

    `now_held`: audio that has come and was not given out yet counts, as it will be.
    """
    stretch = lane.current
    session = stretch.session
    position_ms = said_ms = lane.ms(lane.position)
    if lane.timeline is not None:
        said_ms = lane.ms(lane.begin) + lane.timeline.said_ms
        if now_held:
            position_ms = lane.ms(lane.begin) + max(lane.timeline.end_ms(leg.track) for leg in lane.legs)
    ledgers = [lane.ledger(leg) for leg in lane.legs]
    return LaneRecord(
        call_id=started.call_id,
        tenant=keeper.tenant,
        lane=key,
        owner=keeper.task,
        media_stream=started.media_stream,
        account=started.account,
        provider=keeper.provider,
        legs=tuple(
            LegRecord(
                name=leg.name,
                party=leg.party,
                track=leg.track,
                channel=leg.channel,
                heard=ledger.heard,
                filled=ledger.filled,
                dropped=ledger.dropped,
            )
            for leg, ledger in zip(lane.legs, ledgers, strict=True)
        ),
        session_id=session.session_id,
        url=session.url,
        begin=stretch.begin,
        acknowledged=session.acknowledged,
        sent=session.sent,
        position_ms=position_ms,
        at_ms=at_ms + position_ms - said_ms,
        offset_ms=offset_ms,
        sessions=lane.sessions,
        reconnects=lane.reconnects,
        encoding=started.form.encoding,
        rate_hz=started.form.rate_hz,
        lost=lane.inherited.lost + lane.lost,
    )


def begin_ms(taken: Taken, early: Iterable[Audio], *, first_at_ms: int) -> int:
    """Return where the first frame of the new media stream stands on a lane that was taken over, in ms.

    `early` is the audio that has come of it so far, from its first frame on, which began at `first_at_ms`, POSIX. Two
    streams of one call carry the same bytes, so where the old one was let go of is looked for in the new one; else
    the two processes' clocks decide.
    """
    record = taken.record
    tracks = tuple(leg.track for leg in record.legs)
    heard = list(early)
    end = record.begin + record.acknowledged + len(taken.audio)
    if taken.tail and heard:
        form = of_codec(f"{record.encoding}/{record.rate_hz}")
        timeline = Timeline(tracks, origin_ms=min(event.media_ms for event in heard), form=form)
        for event in heard:
            if event.track in tracks:
                timeline.place(event.track, event.media_ms, event.audio, event.packets)
        audio = b"".join(iter(timeline.finish, b""))
        place = continuation(taken.tail, audio, frame_bytes=form.sample_bytes * len(tracks))
        if place is not None:
            return (end - place) // (form.bytes_a_ms * len(tracks))
    return record.position_ms + first_at_ms - record.at_ms
