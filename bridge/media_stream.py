"""One media stream, from its first frame to its last word: tracks to sessions, words to the call's log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from bridge import gladia
from bridge import session_events as session
from bridge.dialects.events import Audio, Digit, Started, Stopped
from bridge.lane import FRUITLESS_LIMIT, Inherited, Lane, Leg, Stretch
from bridge.rollover import Rollover
from bridge.session import State
from bridge.takeover import Taken
from bridge.telling import Append, Partial, Teller
from bridge.timeline import Timeline
from bridge.track import SILENCE
from callscribe.entries import Utterance
from callscribe.gladia_transcript import Transcript
from callscribe.reconciliation import Place, missing
from callscribe.settings import NumberSettings
from callscribe.stored_result import Stored

# Gladia drops a session on which no audio came for about 30 s. A chunk of silence in half that time keeps it, and costs
# the least if what the carrier held back comes after all.
KEEP_ALIVE_S = 15.0
KEEP_ALIVE_MS = 100
# A session to which no audio came for longer has been ended by Gladia, or is about to be.
BRIDGED_MS = 25_000


@dataclass(frozen=True, slots=True)
class ToSession:
    """Do this for the session of that number."""

    number: int
    command: session.Command


Effect: TypeAlias = ToSession | Append | Partial


class MediaStream:
    """Decides, for one media stream, what is sent to Gladia, what is written to the log and what is shown at once."""

    def __init__(
        self,
        started: Started,
        settings: NumberSettings,
        *,
        direction: str,
        offset_ms: int = 0,
        jitter: Callable[[], float],
    ) -> None:
        """`direction` is the call's; `offset_ms` places the stream's first frame on the call's clock."""
        self._teller = Teller(started, offset_ms)
        self._origin_ms: int | None = None
        self._stopped = False
        self._has_left = False
        self._quiet_at: float | None = None  # when the carrier will have been silent for too long
        self._waiting: set[int] = set()  # sessions for which Gladia's plan has no room yet
        self._finals: set[str] = set()
        self.counts: Counter[str] = Counter()
        groups = [started.tracks] if settings.session == "per_stream" else [(track,) for track in started.tracks]
        self.lanes = [
            Lane(
                tuple(
                    Leg(f"{started.media_stream}/{track}", settings.party(track, direction), track, channel)
                    for channel, track in enumerate(tracks)
                ),
                gladia.opening(
                    channels=len(tracks),
                    options=settings.gladia,
                    metadata={"call_id": started.call_id, "media_stream": started.media_stream},
                ),
                jitter=jitter,
            )
            for tracks in groups
        ]
        self._stretches: list[tuple[Lane, Stretch]] = []  # by number
        self._rollovers = {id(lane): Rollover(len(lane.legs)) for lane in self.lanes}

    @property
    def closed(self) -> bool:
        """Whether every session has given its last word."""
        return bool(self._stretches) and all(stretch.session.closed for _, stretch in self._stretches)

    @property
    def deadline(self) -> float | None:
        """When to call `wake`; None while nothing is waited for."""
        if self.closed:
            return None  # the carrier may go on, but there is no session to keep
        deadlines = [
            self._quiet_at,
            *(stretch.session.deadline for _, stretch in self._stretches),
            *(self._rollover(lane).deadline for lane in self.lanes),
        ]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def open(self, *, now: float = 0.0) -> list[Effect]:
        """Begin: ask for the sessions, or go on with those that were taken over."""
        effects: list[Effect] = []
        for lane in self.lanes:
            if not lane.stretches:
                lane.current = self._stretch(lane, lane.position)
            effects += self._opened(lane, lane.current, now)
            if lane.current.session.is_located and not lane.is_joined:
                effects += self._join(lane, lane.heard_until, now)
        return effects

    def take_over(self, name: str, taken: Taken, begin_ms: int) -> None:
        """Before `open`: let the lane of that name go on with what another process had.

        Its first frame will stand at `begin_ms` on the lane.
        """
        lane = next(lane for lane in self.lanes if lane.name == name)
        record = taken.record
        self._teller.offset_ms = record.offset_ms
        lane.legs = tuple(Leg(leg.name, leg.party, leg.track, leg.channel) for leg in record.legs)
        lane.inherited = Inherited(
            heard={leg.name: leg.heard for leg in record.legs},
            filled={leg.name: leg.filled for leg in record.legs},
            dropped={leg.name: leg.dropped for leg in record.legs},
            lost=record.lost,
            sessions=record.sessions - 1,
            reconnects=record.reconnects,
        )
        lane.begin = lane.at_ms(begin_ms)
        lane.is_joined = False
        end = record.begin + record.acknowledged + len(taken.audio)
        lane.heard_until = end if record.released or not record.session_id else lane.at_ms(record.position_ms)
        number = len(self._stretches)
        lane.current = (
            lane.resume(
                number,
                record.begin,
                session_id=record.session_id,
                url=record.url,
                acknowledged=record.acknowledged if record.released else None,
                audio=taken.audio,
            )
            if record.session_id
            else lane.add(number, record.begin, audio=taken.audio)  # it had not been granted one
        )
        self._stretches.append((lane, lane.current))

    def stretch_name(self, number: int) -> str:
        """Return a name for session `number` under which another process finds its slot again."""
        lane, stretch = self._stretches[number]
        return f"{lane.name}/{lane.inherited.sessions + lane.stretches.index(stretch)}"

    def know(self, utterances: Iterable[str]) -> None:
        """Take note of the ids of utterances that are in the log already."""
        self._finals.update(utterances)

    def begin_at(self, name: str, begin_ms: int) -> None:
        """Before `open`: let the lane of that name, which nobody had, begin at `begin_ms`."""
        lane = next(lane for lane in self.lanes if lane.name == name)
        lane.begin = lane.position = lane.heard_until = lane.at_ms(begin_ms)
        lane.inherited = Inherited(lost=lane.begin)

    @property
    def is_settled(self) -> bool:
        """Whether another process could go on with it now: not while it is itself still taking over."""
        return all(lane.is_joined for lane in self.lanes)

    @property
    def is_over(self) -> bool:
        """Whether it takes no more audio: the call has ended, or another process has it."""
        return self._stopped or self.closed

    @property
    def heard_at(self) -> float | None:
        """When audio came last; None before any."""
        return None if self._quiet_at is None else self._quiet_at - KEEP_ALIVE_S

    @property
    def offset_ms(self) -> int:
        """Where its lanes begin on the call's clock."""
        return self._teller.offset_ms

    def leave(self, *, now: float, has_ended: bool) -> list[Effect]:
        """Let another process go on: the sessions are let go of as they stand, and no leg ends here.

        What has come and was not given out yet is left to the other media stream, unless this one `has_ended`.
        """
        effects: list[Effect] = []
        if has_ended:
            effects += [effect for lane in self.lanes for effect in self._rest(lane, now)]
        self._stopped = self._has_left = True
        self._quiet_at = None
        for lane in self.lanes:
            self._rollover(lane).end()
            for stretch in filter(None, (lane.current, lane.ahead)):
                effects += [ToSession(stretch.number, command) for command in stretch.session.leave()]
        return effects

    def hear(self, event: Audio | Digit | Stopped, *, now: float) -> list[Effect]:
        """Take what the carrier sends."""
        match event:
            case Audio():
                return list(self._audio(event, now))
            case Digit():
                return [self._digit(event)]
            case Stopped():
                return list(self._stop(now))

    def from_gladia(self, number: int, event: session.Event, *, now: float) -> list[Effect]:
        """Take what session `number` says."""
        lane, stretch = self._stretches[number]
        effects = list(self._outcome(lane, stretch, stretch.session.handle(event, now=now), now))
        if stretch is lane.ahead and stretch.session.state is State.RELAYING:
            self._rollover(lane).ready(now=now)
        return effects

    def waits(self, number: int, taken: int) -> list[Effect]:
        """Take note that session `number` waits, as all `taken` sessions of Gladia's plan are in use."""
        lane, stretch = self._stretches[number]
        if stretch is not lane.current:
            return []
        self._waiting.add(number)
        return [self._teller.waiting(lane, taken)]

    def wake(self, *, now: float) -> list[Effect]:
        """Go on after `deadline`."""
        effects: list[Effect] = []
        if self._quiet_at is not None and self._quiet_at <= now:
            effects += self._keep_alive(now)
        for lane in self.lanes:
            if self._rollover(lane).is_due(now):
                effects += self._open_ahead(lane, now)
        return effects + [
            effect
            for number, (_, stretch) in enumerate(list(self._stretches))
            if stretch.session.deadline is not None and stretch.session.deadline <= now
            for effect in self.from_gladia(number, session.DeadlinePassed(), now=now)
        ]

    def totals(self) -> dict[str, float]:
        """Return what this stream has come to, and what of it waits now: for metrics, and a line in the end."""
        ledgers = [lane.ledger(leg) for lane in self.lanes for leg in lane.legs]
        return {
            "heard_bytes": sum(ledger.heard for ledger in ledgers),
            "filled_bytes": sum(ledger.filled for ledger in ledgers),
            "dropped_bytes": sum(ledger.dropped for ledger in ledgers),
            "sent_bytes": sum(ledger.sent for ledger in ledgers),
            "acknowledged_bytes": sum(ledger.acknowledged for ledger in ledgers),
            "sessions": sum(lane.sessions for lane in self.lanes),
            "reconnects": sum(lane.reconnects for lane in self.lanes),
            "malformed_from_gladia": sum(lane.malformed for lane in self.lanes),
            "unacknowledged_s": sum(lane.unacknowledged_ms for lane in self.lanes) / 1000,
            "slots_waiting": len(self._waiting),
            **self.counts,
        }

    def _rollover(self, lane: Lane) -> Rollover:
        return self._rollovers[id(lane)]

    def _lane_of(self, track: str) -> tuple[Lane, Leg]:
        return next((lane, leg) for lane in self.lanes for leg in lane.legs if leg.track == track)

    # What the carrier sends

    def _audio(self, event: Audio, now: float) -> Iterator[Effect]:
        if self._stopped:
            return
        self._quiet_at = now + KEEP_ALIVE_S
        lane, _ = self._lane_of(event.track)
        timeline = lane.timeline or self._begin(event.media_ms, lane)
        timeline.place(event.track, event.media_ms, event.audio)
        yield from self._take(lane, timeline, now)

    def _begin(self, media_ms: int, lane: Lane) -> Timeline:
        # One origin for all lanes, so that both parties stand on one clock even with a session each.
        if self._origin_ms is None:
            self._origin_ms = media_ms
        lane.timeline = Timeline(tuple(leg.track for leg in lane.legs), origin_ms=self._origin_ms)
        return lane.timeline

    def _take(self, lane: Lane, timeline: Timeline, now: float) -> Iterator[Effect]:
        """Give the session what is ready, piece by piece, and tell the gaps in it."""
        while audio := timeline.take():
            yield from self._given(lane, audio, now)
        yield from self._gaps(lane, timeline)

    def _gaps(self, lane: Lane, timeline: Timeline) -> Iterator[Effect]:
        for gap in timeline.gaps():
            leg = next(leg for leg in lane.legs if leg.track == gap.track)
            begin_ms = lane.ms(lane.begin)
            start_ms = max(begin_ms + gap.start_ms, lane.ms(lane.heard_until))  # what was heard before was told before
            if start_ms < begin_ms + gap.end_ms:
                self.counts["gaps"] += 1
                yield self._teller.gap(leg, start_ms, begin_ms + gap.end_ms, gap.cause)

    def _given(self, lane: Lane, audio: bytes, now: float) -> Iterator[Effect]:
        if not (audio := lane.admit(audio)):
            return
        if self._rollover(lane).hear(audio, now=now) and lane.ahead is not None:
            yield from self._switch(lane, lane.ahead, now)
        stretch = lane.current
        lane.position += len(audio)
        yield from self._outcome(lane, stretch, stretch.session.hear(audio, now=now), now)
        if lane.current is not stretch:  # it was full
            yield from self._outcome(lane, lane.current, lane.current.session.hear(audio, now=now), now)

    def _keep_alive(self, now: float) -> Iterator[Effect]:
        self._quiet_at = now + KEEP_ALIVE_S
        self.counts["kept_alive"] += 1
        for lane in self.lanes:
            if lane.timeline is not None:
                lane.timeline.pass_over(KEEP_ALIVE_MS)
                yield from self._take(lane, lane.timeline, now)

    def _digit(self, event: Digit) -> Append:
        lane, leg = self._lane_of(event.track)
        self.counts["digits"] += 1
        at_ms = lane.ms(lane.begin) + (lane.timeline.end_ms(leg.track) if lane.timeline else 0)
        return self._teller.digit(leg, event.digit, at_ms, self.counts["digits"])

    def _stop(self, now: float) -> Iterator[Effect]:
        self._stopped = True
        self._quiet_at = None
        for lane in self.lanes:
            yield from self._rest(lane, now)
            self._rollover(lane).end()
        for lane, stretch in list(self._stretches):
            if lane.is_joined:  # else once it is
                yield from self._outcome(lane, stretch, stretch.session.handle(session.AudioEnded(), now=now), now)

    def _rest(self, lane: Lane, now: float) -> Iterator[Effect]:
        if lane.timeline is not None:
            while rest := lane.timeline.finish():
                yield from self._given(lane, rest, now)
            yield from self._gaps(lane, lane.timeline)

    # One session after the other

    def _stretch(self, lane: Lane, begin: int) -> Stretch:
        stretch = lane.add(len(self._stretches), begin)
        self._stretches.append((lane, stretch))
        return stretch

    def _opened(self, lane: Lane, stretch: Stretch, now: float, *, audio: bytes = b"", delay_s: float = 0.0,
                is_whole: bool = False) -> Iterator[Effect]:  # fmt: skip
        """Open the session of `stretch` with what it has to hear first; nothing else comes if that `is_whole`."""
        yield from self._outcome(lane, stretch, stretch.session.open(now=now, delay_s=delay_s), now)
        if audio:
            yield from self._outcome(lane, stretch, stretch.session.hear(audio, now=now), now)
        if is_whole or self._stopped:
            yield from self._outcome(lane, stretch, stretch.session.handle(session.AudioEnded(), now=now), now)

    def _open_ahead(self, lane: Lane, now: float) -> Iterator[Effect]:
        """Open the session that hears on when this one has had its three hours."""
        self.counts["rollovers"] += 1
        lane.ahead = self._stretch(lane, lane.position)
        self._rollover(lane).opening()
        yield from self._opened(lane, lane.ahead, now)

    def _switch(self, lane: Lane, ahead: Stretch, now: float) -> Iterator[Effect]:
        """Let the session that was opened ahead hear all that follows; the one before it ends, and says its last."""
        before = lane.current
        before.until = lane.position
        yield from self._step(lane, ahead, lane.position, now)
        yield from self._outcome(lane, before, before.session.handle(session.AudioEnded(), now=now), now)

    def _step(self, lane: Lane, ahead: Stretch, begin: int, now: float) -> Iterator[Effect]:
        lane.current, lane.ahead, ahead.begin = ahead, None, begin
        self._rollover(lane).switched(now=now)
        if ahead.session.session_id:  # else it is told when it is granted
            yield from (self._teller.leg_started(leg, ahead.session.session_id) for leg in lane.legs)

    def _parted(self, lane: Lane, stretch: Stretch, parted: session.Parted, now: float) -> Iterator[Effect]:
        """Give what a session did not hear to another one."""
        audio = stretch.session.unacknowledged(since=parted.resume)
        resume, until = stretch.begin + parted.resume, stretch.until
        stretch.until = stretch.begin + parted.end
        if parted.resume > parted.end:
            lane.lost += parted.resume - parted.end
            yield from self._lost(lane, stretch.until, resume)
        if until is not None:  # another one has what follows already
            if audio := audio[: max(0, until - resume)]:
                rest = self._stretch(lane, resume)
                rest.until = until
                yield from self._opened(lane, rest, now, audio=audio, is_whole=True)
            return
        self.counts["sessions_parted"] += 1
        if lane.fruitless >= FRUITLESS_LIMIT:
            lane.failure = parted.reason
            return
        ahead, delay_s = lane.ahead, lane.delay_s
        if ahead is not None:
            yield from self._step(lane, ahead, resume, now)
            yield from self._outcome(lane, ahead, ahead.session.hear(audio, now=now), now)
            return
        lane.current = self._stretch(lane, resume)
        yield from self._opened(lane, lane.current, now, audio=audio, delay_s=delay_s)

    def _join(self, lane: Lane, heard_until: int, now: float) -> Iterator[Effect]:
        """Go on with a lane that was taken over: with silence for what nobody heard, then with what was held."""
        yield from (self._teller.leg_started(leg, lane.current.session.session_id) for leg in lane.legs)
        self._rollover(lane).granted(now=now - lane.ms(heard_until - lane.current.begin) / 1000)
        missing_bytes = lane.join(heard_until)
        if missing_bytes:
            yield from self._unheard(lane, heard_until)
        if 0 < lane.ms(missing_bytes) <= BRIDGED_MS:
            for leg in lane.legs:
                lane.inherited.filled[leg.name] += missing_bytes // len(lane.legs)
            yield from self._given(lane, SILENCE * missing_bytes, now)
        elif missing_bytes:
            before, lane.position = lane.current, lane.begin
            before.until = heard_until
            lane.lost += missing_bytes
            lane.current = self._stretch(lane, lane.begin)
            yield from self._outcome(lane, before, before.session.handle(session.AudioEnded(), now=now), now)
            yield from self._opened(lane, lane.current, now)
        yield from self._held(lane, now)

    def _disown(self, lane: Lane, now: float) -> Iterator[Effect]:
        """Go on in another session, as nobody knows how far the one that was taken over has heard."""
        self.counts["sessions_parted"] += 1
        lane.current.until = lane.position = lane.begin
        lane.is_joined = True
        yield from self._unheard(lane, lane.heard_until)
        lane.current = self._stretch(lane, lane.begin)
        yield from self._opened(lane, lane.current, now)
        yield from self._held(lane, now)

    def _held(self, lane: Lane, now: float) -> Iterator[Effect]:
        yield from self._given(lane, lane.held(), now)
        if self._stopped:
            ended = lane.current.session.handle(session.AudioEnded(), now=now)
            yield from self._outcome(lane, lane.current, ended, now)

    def _unheard(self, lane: Lane, since: int) -> Iterator[Effect]:
        if since < lane.begin:
            for leg in lane.legs:
                self.counts["gaps"] += 1
                yield self._teller.gap(leg, lane.ms(since), lane.ms(lane.begin), "no bridge had the call")

    def _lost(self, lane: Lane, begin: int, end: int) -> Iterator[Effect]:
        for leg in lane.legs:
            self.counts["gaps"] += 1
            yield self._teller.gap(leg, lane.ms(begin), lane.ms(end), "gladia could not be reached in time")

    # What the sessions say

    def _outcome(self, lane: Lane, stretch: Stretch, effects: list[session.Effect], now: float) -> Iterator[Effect]:
        for effect in effects:
            match effect:
                case session.Granted(session_id=session_id):
                    self._waiting.discard(stretch.number)
                    if stretch is lane.current:
                        yield from (self._teller.leg_started(leg, session_id) for leg in lane.legs)
                        self._rollover(lane).granted(now=now)
                case session.Heard(transcript=transcript):
                    yield from self._heard(lane, stretch, transcript)
                case session.Recovered(stored=stored):
                    yield from self._recovered(lane, stretch, stored)
                case session.Located(position=position):
                    lane.heard_until = stretch.begin + position
                    yield from self._join(lane, lane.heard_until, now)
                case session.Parted() if not lane.is_joined:
                    yield from self._disown(lane, now)
                case session.Parted():
                    yield from self._parted(lane, stretch, effect, now)
                case session.Closed():
                    yield from self._closed(lane, stretch, effect, now)
                case _:
                    yield ToSession(stretch.number, effect)

    def _heard(self, lane: Lane, stretch: Stretch, transcript: Transcript) -> Iterator[Effect]:
        utterance = self._place(lane, stretch).utterance(transcript)
        if utterance is None:
            self.counts["unknown_channel"] += 1
        elif utterance.id in self._finals:  # a resumed session says it again
            self.counts["repeated"] += 1
        elif self._is_anothers(lane, stretch, utterance):
            self.counts["heard_twice"] += 1
        elif transcript.is_final:
            yield self._final(stretch, utterance)
        else:
            self.counts["partials"] += 1
            yield self._teller.partial(lane.legs[transcript.utterance.channel], utterance)

    def _recovered(self, lane: Lane, stretch: Stretch, stored: Stored) -> Iterator[Effect]:
        for utterance in missing(stretch.said, stored, self._place(lane, stretch)):
            if utterance.id not in self._finals and not self._is_anothers(lane, stretch, utterance):
                self.counts["recovered"] += 1
                yield self._final(stretch, utterance)

    def _is_anothers(self, lane: Lane, stretch: Stretch, utterance: Utterance) -> bool:
        """Whether it was said where another session hears, which was given the same audio."""
        if stretch.until is None:
            return False
        middle_ms = (utterance.start_ms + utterance.end_ms) // 2 - self._teller.offset_ms
        return middle_ms >= lane.ms(stretch.until)

    def _final(self, stretch: Stretch, utterance: Utterance) -> Append:
        self._finals.add(utterance.id)
        stretch.said.append(msgspec.structs.replace(utterance, words=()))
        self.counts["finals"] += 1
        return Append(utterance, utterance.id)

    def _place(self, lane: Lane, stretch: Stretch) -> Place:
        return lane.place(stretch, offset_ms=self._teller.offset_ms)

    def _closed(self, lane: Lane, stretch: Stretch, closed: session.Closed, now: float) -> Iterator[Effect]:
        self._waiting.discard(stretch.number)
        if stretch is lane.ahead:  # it came to nothing; the one before it goes on
            lane.ahead, stretch.until = None, stretch.begin
            self._rollover(lane).failed(now=now)
            return
        if closed.failure is not None:
            yield from self._uncertain(lane, stretch)
            if stretch is lane.current:
                lane.failure = closed.failure
        if self._has_left or not lane.closed:
            return
        if lane.failure == session.NO_SLOT:
            self.counts["slots_refused"] += 1
            yield self._teller.batch_wanted(lane, lane.failure)
        elif lane.failure is not None:
            self.counts["sessions_failed"] += 1
            yield self._teller.failed(lane, lane.failure, utterances=len(self._finals))
        if lane.was_granted:  # else its legs never began
            yield from (self._teller.leg_ended(lane, leg) for leg in lane.legs)

    def _uncertain(self, lane: Lane, stretch: Stretch) -> Iterator[Effect]:
        """Tell where words of `stretch` may be missing: after the last ones that came."""
        end = lane.position if stretch.until is None else stretch.until
        for leg in lane.legs:
            said = [each.end_ms - self._teller.offset_ms for each in stretch.said if each.leg == leg.name]
            start_ms = max([lane.ms(stretch.begin), *said])
            if stretch.session.session_id and start_ms < lane.ms(end):
                self.counts["gaps"] += 1
                yield self._teller.gap(leg, start_ms, lane.ms(end), "gladia did not say its last words")
