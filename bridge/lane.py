"""The legs that share Gladia sessions: one session, or one after another while the call goes on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bridge.patience import FIRST_RETRY_S, LAST_RETRY_S
from bridge.session import Session
from bridge.timeline import Timeline
from callscribe.audio_format import MULAW_8K, AudioFormat
from callscribe.entries import Ledger, Utterance
from callscribe.lane_record import LaneRecord
from callscribe.reconciliation import Place

# A session that Gladia ends before it took this much audio came to nothing; more than so many in a row, and another one
# would not help either.
FRUITFUL_MS = 1000
FRUITLESS_LIMIT = 10
TAIL_CHUNKS = 3  # of 100 ms: enough to find the place again in another media stream


@dataclass(frozen=True, slots=True)
class Leg:
    """One party's track, and its channel in the audio for Gladia."""

    name: str
    party: str
    track: str
    channel: int


@dataclass(slots=True)
class Stretch:
    """The part of a lane's audio that one session hears: from byte `begin` on, all channels together.

    `until` is where another session goes on; None while none does. `said` are the finals, without their words.
    """

    number: int
    session: Session
    begin: int
    until: int | None = None
    said: list[Utterance] = field(default_factory=list)

    def covered(self, position: int) -> int:
        """Return how many of the bytes that it answers for lie before the session's `position`."""
        return position if self.until is None else max(0, min(position, self.until - self.begin))


@dataclass(slots=True)
class Inherited:
    """What another process had come to when this one took a lane over, in bytes of each leg by its name."""

    heard: dict[str, int] = field(default_factory=dict)
    filled: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    lost: int = 0  # of all of them together
    sessions: int = 0
    reconnects: int = 0


