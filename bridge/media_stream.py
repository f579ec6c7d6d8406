"""One media stream, from its first frame to its last word: tracks to sessions, words to the call's log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import count

from bridge import gladia
from bridge import session_events as session
from bridge.dialects.events import Audio, Digit, Paused, Started, Stopped, StreamEvent
from bridge.hearing import Effect, Hearing
from bridge.lane import Lane, Leg, Stretch
from bridge.patience import first_of
from bridge.takeover import Taken
from bridge.telling import Append, Teller
from bridge.timeline import Timeline
from bridge.words import Words
from callscribe.entries import Body
from callscribe.settings import CallSettings

# Gladia drops a session on which no audio came for about 30 s. A chunk of silence in half that time keeps it.
KEEP_ALIVE_S = 15.0
KEEP_ALIVE_MS = 100


class MediaStream:
    """Decides, for one media stream, what is sent to Gladia, what is written to the log and what is shown at once."""

    def __init__(
        self,
        started: Started,
        settings: CallSettings,
        *,
        direction: str,
        offset_ms: int = 0,
        jitter: Callable[[], float],
    ) -> None:
        """`direction` is the call's; `offset_ms` places the stream's first frame on the call's clock."""
        self._teller = Teller(started, offset_ms)
        self._is_lossless = started.is_lossless
        self._begins_now = started.begins_now
        self._conceals = started.loses_packets
        self._origin_ms: int | None = 0 if started.begins_now else None
        self._stopped = False
        self._quiet_at: float | None = None  # when the carrier will have been silent for too long
        self.heard_at: float | None = None  # when audio came last
        self.counts: Counter[str] = Counter()
        self._words = Words(self._teller, self.counts)
        self._numbers = count()
        groups = [started.tracks] if settings.session == "per_stream" else [(track,) for track in started.tracks]
        self._hearings = [
            self._hearing(started, settings, tracks, direction=direction, jitter=jitter) for tracks in groups
        ]
        self._hearing_by_track = {leg.track: hearing for hearing in self._hearings for leg in hearing.lane.legs}

    @property
    def lanes(self) -> list[Lane]:
        """Its tracks, as they share sessions."""
        return [hearing.lane for hearing in self._hearings]

    @property
    def closed(self) -> bool:
        """Whether every session has given its last word."""
        return self._hearings[0].lane.closed and all(hearing.lane.closed for hearing in self._hearings)

    @property
    def is_over(self) -> bool:
        """Whether it takes no more audio: the call has ended, or another process has it."""
        return self._stopped or self.closed

    @property
    def is_settled(self) -> bool:
        """Whether another process could go on with it now: not while it is itself still taking over."""
        return all(lane.is_joined for lane in self.lanes)

    @property
    def offset_ms(self) -> int:
        """Where its lanes begin on the call's clock."""
        return self._teller.offset_ms

    @property
    def begins_ms(self) -> int:
        """Where its first frame stands on the call's clock."""
        return self._teller.offset_ms + self.lanes[0].ms(self.lanes[0].begin)

    @property
    def deadline(self) -> float | None:
        """When to call `wake`; None while nothing is waited for."""
        if self.closed:
            return None  # the carrier may go on, but there is no session to keep
        return first_of(self._quiet_at, *[hearing.deadline for hearing in self._hearings])

    @property
    def due_ms(self) -> int | None:
        """Up to when, by the carrier's clock, audio has to come for anything to be sent; None if that is not known."""
        first: int | None = None
        for hearing in self._hearings:
            timeline = hearing.lane.timeline
            due = None if timeline is None or not hearing.lane.is_joined else timeline.due_ms
            if due is None or self._stopped:
                return None
            first = due if first is None else min(first, due)
        return first

    def take_over(self, name: str, taken: Taken, begin_ms: int) -> None:
        """Before `open`: let the lane of that name go on with what another process had.

        Its first frame will stand at `begin_ms` on the lane.
        """
        lane = next(lane for lane in self.lanes if lane.name == name)
        self._teller.offset_ms = taken.record.offset_ms
        lane.take_over(next(self._numbers), taken.record, taken.audio, begin_ms=begin_ms)

    def begin_at(self, name: str, begin_ms: int) -> None:
        """Before `open`: let the lane of that name, which nobody had, begin at `begin_ms`."""
        next(lane for lane in self.lanes if lane.name == name).begin_at(begin_ms)

    def know(self, told: Iterable[Body]) -> None:
        """Take note of what is in the log already."""
        self._words.know(told)

    def open(self, *, now: float = 0.0) -> list[Effect]:
        """Begin: ask for the sessions, or go on with those that were taken over."""
        if self._begins_now:  # it may be silent from the first
            self._quiet_at = now + KEEP_ALIVE_S
        return [effect for hearing in self._hearings for effect in hearing.open(now)]

    def hear(self, event: StreamEvent, *, now: float) -> list[Effect]:
        """Take what the carrier sends."""
        match event:
            case Audio():
                return self.hear_audio([event], now=now)
            case Paused():
                self._paused(event)
                return []
            case Digit():
                return [self._digit(event)]
            case Stopped():
                return list(self._stop(now))

    def hear_audio(self, frames: Iterable[Audio], *, now: float) -> list[Effect]:
        """Take frames that came at once; what waits for them goes out when all have their place."""
        if self._stopped:
            return []
        self.heard_at, self._quiet_at = now, now + KEEP_ALIVE_S
        for frame in frames:
            lane = self._hearing_by_track[frame.track].lane
            timeline = lane.timeline or self._begin(frame.media_ms, lane)
            timeline.place(frame.track, frame.media_ms, frame.audio, frame.packets)
        effects: list[Effect] = []
        for hearing in self._hearings:
            placed = hearing.lane.timeline
            # A long silence goes with later frames. Gaps become certain by what is given out behind them.
            if placed is not None and (audio := placed.take()):
                effects += hearing.hear(audio, now)
                if placed.has_gaps:
                    effects += self._gaps(hearing.lane, placed)
        return effects

    def from_gladia(self, number: int, event: session.Event, *, now: float) -> list[Effect]:
        """Take what session `number` says."""
        hearing, stretch = self._find(number)
        return hearing.handle(stretch, event, now)

    def waits(self, number: int, taken: int) -> list[Effect]:
        """Take note that session `number` waits, as all `taken` sessions of Gladia's plan are in use."""
        hearing, stretch = self._find(number)
        return list(hearing.wait(stretch, taken))

    def wake(self, *, now: float) -> list[Effect]:
        """Go on after `deadline`."""
        effects: list[Effect] = []
        if self._quiet_at is not None and self._quiet_at <= now:
            effects += self._keep_alive(now)
        return effects + [effect for hearing in self._hearings for effect in hearing.wake(now)]

    def leave(self, *, now: float, has_ended: bool) -> list[Effect]:
        """Let another process go on: the sessions are let go of as they stand, and no leg ends here.

        What has come and was not given out yet is left to the other media stream, unless this one `has_ended`.
        """
        rest = list(self._rest(now)) if has_ended else []
        self._stopped = True
        self._quiet_at = None
        return [*rest, *(command for hearing in self._hearings for command in hearing.leave())]

    def party(self, name: str) -> str:
        """Return who speaks on the leg of that name."""
        return next(leg.party for lane in self.lanes for leg in lane.legs if leg.name == name)

    def slot_name(self, number: int) -> str:
        """Return a name for session `number` under which another process finds its slot again."""
        hearing, stretch = self._find(number)
        return f"{hearing.lane.name}/{hearing.lane.ordinal(stretch)}"

    def totals(self) -> dict[str, float]:
        """Return what this stream has come to, and what of it waits now: for metrics, and a line in the end."""
        lanes = self.lanes
        ledgers = [lane.ledger(leg) for lane in lanes for leg in lane.legs]
        return {
            "heard_bytes": sum(ledger.heard for ledger in ledgers),
            "filled_bytes": sum(ledger.filled for ledger in ledgers),
            "dropped_bytes": sum(ledger.dropped for ledger in ledgers),
            "sent_bytes": sum(ledger.sent for ledger in ledgers),
            "acknowledged_bytes": sum(ledger.acknowledged for ledger in ledgers),
            "sessions": sum(lane.sessions for lane in lanes),
            "sessions_open": sum(lane.open_sessions for lane in lanes),
            "reconnects": sum(lane.reconnects for lane in lanes),
            "malformed_from_gladia": sum(lane.malformed for lane in lanes),
            "unacknowledged_s": sum(lane.unacknowledged_ms for lane in lanes) / 1000,
            "slots_waiting": sum(hearing.is_waiting for hearing in self._hearings),
            **self.counts,
        }

    def _hearing(
        self,
        started: Started,
        settings: CallSettings,
        tracks: tuple[str, ...],
        *,
        direction: str,
        jitter: Callable[[], float],
    ) -> Hearing:
        legs = tuple(
            Leg(f"{started.media_stream}/{track}", settings.party(track, direction), track, channel)
            for channel, track in enumerate(tracks)
        )
        request = gladia.opening(
            channels=len(tracks),
            form=started.form,
            options=settings.gladia,
            metadata={"call_id": started.call_id, "media_stream": started.media_stream},
        )
        lane = Lane(legs, request, form=started.form, jitter=jitter)
        return Hearing(lane, self._teller, self._words, counts=self.counts, number=lambda: next(self._numbers))

    def _find(self, number: int) -> tuple[Hearing, Stretch]:
        for hearing in self._hearings:
            for stretch in hearing.lane.stretches:
                if stretch.number == number:
                    return hearing, stretch
        raise LookupError(f"there is no session {number}")

    def _hearing_of(self, track: str) -> tuple[Hearing, Leg]:
        hearing = self._hearing_by_track[track]
        return hearing, next(leg for leg in hearing.lane.legs if leg.track == track)

    def _paused(self, event: Paused) -> None:
        if not self._stopped:
            lane = self._hearing_by_track[event.track].lane
            timeline = lane.timeline or self._begin(event.begin_ms, lane)
            timeline.pause(event.track, event.begin_ms, event.end_ms)

    def _begin(self, media_ms: int, lane: Lane) -> Timeline:
        # One origin for all lanes, so that both parties stand on one clock even with a session each.
        if self._origin_ms is None:
            self._origin_ms = media_ms
        lane.timeline = Timeline(
            tuple(leg.track for leg in lane.legs), origin_ms=self._origin_ms, form=lane.form, conceals=self._conceals
        )
        return lane.timeline

    def _rest(self, now: float) -> Iterator[Effect]:
        """Give the sessions what is left, all lanes up to where any of them has come."""
        begun = [lane.timeline for lane in self.lanes if lane.timeline is not None]
        end_ms = max((timeline.said_ms for timeline in begun), default=0)
        for hearing in self._hearings:
            timeline = hearing.lane.timeline or (self._begin(0, hearing.lane) if begun else None)
            if timeline is not None:
                timeline.extend(end_ms)
                while rest := timeline.finish():
                    yield from hearing.hear(rest, now)
                yield from self._gaps(hearing.lane, timeline)

    def _gaps(self, lane: Lane, timeline: Timeline) -> Iterator[Append]:
        gaps = timeline.gaps()
        for gap in [] if self._is_lossless else gaps:
            leg = next(leg for leg in lane.legs if leg.track == gap.track)
            begin_ms = lane.ms(lane.begin)
            start_ms = max(begin_ms + gap.start_ms, lane.ms(lane.heard_until))  # what was heard before was told before
            if start_ms < begin_ms + gap.end_ms:
                self.counts["gaps"] += 1
                self.counts["gap_ms"] += begin_ms + gap.end_ms - start_ms
                yield self._teller.gap(leg, start_ms, begin_ms + gap.end_ms, gap.cause)

    def _keep_alive(self, now: float) -> Iterator[Effect]:
        self._quiet_at = now + KEEP_ALIVE_S
        self.counts["kept_alive"] += 1
        for hearing in self._hearings:
            yield from hearing.keep_alive(KEEP_ALIVE_MS, now)

    def _digit(self, event: Digit) -> Append:
        hearing, leg = self._hearing_of(event.track)
        lane = hearing.lane
        self.counts["digits"] += 1
        at_ms = lane.ms(lane.begin) + (lane.timeline.end_ms(leg.track) if lane.timeline else 0)
        return self._teller.digit(leg, event.digit, at_ms, self.counts["digits"])

    def _stop(self, now: float) -> Iterator[Effect]:
        self._stopped = True
        self._quiet_at = None
        yield from self._rest(now)
        for hearing in self._hearings:
            yield from hearing.end(now)
