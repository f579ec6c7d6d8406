"""One media stream, from its first frame to its last word: tracks to sessions, words to the call's log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from bridge import gladia
from bridge import session_events as session
from bridge.dialects.events import Audio, Digit, Started, Stopped
from bridge.lane import Lane, Leg, Stretch
from bridge.timeline import BYTES_A_MS, Gap, Timeline
from callscribe.entries import Body, CallFailed, Dtmf, LegEnded, LegGap, LegStarted, Utterance, Word
from callscribe.settings import NumberSettings

# Gladia drops a session on which no audio came for about 30 s. A chunk of silence in half that time keeps it, and costs
# the least if what the carrier held back comes after all.
KEEP_ALIVE_S = 15.0
KEEP_ALIVE_MS = 100


@dataclass(frozen=True, slots=True)
class ToSession:
    """Do this for the session of that number."""

    number: int
    command: session.Command


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
        self._started = started
        self._offset_ms = offset_ms
        self._origin_ms: int | None = None
        self._stopped = False
        self._quiet_at: float | None = None  # when the carrier will have been silent for too long
        self._finals: set[str] = set()
        self.counts: Counter[str] = Counter()
        groups = [started.tracks] if settings.session == "per_stream" else [(track,) for track in started.tracks]
        self._lanes = [
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

    @property
    def closed(self) -> bool:
        """Whether every session has given its last word."""
        return all(lane.current.session.closed for lane in self._lanes)

    @property
    def deadline(self) -> float | None:
        """When to call `wake`; None while nothing is waited for."""
        if self.closed:
            return None  # the carrier may go on, but there is no session to keep
        deadlines = [self._quiet_at, *(stretch.session.deadline for _, stretch in self._stretches)]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def open(self) -> list[Effect]:
        """Begin: ask for the sessions."""
        return [effect for lane in self._lanes for effect in self._extend(lane, 0.0)]

    def hear(self, event: Audio | Digit | Stopped, *, now: float) -> list[Effect]:
        """Take what the carrier sends."""
        match event:
            case Audio():
                return self._audio(event, now)
            case Digit():
                return self._digit(event)
            case Stopped():
                return self._stop(now)

    def from_gladia(self, number: int, event: session.Event, *, now: float) -> list[Effect]:
        """Take what session `number` says."""
        lane, stretch = self._stretches[number]
        return list(self._outcome(lane, stretch, stretch.session.handle(event, now=now), now))

    def wake(self, *, now: float) -> list[Effect]:
        """Go on after `deadline`."""
        effects: list[Effect] = []
        if self._quiet_at is not None and self._quiet_at <= now:
            effects += self._keep_alive(now)
        return effects + [
            effect
            for number, (_, stretch) in enumerate(list(self._stretches))
            if stretch.session.deadline is not None and stretch.session.deadline <= now
            for effect in self.from_gladia(number, session.DeadlinePassed(), now=now)
        ]

    def totals(self) -> dict[str, int]:
        """Return what this stream came to, for its one line in the process's log."""
        ledgers = [lane.ledger(leg) for lane in self._lanes for leg in lane.legs]
        return {
            "heard_bytes": sum(ledger.heard for ledger in ledgers),
            "sent_bytes": sum(ledger.sent for ledger in ledgers),
            "acknowledged_bytes": sum(ledger.acknowledged for ledger in ledgers),
            "sessions": len(self._stretches),
            "reconnects": sum(lane.reconnects for lane in self._lanes),
            "malformed_from_gladia": sum(lane.malformed for lane in self._lanes),
            **self.counts,
        }

    def _lane_of(self, track: str) -> tuple[Lane, Leg]:
        return next((lane, leg) for lane in self._lanes for leg in lane.legs if leg.track == track)

    def _audio(self, event: Audio, now: float) -> list[Effect]:
        if self._stopped:
            return []
        self._quiet_at = now + KEEP_ALIVE_S
        lane, leg = self._lane_of(event.track)
        timeline = lane.timeline or self._begin(event.media_ms, lane)
        gap = timeline.place(event.track, event.media_ms, event.audio)
        effects: list[Effect] = []
        if gap is not None:
            effects.append(self._gap(leg, gap))
        if audio := timeline.take():
            effects += self._given(lane, audio, now)
        return effects

    def _keep_alive(self, now: float) -> Iterator[Effect]:
        self._quiet_at = now + KEEP_ALIVE_S
        self.counts["kept_alive"] += 1
        for lane in self._lanes:
            if lane.timeline is not None:
                lane.timeline.pass_over(KEEP_ALIVE_MS)
                yield from self._given(lane, lane.timeline.take(), now)

    def _begin(self, media_ms: int, lane: Lane) -> Timeline:
        # One origin for all lanes, so that both parties stand on one clock even with a session each.
        if self._origin_ms is None:
            self._origin_ms = media_ms
        lane.timeline = Timeline(tuple(leg.track for leg in lane.legs), origin_ms=self._origin_ms)
        return lane.timeline

    def _gap(self, leg: Leg, gap: Gap) -> Append:
        self.counts["gaps"] += 1
        body = LegGap(
            leg=leg.name,
            start_ms=gap.start_ms + self._offset_ms,
            end_ms=gap.end_ms + self._offset_ms,
            cause="not delivered by the carrier",
        )
        return Append(body, f"{leg.name}/gap/{gap.start_ms}")

    def _digit(self, event: Digit) -> list[Effect]:
        lane, leg = self._lane_of(event.track)
        self.counts["digits"] += 1
        at_ms = self._offset_ms + (lane.timeline.end_ms(leg.track) if lane.timeline else 0)
        digit = Dtmf(leg=leg.name, digit=event.digit, at_ms=at_ms)
        return [Append(digit, f"{leg.name}/digit/{self.counts['digits']}")]

    def _stop(self, now: float) -> list[Effect]:
        self._stopped = True
        self._quiet_at = None
        effects: list[Effect] = []
        for lane in self._lanes:
            if lane.timeline is not None and (rest := lane.timeline.finish()):
                effects += self._given(lane, rest, now)
            ended = lane.current.session.handle(session.AudioEnded(), now=now)
            effects += self._outcome(lane, lane.current, ended, now)
        return effects

    def _given(self, lane: Lane, audio: bytes, now: float) -> Iterator[Effect]:
        stretch = lane.current
        return self._outcome(lane, stretch, stretch.session.hear(audio, now=now), now)

    def _extend(self, lane: Lane, now: float) -> Iterator[Effect]:
        """Open the lane's next session, with what the one before it was not known to have heard."""
        stretch, audio, delay_s = lane.extend(len(self._stretches))
        self._stretches.append((lane, stretch))
        yield from self._outcome(lane, stretch, stretch.session.open(now=now, delay_s=delay_s), now)
        if audio:
            yield from self._outcome(lane, stretch, stretch.session.hear(audio, now=now), now)
        if self._stopped:
            yield from self._outcome(lane, stretch, stretch.session.handle(session.AudioEnded(), now=now), now)

    def _outcome(self, lane: Lane, stretch: Stretch, effects: list[session.Effect], now: float) -> Iterator[Effect]:
        for effect in effects:
            match effect:
                case session.Granted(session_id=session_id):
                    stretch.session_id = session_id
                    yield from (self._leg_started(stretch, leg) for leg in lane.legs)
                case session.Heard(transcript=transcript):
                    yield from self._heard(lane, stretch, transcript)
                case session.Closed():
                    yield from self._closed(lane, effect, now)
                case _:
                    yield ToSession(stretch.number, effect)

    def _leg_started(self, stretch: Stretch, leg: Leg) -> Append:
        body = LegStarted(
            leg=leg.name,
            party=leg.party,
            track=leg.track,
            codec=f"{self._started.encoding}/{self._started.rate_hz}",
            media_stream=self._started.media_stream,
            session=stretch.session_id,
            channel=leg.channel,
            offset_ms=self._offset_ms,
        )
        return Append(body, f"{leg.name}/started/{stretch.session_id}")

    def _heard(self, lane: Lane, stretch: Stretch, transcript: gladia.Transcript) -> Iterator[Effect]:
        speech = transcript.utterance
        if not 0 <= speech.channel < len(lane.legs):
            self.counts["unknown_channel"] += 1
            return
        leg = lane.legs[speech.channel]
        utterance_id = f"{stretch.session_id}/{transcript.id}"
        begin_ms = self._offset_ms + lane.begin_ms(stretch)
        if utterance_id in self._finals:  # a resumed session says it again
            self.counts["repeated"] += 1
            return
        if not transcript.is_final:
            self.counts["partials"] += 1
            start_ms, end_ms = _ms(begin_ms, speech.start), _ms(begin_ms, speech.end)
            yield Partial(leg.name, leg.party, utterance_id, speech.text.strip(), start_ms, end_ms)
            return
        self._finals.add(utterance_id)
        self.counts["finals"] += 1
        yield Append(_utterance(leg, utterance_id, speech, begin_ms), utterance_id)

    def _closed(self, lane: Lane, closed: session.Closed, now: float) -> Iterator[Effect]:
        if closed.may_go_on and not lane.is_fruitless:
            self.counts["sessions_ended_early"] += 1
            yield from self._extend(lane, now)
            return
        if closed.failure is not None:
            heard_ms = max((lane.ledger(leg).heard for leg in lane.legs), default=0) // BYTES_A_MS
            kept = f"{len(self._finals)} utterances of {heard_ms} ms heard"
            failed = CallFailed(reason=closed.failure, kept=kept)
            yield Append(failed, f"{self._started.media_stream}/{lane.legs[0].track}/failed")
        if not lane.was_granted:
            return  # its legs never began
        for leg in lane.legs:
            body = LegEnded(
                leg=leg.name, ledger=lane.ledger(leg), sessions=len(lane.stretches), reconnects=lane.reconnects
            )
            yield Append(body, f"{leg.name}/ended")


def _utterance(leg: Leg, utterance_id: str, speech: gladia.Speech, begin_ms: int) -> Utterance:
    return Utterance(
        leg=leg.name,
        id=utterance_id,
        text=speech.text.strip(),
        start_ms=_ms(begin_ms, speech.start),
        end_ms=_ms(begin_ms, speech.end),
        language=speech.language,
        confidence=speech.confidence,
        words=tuple(
            Word(word.word, _ms(begin_ms, word.start), _ms(begin_ms, word.end), word.confidence)
            for word in speech.words
        ),
    )


def _ms(begin_ms: int, seconds: float) -> int:
    return begin_ms + round(seconds * 1000)