class Lane:
    """Some legs, their timeline, and the sessions that hear them.

    A position is in bytes, all channels together, since the lane's first frame; silence put in counts.
    """

    def __init__(
        self,
        legs: tuple[Leg, ...],
        request: dict[str, Any],
        *,
        form: AudioFormat = MULAW_8K,
        jitter: Callable[[], float],
    ) -> None:
        """`request` opens its sessions; `form` is that of the audio, as `request` says it."""
        self.legs = legs
        self.form = form
        self.timeline: Timeline | None = None  # from the first frame on, which sets its origin
        self.stretches: list[Stretch] = []
        self.current: Stretch
        self.ahead: Stretch | None = None  # opened while the current one still hears
        self.begin = 0  # position at which the timeline begins: not 0 in a lane that was taken over
        self.position = 0  # up to here, sessions were given the audio
        self.advance = 0  # bytes of silence that the session was given beyond it, to be kept alive
        self.lost = 0  # bytes that no session could be given in time, since this process has the lane
        # A lane that was taken over is joined once it is known how far it had been heard; until then audio is held.
        self.is_joined = True
        self.heard_until = 0  # where another process had come to
        self._held = bytearray()
        self._overlap = 0  # bytes to come that had been heard before
        self._tail: deque[bytes] = deque(maxlen=TAIL_CHUNKS)
        self.inherited = Inherited()
        self.failure: str | None = None  # why no session hears it any more
        self._request = request
        self._jitter = jitter

    @property
    def name(self) -> str:
        """Its tracks, by which another process knows it."""
        return "+".join(leg.track for leg in self.legs)

    @property
    def tail(self) -> bytes:
        """The last of the audio that sessions were given."""
        return b"".join(self._tail)

    @property
    def closed(self) -> bool:
        """Whether every session has given its last word."""
        stretches = self.stretches  # of which the last one closes last, mostly
        return bool(stretches) and stretches[-1].session.closed and all(each.session.closed for each in stretches)

    @property
    def was_granted(self) -> bool:
        """Whether Gladia ever granted a session, so that the legs have begun."""
        return any(stretch.session.session_id for stretch in self.stretches)

    @property
    def sessions(self) -> int:
        """How many sessions heard it, or were to."""
        return self.inherited.sessions + len(self.stretches)

    @property
    def open_sessions(self) -> int:
        """How many sessions Gladia has granted that have not given their last word."""
        return sum(bool(stretch.session.session_id) and not stretch.session.closed for stretch in self.stretches)

    @property
    def reconnects(self) -> int:
        """How often a socket was opened again."""
        return self.inherited.reconnects + sum(stretch.session.reconnects for stretch in self.stretches)

    @property
    def malformed(self) -> int:
        """Messages from Gladia that made no sense."""
        return sum(stretch.session.malformed for stretch in self.stretches)

    @property
    def unacknowledged_ms(self) -> int:
        """How much audio waits for Gladia to say that it has it."""
        return 0 if not self.stretches else self.ms(self.current.session.unacknowledged_bytes)

    @property
    def fruitless(self) -> int:
        """How many sessions in a row came to nothing, up to the last one."""
        count = 0
        for stretch in reversed(self.stretches):
            if stretch.session.acknowledged >= self.at_ms(FRUITFUL_MS):
                break
            count += 1
        return count

    @property
    def delay_s(self) -> float:
        """How long the next session has to wait, after those that came to nothing."""
        return min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** (self.fruitless - 1)) if self.fruitless else 0.0

    def add(self, number: int, begin: int, *, audio: bytes = b"") -> Stretch:
        """Return a new stretch from position `begin` on, heard by a session of its own, from `audio` on."""
        session = Session(self._request, jitter=self._jitter)
        session.hear(audio, now=0.0)
        return self._append(Stretch(number, session, begin))

    def take_over(self, number: int, record: LaneRecord, audio: bytes, *, begin_ms: int) -> None:
        """Go on with what another process had, and wrote down in `record`; the timeline will begin at `begin_ms`.

        If it let go of the lane, `audio` is what Gladia has not acknowledged. If it died, Gladia has to say how far it
        has heard.
        """
        self.legs = tuple(Leg(leg.name, leg.party, leg.track, leg.channel) for leg in record.legs)
        self.inherited = Inherited(
            heard={leg.name: leg.heard for leg in record.legs},
            filled={leg.name: leg.filled for leg in record.legs},
            dropped={leg.name: leg.dropped for leg in record.legs},
            lost=record.lost,
            sessions=record.sessions - 1,
            reconnects=record.reconnects,
        )
        self.begin = self.at_ms(begin_ms)
        self.is_joined = False
        if record.session_id:
            session = Session.taken_over(
                self._request,
                session_id=record.session_id,
                url=record.url,
                acknowledged=record.acknowledged if record.released else None,
                audio=audio,
                jitter=self._jitter,
            )
            self.current = self._append(Stretch(number, session, record.begin))
        else:  # it had not been granted one
            self.current = self.add(number, record.begin, audio=audio)
        end = record.begin + record.acknowledged + len(audio)
        is_known = record.released or not record.session_id
        self.heard_until = end if is_known else self.at_ms(record.position_ms)

    def begin_at(self, ms: int) -> None:
        """Begin at `ms`, where other lanes of the call have come to."""
        self.begin = self.position = self.heard_until = self.at_ms(ms)
        self.inherited = Inherited(lost=self.begin)

    def fill(self, count: int) -> None:
        """Take note that `count` bytes which are given next are silence."""
        for leg in self.legs:
            self.inherited.filled[leg.name] += count // len(self.legs)

    def ordinal(self, stretch: Stretch) -> int:
        """Return how many sessions came before the one of `stretch`, in other processes as well."""
        return self.inherited.sessions + self.stretches.index(stretch)

    def admit(self, audio: bytes) -> bytes:
        """Take `audio` of the timeline; return what of it a session is to be given now."""
        if not self.is_joined:
            self._held += audio
            return b""
        if self._overlap:
            again = min(self._overlap, len(audio))
            self._overlap -= again
            for leg in self.legs:
                self.inherited.heard[leg.name] -= again // len(self.legs)
            audio = audio[again:]
        if audio:
            self._tail.append(audio)
        return audio

    def join(self, heard_until: int) -> int:
        """Go on from position `heard_until`; return the bytes that are missing between it and the timeline's begin.

        What the timeline has of the time before is dropped. What is missing has to be admitted first, as silence.
        """
        self.is_joined = True
        self.position = heard_until
        self._overlap = max(0, heard_until - self.begin)
        for leg in self.legs:
            given = heard_until // len(self.legs)
            self.inherited.heard[leg.name] = given - self.inherited.filled[leg.name] + self.inherited.dropped[leg.name]
        return max(0, self.begin - heard_until)

    def held(self) -> bytes:
        """Return, and forget, what was held until the lane was joined."""
        held = bytes(self._held)
        self._held.clear()
        return held

    def _append(self, stretch: Stretch) -> Stretch:
        self.stretches.append(stretch)
        return stretch

    def ms(self, position: int) -> int:
        """Return the time of `position`, in ms since the lane's first frame."""
        return position // (self.form.bytes_a_ms * len(self.legs))

    def at_ms(self, ms: int) -> int:
        """Return the position of the time `ms`."""
        return ms * self.form.bytes_a_ms * len(self.legs)

    def place(self, stretch: Stretch, *, offset_ms: int) -> Place:
        """Return where the words of `stretch` stand in a call on whose clock the lane begins at `offset_ms`."""
        names = tuple(leg.name for leg in self.legs)
        return Place(stretch.session.session_id, names, offset_ms + self.ms(stretch.begin))

    def ledger(self, leg: Leg) -> Ledger:
        """Return where each byte of `leg` went so far."""
        channels = len(self.legs)
        heard, filled, dropped = self.timeline.counts(leg.track) if self.timeline else (0, 0, 0)
        heard += self.inherited.heard.get(leg.name, 0)
        filled += self.inherited.filled.get(leg.name, 0)
        dropped += self.inherited.dropped.get(leg.name, 0)
        earlier = self.stretches[0].begin - self.inherited.lost if self.stretches else 0
        sent = earlier + sum(self._covered(stretch, stretch.session.sent) for stretch in self.stretches)
        acknowledged = earlier + sum(self._covered(stretch, stretch.session.acknowledged) for stretch in self.stretches)
        return Ledger(
            heard=heard,
            filled=filled,
            dropped=dropped,
            sent=sent // channels,
            acknowledged=acknowledged // channels,
            unsent=heard + filled - dropped - sent // channels,
        )

    def _covered(self, stretch: Stretch, position: int) -> int:
        """Return how much of the lane's own audio lies before a session's `position`."""
        covered = stretch.covered(position)
        return min(covered, max(0, self.position - stretch.begin)) if self.advance else covered
