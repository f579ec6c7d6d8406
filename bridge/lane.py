"""The legs that share Gladia sessions: one session, or one after another if Gladia ends one while the call goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridge.session import FIRST_RETRY_S, LAST_RETRY_S, Session
from bridge.timeline import BYTES_A_MS, Timeline
from callscribe.entries import Ledger

# A session that Gladia ends before it took this much audio came to nothing; more than so many in a row, and another one
# would not help either.
FRUITFUL_MS = 1000
FRUITLESS_LIMIT = 10


@dataclass(frozen=True, slots=True)
class Leg:
    """One party's track, and its channel in the audio for Gladia."""

    name: str
    party: str
    track: str
    channel: int


@dataclass(slots=True)
class Stretch:
    """The part of a lane's audio that one session hears, from byte `begin` on, all channels together."""

    number: int
    session: Session
    begin: int
    session_id: str = ""


class Lane:
    """Some legs, their timeline, and the sessions that hear them."""

    def __init__(self, legs: tuple[Leg, ...], request: dict[str, Any], *, jitter: Callable[[], float]) -> None:
        self.legs = legs
        self.timeline: Timeline | None = None  # from the first frame on, which sets its origin
        self.stretches: list[Stretch] = []
        self._request = request
        self._jitter = jitter

    @property
    def current(self) -> Stretch:
        """The stretch that is being heard."""
        return self.stretches[-1]

    @property
    def was_granted(self) -> bool:
        """Whether Gladia ever granted a session, so that the legs have begun."""
        return any(stretch.session_id for stretch in self.stretches)

    @property
    def reconnects(self) -> int:
        """How often a socket was opened again."""
        return sum(stretch.session.reconnects for stretch in self.stretches)

    @property
    def malformed(self) -> int:
        """Messages from Gladia that made no sense."""
        return sum(stretch.session.malformed for stretch in self.stretches)

    @property
    def is_fruitless(self) -> bool:
        """Whether so many sessions in a row came to nothing that another one would not help."""
        return self._fruitless() >= FRUITLESS_LIMIT

    def extend(self, number: int) -> tuple[Stretch, bytes, float]:
        """Begin the next stretch, at the first byte that no session has acknowledged.

        Returns it, the audio it has to hear first, and the seconds to wait before it is opened.
        """
        audio, begin, delay_s = b"", 0, 0.0
        if self.stretches:
            last = self.current
            audio, begin = last.session.unacknowledged(), last.begin + last.session.acknowledged
            if fruitless := self._fruitless():
                delay_s = min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** (fruitless - 1))
        stretch = Stretch(number, Session(self._request, jitter=self._jitter), begin)
        self.stretches.append(stretch)
        return stretch, audio, delay_s

    def begin_ms(self, stretch: Stretch) -> int:
        """Return where `stretch` begins on the timeline."""
        return stretch.begin // (BYTES_A_MS * len(self.legs))

    def ledger(self, leg: Leg) -> Ledger:
        """Return where each byte of `leg` went so far."""
        channels = len(self.legs)
        heard, filled, dropped = self.timeline.counts(leg.track) if self.timeline else (0, 0, 0)
        # What a session left unacknowledged was given to the next one.
        sent = (self.current.begin + self.current.session.sent) // channels
        acknowledged = (self.current.begin + self.current.session.acknowledged) // channels
        return Ledger(
            heard=heard,
            filled=filled,
            dropped=dropped,
            sent=sent,
            acknowledged=acknowledged,
            unsent=heard + filled - dropped - sent,
        )

    def _fruitless(self) -> int:
        count = 0
        for stretch in reversed(self.stretches):
            if stretch.session.acknowledged >= FRUITFUL_MS * BYTES_A_MS * len(self.legs):
                break
            count += 1
        return count
