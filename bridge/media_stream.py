"""One media stream, from its first frame to its last word: tracks to sessions, words to the call's log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from bridge import gladia, session
from bridge.dialects.events import Audio, Digit, Started, Stopped
from bridge.session import Session
from bridge.timeline import BYTES_A_MS, Gap, Timeline
from callscribe.entries import Body, CallFailed, Dtmf, Ledger, LegEnded, LegGap, LegStarted, Utterance, Word
from callscribe.settings import NumberSettings


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


@dataclass(frozen=True, slots=True)
class _Leg:
    name: str
    party: str
    track: str
    channel: int


class _Lane:
    """The legs that share one Gladia session, with their timeline."""

    def __init__(self, legs: tuple[_Leg, ...], request: dict[str, Any], jitter: Callable[[], float]) -> None:
        self.legs = legs
        self.session = Session(request, jitter=jitter)
        self.session_id = ""
        self.timeline: Timeline | None = None  # from the first frame on, which sets its origin
        self.gaps: list[Gap] = []

    def ledger(self, leg: _Leg) -> Ledger:
        channels = len(self.legs)
        heard, filled, dropped = self.timeline.counts(leg.track) if self.timeline else (0, 0, 0)
        sent = self.session.sent // channels
        return Ledger(
            heard=heard,
            filled=filled,
            dropped=dropped,
            sent=sent,
            acknowledged=self.session.acknowledged // channels,
            unsent=heard + filled - dropped - sent,
        )


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
        self._finals: set[str] = set()
        self.counts: Counter[str] = Counter()
        groups = [started.tracks] if settings.session == "per_stream" else [(track,) for track in started.tracks]
        self._lanes = [
            _Lane(
                tuple(
                    _Leg(f"{started.media_stream}/{track}", settings.party(track, direction), track, channel)
                    for channel, track in enumerate(tracks)
                ),
                gladia.opening(
                    channels=len(tracks),
                    options=settings.gladia,
                    metadata={"call_id": started.call_id, "media_stream": started.media_stream},
                ),
                jitter,
            )
            for tracks in groups
        ]

    @property
    def closed(self) -> bool:
        """Whether every session has given its last word."""
        return all(lane.session.closed for lane in self._lanes)

    @property
    def deadline(self) -> float | None:
        """When to call `wake`; None while nothing is waited for."""
        deadlines = (lane.session.deadline for lane in self._lanes)
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def open(self) -> list[Effect]:
        """Begin: ask for the sessions."""
        return [effect for lane in self._lanes for effect in self._outcome(lane, lane.session.open())]

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
        lane = self._lanes[number]
        return list(self._outcome(lane, lane.session.handle(event, now=now)))

    def wake(self, *, now: float) -> list[Effect]:
        """Go on after `deadline`."""
        due = [lane for lane in self._lanes if lane.session.deadline is not None and lane.session.deadline <= now]
        return [
            effect
            for lane in due
            for effect in self._outcome(lane, lane.session.handle(session.DeadlinePassed(), now=now))
        ]

    def totals(self) -> dict[str, int]:
        """Return what this stream came to, for its one line in the process's log."""
        ledgers = [lane.ledger(leg) for lane in self._lanes for leg in lane.legs]
        return {
            "heard_bytes": sum(ledger.heard for ledger in ledgers),
            "sent_bytes": sum(ledger.sent for ledger in ledgers),
            "acknowledged_bytes": sum(ledger.acknowledged for ledger in ledgers),
            "reconnects": sum(lane.session.reconnects for lane in self._lanes),
            "malformed_from_gladia": sum(lane.session.malformed for lane in self._lanes),
            **self.counts,
        }

    def _lane_of(self, track: str) -> tuple[_Lane, _Leg]:
        return next((lane, leg) for lane in self._lanes for leg in lane.legs if leg.track == track)

    def _audio(self, event: Audio, now: float) -> list[Effect]:
        if self._stopped:
            return []
        lane, leg = self._lane_of(event.track)
        timeline = lane.timeline or self._begin(event.media_ms, lane)
        gap = timeline.place(event.track, event.media_ms, event.audio)
        effects: list[Effect] = []
        if gap is not None:
            effects.append(self._gap(leg, gap))
        if audio := timeline.take():
            effects += self._outcome(lane, lane.session.hear(audio, now=now))
        return effects

    def _begin(self, media_ms: int, lane: _Lane) -> Timeline:
        # One origin for all lanes, so that both parties stand on one clock even with a session each.
        if self._origin_ms is None:
            self._origin_ms = media_ms
        lane.timeline = Timeline(tuple(leg.track for leg in lane.legs), origin_ms=self._origin_ms)
        return lane.timeline

    def _gap(self, leg: _Leg, gap: Gap) -> Append:
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
        effects: list[Effect] = []
        for lane in self._lanes:
            if lane.timeline is not None and (rest := lane.timeline.finish()):
                effects += self._outcome(lane, lane.session.hear(rest, now=now))
            effects += self._outcome(lane, lane.session.handle(session.AudioEnded(), now=now))
        return effects

    def _outcome(self, lane: _Lane, effects: list[session.Effect]) -> Iterator[Effect]:
        number = self._lanes.index(lane)
        for effect in effects:
            match effect:
                case session.Granted(session_id=session_id):
                    lane.session_id = session_id
                    yield from (self._leg_started(lane, leg) for leg in lane.legs)
                case session.Heard(transcript=transcript):
                    yield from self._heard(lane, transcript)
                case session.Closed(failure=failure):
                    yield from self._closed(lane, failure)
                case _:
                    yield ToSession(number, effect)

    def _leg_started(self, lane: _Lane, leg: _Leg) -> Append:
        body = LegStarted(
            leg=leg.name,
            party=leg.party,
            track=leg.track,
            codec=f"{self._started.encoding}/{self._started.rate_hz}",
            media_stream=self._started.media_stream,
            session=lane.session_id,
            channel=leg.channel,
            offset_ms=self._offset_ms,
        )
        return Append(body, f"{leg.name}/started")

    def _heard(self, lane: _Lane, transcript: gladia.Transcript) -> Iterator[Effect]:
        speech = transcript.utterance
        if not 0 <= speech.channel < len(lane.legs):
            self.counts["unknown_channel"] += 1
            return
        leg = lane.legs[speech.channel]
        utterance_id = f"{lane.session_id}/{transcript.id}"
        if utterance_id in self._finals:  # a resumed session says it again
            self.counts["repeated"] += 1
            return
        text = speech.text.strip()
        if not transcript.is_final:
            self.counts["partials"] += 1
            start_ms, end_ms = self._ms(speech.start), self._ms(speech.end)
            yield Partial(leg.name, leg.party, utterance_id, text, start_ms, end_ms)
            return
        self._finals.add(utterance_id)
        self.counts["finals"] += 1
        yield Append(self._utterance(leg, utterance_id, text, speech), utterance_id)

    def _utterance(self, leg: _Leg, utterance_id: str, text: str, speech: gladia.Speech) -> Utterance:
        return Utterance(
            leg=leg.name,
            id=utterance_id,
            text=text,
            start_ms=self._ms(speech.start),
            end_ms=self._ms(speech.end),
            language=speech.language,
            confidence=speech.confidence,
            words=tuple(
                Word(word.word, self._ms(word.start), self._ms(word.end), word.confidence) for word in speech.words
            ),
        )

    def _closed(self, lane: _Lane, failure: str | None) -> Iterator[Effect]:
        stream = self._started.media_stream
        if failure is not None:
            heard_ms = max((lane.ledger(leg).heard for leg in lane.legs), default=0) // BYTES_A_MS
            kept = f"{len(self._finals)} utterances of {heard_ms} ms heard"
            yield Append(CallFailed(reason=failure, kept=kept), f"{stream}/{lane.legs[0].track}/failed")
        if not lane.session_id:
            return  # its legs never began
        for leg in lane.legs:
            body = LegEnded(leg=leg.name, ledger=lane.ledger(leg), sessions=1, reconnects=lane.session.reconnects)
            yield Append(body, f"{leg.name}/ended")

    def _ms(self, seconds: float) -> int:
        return self._offset_ms + round(seconds * 1000)
