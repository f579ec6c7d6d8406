"""Which session hears a lane when: one for the whole call, or one after another without a byte lost or repeated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeAlias

from msgspec import Struct

from bridge import session_events as session
from bridge.lane import FRUITLESS_LIMIT, Lane, Stretch
from bridge.patience import first_of
from bridge.rollover import Rollover
from bridge.session_states import RELAYING
from bridge.telling import Append, Partial, Teller
from bridge.words import Words

# A session to which no audio came for longer has been ended by Gladia, or is about to be.
BRIDGED_MS = 25_000


class ToSession(Struct, frozen=True):
    """Do this for the session of that number."""

    number: int
    command: session.Command


Effect: TypeAlias = ToSession | Append | Partial
Effects: TypeAlias = Iterator[Effect]


class Hearing:
    """The sessions of one lane."""

    def __init__(
        self, lane: Lane, teller: Teller, words: Words, *, counts: Counter[str], number: Callable[[], int]
    ) -> None:
        """`number` returns the next session's number, of all lanes of the media stream."""
        self.lane = lane
        self.is_waiting = False  # for a slot of Gladia's plan
        self._teller = teller
        self._words = words
        self._counts = counts
        self._number = number
        self._rollover = Rollover(len(lane.legs), lane.form)
        self._audio_ended = False
        self._has_left = False

    @property
    def deadline(self) -> float | None:
        """When to call `wake`; None while nothing is waited for."""
        return first_of(self._rollover.deadline, *[stretch.session.deadline for stretch in self.lane.stretches])

    def open(self, now: float) -> Effects:
        """Begin: ask for a session, or go on with the one that was taken over."""
        lane = self.lane
        if not lane.stretches:
            lane.current = lane.add(self._number(), lane.position)
        yield from self._opened(lane.current, now)
        if lane.current.session.is_located and not lane.is_joined:
            yield from self._join(lane.heard_until, now)

    def keep_alive(self, ms: int, now: float) -> Effects:
        """Give the session `ms` of silence ahead of its time, as nothing comes of the carrier."""
        lane = self.lane
        if lane.timeline is None or not lane.is_joined:
            return
        silence = lane.form.silent(lane.at_ms(ms))
        lane.advance += len(silence)
        yield from self._give(silence, now)

    def hear(self, audio: bytes, now: float) -> Effects | list[Effect]:
        """Give the lane's next audio to the session that hears it."""
        lane = self.lane
        if not (audio := lane.admit(audio)):
            return []
        if lane.advance or self._rollover.is_opening:
            return self._hear_between(audio, now)
        lane.position += len(audio)
        stretch = lane.current
        said = stretch.session.hear(audio, now=now)
        if len(said) == 1 and isinstance(said[0], session.Send):  # as it nearly always is
            return [ToSession(stretch.number, said[0])]
        return self._given(stretch, said, audio, now)

    def _hear_between(self, audio: bytes, now: float) -> Effects:
        """Do the same while a session was given something ahead of its time, or the next one is to take its place."""
        lane = self.lane
        if lane.advance:
            ahead = audio[: lane.advance]
            if ahead.strip(lane.form.silence):
                yield from self._go_back(now)
            else:  # it has been given this already
                lane.position += len(ahead)
                lane.advance -= len(ahead)
                audio = audio[len(ahead) :]
        if not audio:
            return
        if self._rollover.hear(audio, now=now) and lane.ahead is not None:
            yield from self._switch(lane.ahead, now)
        lane.position += len(audio)
        yield from self._give(audio, now)

    def _give(self, audio: bytes, now: float) -> Effects:
        stretch = self.lane.current
        yield from self._given(stretch, stretch.session.hear(audio, now=now), audio, now)

    def _given(self, stretch: Stretch, said: list[session.Effect], audio: bytes, now: float) -> Effects:
        yield from self._outcome(stretch, said, now)
        if self.lane.current is not stretch:  # it was full
            yield from self._outcome(self.lane.current, self.lane.current.session.hear(audio, now=now), now)

    def end(self, now: float) -> Effects:
        """No audio comes any more; the last words are due."""
        self._audio_ended = True
        self._rollover.end()
        if self.lane.is_joined:  # else once it is
            for stretch in list(self.lane.stretches):
                yield from self._end(stretch, now)

    def leave(self) -> list[ToSession]:
        """Let another process go on: the sessions are let go of as they stand, and no leg ends here."""
        self._audio_ended = self._has_left = True
        self._rollover.end()
        left = filter(None, (self.lane.current, self.lane.ahead))
        return [ToSession(stretch.number, command) for stretch in left for command in stretch.session.leave()]

    def handle(self, stretch: Stretch, event: session.Event, now: float) -> list[Effect]:
        """Take what is said of the session of `stretch`."""
        said = stretch.session.handle(event, now=now)
        effects = list(self._outcome(stretch, said, now)) if said else []
        if stretch is self.lane.ahead and stretch.session.state is RELAYING:
            self._rollover.ready(now=now)
        return effects

    def wake(self, now: float) -> Effects:
        """Go on after `deadline`."""
        if self._rollover.is_due(now):
            yield from self._open_ahead(now)
        for stretch in list(self.lane.stretches):
            if stretch.session.deadline is not None and stretch.session.deadline <= now:
                yield from self.handle(stretch, session.DeadlinePassed(), now)

    def wait(self, stretch: Stretch, taken: int) -> Effects:
        """Take note that a session waits, as all `taken` sessions of Gladia's plan are in use."""
        if stretch is self.lane.current:
            self.is_waiting = True
            yield self._teller.waiting(self.lane, taken)

    def _opened(
        self, stretch: Stretch, now: float, *, audio: bytes = b"", delay_s: float = 0.0, is_whole: bool = False
    ) -> Effects:
        """Open the session of `stretch` with what it has to hear first; nothing else comes if that `is_whole`."""
        yield from self._outcome(stretch, stretch.session.open(now=now, delay_s=delay_s), now)
        if audio:
            yield from self._outcome(stretch, stretch.session.hear(audio, now=now), now)
        if is_whole or (self._audio_ended and self.lane.is_joined):
            yield from self._end(stretch, now)

    def _end(self, stretch: Stretch, now: float) -> Effects:
        yield from self._outcome(stretch, stretch.session.handle(session.AudioEnded(), now=now), now)

    # A session that gives way to the next

    def _open_ahead(self, now: float) -> Effects:
        """Open the session that hears on when this one has had its three hours."""
        self._counts["rollovers"] += 1
        self.lane.ahead = self.lane.add(self._number(), self.lane.position)
        self._rollover.opening()
        yield from self._opened(self.lane.ahead, now)

    def _switch(self, ahead: Stretch, now: float) -> Effects:
        """Let the session that was opened ahead hear all that follows; the one before it ends, and says its last."""
        before = self.lane.current
        before.until = self.lane.position
        yield from self._step(ahead, self.lane.position, now)
        yield from self._end(before, now)

    def _go_back(self, now: float) -> Effects:
        """Hear on in another session: this one was given silence where there is sound, which came late."""
        lane = self.lane
        before = lane.current
        for stretch in lane.stretches:
            stretch.until = lane.position if stretch.until is None else min(stretch.until, lane.position)
        lane.advance = 0
        lane.current = lane.add(self._number(), lane.position)
        yield from self._end(before, now)
        yield from self._opened(lane.current, now)

    def _step(self, ahead: Stretch, begin: int, now: float) -> Effects:
        self.lane.current, self.lane.ahead, ahead.begin = ahead, None, begin
        self._rollover.switched(now=now)
        if ahead.session.session_id:  # else it is told when it is granted
            yield from self._legs_started(ahead)

    def _parted(self, stretch: Stretch, parted: session.Parted, now: float) -> Effects:
        """Give what a session did not hear to another one."""
        lane = self.lane
        if not lane.is_joined:
            yield from self._disown(now)
            return
        audio = stretch.session.unacknowledged(since=parted.resume)
        resume, until = stretch.begin + parted.resume, stretch.until
        stretch.until = stretch.begin + parted.end
        if parted.resume > parted.end:
            lane.lost += parted.resume - parted.end
            yield from self._gap(stretch.until, resume, "gladia could not be reached in time")
        if until is not None:  # another one has what follows already
            if audio := audio[: max(0, until - resume)]:
                rest = lane.add(self._number(), resume)
                rest.until = until
                yield from self._opened(rest, now, audio=audio, is_whole=True)
            return
        self._counts["sessions_parted"] += 1
        if lane.fruitless >= FRUITLESS_LIMIT:
            lane.failure = parted.reason
        elif lane.ahead is not None:
            ahead = lane.ahead
            yield from self._step(ahead, resume, now)
            yield from self._outcome(ahead, ahead.session.hear(audio, now=now), now)
        else:
            delay_s = lane.delay_s
            lane.current = lane.add(self._number(), resume)
            yield from self._opened(lane.current, now, audio=audio, delay_s=delay_s)

    # A session that another process had

    def _join(self, heard_until: int, now: float) -> Effects:
        """Go on with a lane that was taken over: with silence for what nobody heard, then with what was held."""
        lane = self.lane
        if lane.current.session.session_id:  # else it is told when it is granted
            yield from self._legs_started(lane.current)
            self._rollover.granted(now=now - lane.ms(heard_until - lane.current.begin) / 1000)
        missing = lane.join(heard_until)
        if missing:
            yield from self._gap(heard_until, lane.begin, "no bridge had the call")
        if 0 < lane.ms(missing) <= BRIDGED_MS:
            lane.fill(missing)
            yield from self.hear(lane.form.silent(missing), now)
        elif missing:
            before, lane.position = lane.current, lane.begin
            before.until = heard_until
            lane.lost += missing
            lane.current = lane.add(self._number(), lane.begin)
            yield from self._end(before, now)
            yield from self._opened(lane.current, now)
        yield from self._held(now)

    def _disown(self, now: float) -> Effects:
        """Go on in another session, as nobody knows how far the one that was taken over has heard."""
        lane = self.lane
        self._counts["sessions_parted"] += 1
        lane.current.until = lane.position = lane.begin
        lane.is_joined = True
        yield from self._gap(lane.heard_until, lane.begin, "no bridge had the call")
        lane.current = lane.add(self._number(), lane.begin)
        yield from self._opened(lane.current, now)
        yield from self._held(now)

    def _held(self, now: float) -> Effects:
        yield from self.hear(self.lane.held(), now)
        if self._audio_ended:
            yield from self._end(self.lane.current, now)

    # What sessions say

    def _outcome(self, stretch: Stretch, effects: list[session.Effect], now: float) -> Effects:
        for effect in effects:
            match effect:
                case session.Granted():
                    self.is_waiting = False
                    if stretch is self.lane.current:
                        yield from self._legs_started(stretch)
                        self._rollover.granted(now=now)
                case session.Heard(transcript=transcript):
                    yield from self._words.heard(self.lane, stretch, transcript)
                case session.Analysed(analysis=analysis):
                    yield from self._words.analysed(self.lane, stretch, analysis)
                case session.Recovered(stored=stored):
                    yield from self._words.recovered(self.lane, stretch, stored)
                case session.Located(position=position):
                    self.lane.heard_until = stretch.begin + position
                    yield from self._join(self.lane.heard_until, now)
                case session.Parted():
                    yield from self._parted(stretch, effect, now)
                case session.Closed():
                    yield from self._closed(stretch, effect, now)
                case _:
                    yield ToSession(stretch.number, effect)

    def _closed(self, stretch: Stretch, closed: session.Closed, now: float) -> Effects:
        lane = self.lane
        self.is_waiting = False
        if stretch is lane.ahead:  # it came to nothing; the one before it goes on
            lane.ahead, stretch.until = None, stretch.begin
            self._rollover.failed(now=now)
            return
        if closed.failure is not None:
            for gap in self._words.uncertain(lane, stretch):
                self._counts["gaps"] += 1
                yield gap
            if stretch is lane.current:
                lane.failure = closed.failure
        if lane.closed and not self._has_left:
            yield from self._ended()

    def _ended(self) -> Effects:
        lane = self.lane
        if lane.failure == session.NO_SLOT:
            self._counts["slots_refused"] += 1
            yield self._teller.batch_wanted(lane, lane.failure)
        elif lane.failure is not None:
            self._counts["sessions_failed"] += 1
            yield self._teller.failed(lane, lane.failure, utterances=self._words.count)
        if lane.was_granted:  # else its legs never began
            yield from (self._teller.leg_ended(lane, leg) for leg in lane.legs)

    def _legs_started(self, stretch: Stretch) -> Effects:
        begin_ms = self.lane.ms(stretch.begin)
        return (self._teller.leg_started(leg, stretch.session.session_id, begin_ms) for leg in self.lane.legs)

    def _gap(self, begin: int, end: int, cause: str) -> Effects:
        if begin < end:
            for leg in self.lane.legs:
                self._counts["gaps"] += 1
                yield self._teller.gap(leg, self.lane.ms(begin), self.lane.ms(end), cause)
