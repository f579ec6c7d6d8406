"""The timeline against the simulated carrier's faults, by seed, and against what the carrier itself knows of them.

Each millisecond of audio, 8 bytes, is its own media time as a number, so that what comes out can be read: what is
missing, what comes twice, and what stands how far from its timestamp.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np
import pytest

from bridge.timeline import Gap, Timeline
from local.twilio.chance import seeded
from local.twilio.delivery import Delivery, Effect, Piece, Send
from local.twilio.faults import Drift, Jump, Late, Malformed, Recut, Repeat, Script, Stall, stamp_ms
from local.twilio.faults import Gap as Missing
from local.twilio.spans import Coverage, Span, missing

TRACKS = ("inbound", "outbound")
FIRST_MS = 102  # the first timestamp
SILENT = 2**64 - 1
HOUR_MS = 3_600_000


def audio(start_ms: int, end_ms: int) -> bytes:
    return array("Q", range(start_ms, end_ms)).tobytes()


class Stamps:
    """Spells media messages as their timestamps alone."""

    def media(self, _track, at_ms: int, _audio: bytes) -> str:
        return str(at_ms)

    def stop(self) -> str:
        return ""


@dataclass
class Heard:
    """One call over a network with these faults: what the timeline made of it."""

    script: Script
    timeline: Timeline | None = None
    out: list[bytes] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    first_stamp_ms: int = 0

    def __post_init__(self):
        # What a message is that means nothing, the dialect's tests say.
        self.delivery = Delivery(Stamps(), TRACKS, tuple(f for f in self.script if not isinstance(f, Malformed)))
        self.sent: dict[str, list[tuple[Span, int]]] = {track: [] for track in TRACKS}
        self.end_ms = 0

    def call(self, *, from_ms: int = 0, to_ms: int) -> Heard:
        """Let the carrier send its frames of that time."""
        for at_ms in range(from_ms, to_ms, 20):
            frame = audio(at_ms, at_ms + 20)
            self.perform(self.delivery.hear(at_ms, dict.fromkeys(TRACKS, frame)))
        self.end_ms = to_ms
        return self

    def packets(self, *, from_ms: int, to_ms: int, length_ms: int) -> Heard:
        """Let the carrier send that time in long packets, on time and all of them."""
        for at_ms in range(from_ms, to_ms, length_ms):
            for track in TRACKS:
                packet = Piece(track, Span(at_ms, at_ms + length_ms), audio(at_ms, at_ms + length_ms))
                self.take(packet, stamp_ms(at_ms, self.script))
        self.end_ms = to_ms
        return self

    def end(self) -> Heard:
        self.perform(self.delivery.end())
        while piece := self.timeline.finish():
            self.out.append(piece)
        self.gaps += self.timeline.gaps()
        return self

    def perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send) and effect.piece is not None:
                self.take(effect.piece, int(effect.text))

    def take(self, piece: Piece, at_ms: int) -> None:
        if self.timeline is None:
            self.timeline = Timeline(TRACKS, origin_ms=FIRST_MS + at_ms)
            self.first_stamp_ms = at_ms
        self.first_stamp_ms = min(at_ms, self.first_stamp_ms)
        self.sent[piece.track].append((piece.span, at_ms))
        self.timeline.place(piece.track, FIRST_MS + at_ms, piece.audio)
        self.out.append(self.timeline.take())
        self.gaps += self.timeline.gaps()

    def channel(self, track: str) -> np.ndarray:
        """What came out, one number a millisecond."""
        return np.frombuffer(b"".join(self.out)[TRACKS.index(track) :: 2], dtype=np.uint64)

    def told(self, track: str) -> list[Span]:
        return [Span(gap.start_ms, gap.end_ms) for gap in self.gaps if gap.track == track]

    def undelivered(self, track: str) -> list[Span]:
        """What the carrier knows that it never sent, up to its last packet, in ms since its first."""
        origin_ms = stamp_ms(0, self.script)
        begin_ms = self.first_stamp_ms - origin_ms
        last_ms = max(at_ms + span.end_ms - span.start_ms for sent in self.sent.values() for span, at_ms in sent)
        lost = missing(self._covered(track), end_ms=self.end_ms)
        shown = [
            Span(max(span.start_ms - begin_ms, 0), min(span.end_ms, last_ms - origin_ms) - begin_ms)
            for span in self.delivery.as_stamped(lost, end_ms=self.end_ms)
        ]
        return [span for span in shown if span.start_ms < span.end_ms]

    def lost_ms(self, track: str) -> int:
        """Milliseconds that were sent and did not come out."""
        came = np.zeros(self.end_ms, dtype=bool)
        channel = self.channel(track)
        came[channel[channel != SILENT].astype(np.int64)] = True
        return sum(int((~came[span.start_ms : span.end_ms]).sum()) for span in self._covered(track))

    def comes_in_order_and_once(self, track: str) -> bool:
        channel = self.channel(track)
        return bool((np.diff(channel[channel != SILENT].astype(np.int64)) > 0).all())

    def worst_ms(self, track: str) -> int:
        """How far anything stands from its timestamp, at most."""
        stamps = np.zeros(self.end_ms, dtype=np.int64)
        for span, at_ms in self.sent[track]:
            stamps[span.start_ms : span.end_ms] = np.arange(at_ms, at_ms + span.end_ms - span.start_ms)
        channel = self.channel(track)
        places = np.nonzero(channel != SILENT)[0]
        off = stamps[channel[places].astype(np.int64)] - self.first_stamp_ms - places
        return int(np.abs(off).max(initial=0))

    def _covered(self, track: str) -> tuple[Span, ...]:
        coverage = Coverage()
        for span, _ in self.sent[track]:
            coverage.add(span)
        return coverage.spans()


def are_within(told: list[Span], undelivered: list[Span], *, tolerance_ms: int) -> bool:
    return len(told) == len(undelivered) and all(
        abs(one.start_ms - other.start_ms) <= tolerance_ms and abs(one.end_ms - other.end_ms) <= tolerance_ms
        for one, other in zip(told, undelivered, strict=True)
    )


@pytest.mark.parametrize("seed", range(80))
def test_whatever_the_network_does_nothing_is_lost_and_each_gap_is_told_to_the_frame(seed):
    script = seeded(seed, duration_ms=8000, deadly=False)
    heard = Heard(script).call(to_ms=8000).end()

    # A clock that drifts moves what is joined to it by up to 10 ms before it is corrected.
    drifts = any(isinstance(fault, Drift) for fault in script)
    for track in TRACKS:
        assert are_within(heard.told(track), heard.undelivered(track), tolerance_ms=11 if drifts else 0)
        assert heard.lost_ms(track) <= (2 if drifts else 0)
        assert heard.comes_in_order_and_once(track)
        assert heard.worst_ms(track) <= 20


@pytest.mark.parametrize("ppm", [200.0, -200.0])
def test_after_three_hours_of_a_bad_network_both_parties_are_on_one_clock_within_20_ms(ppm):
    script = (
        Drift(ppm),
        Missing(0, 3000, "outbound"),
        Stall(900_500, 5000),
        Jump(1_800_400, 420),
        Late(2_700_800, 80, "inbound"),
        Recut(3_600_000, 17_240, (1, 400, 30), "outbound"),
        Missing(4_500_020, 700, "inbound"),
        Repeat(5_400_600, "outbound", 3, renumbered=True),
        Recut(6_300_000, 16_500, (100, 10), "inbound"),
        Missing(7_200_200, 20),
        Stall(8_100_040, 240),
        Missing(9_000_000, 15_000, "outbound"),
    )
    heard = Heard(script)
    # Where there are faults, frames come from the simulated carrier; the time between in packets of 400 ms.
    for start_ms in range(0, 3 * HOUR_MS, 900_000):
        heard.call(from_ms=start_ms, to_ms=start_ms + 20_000)
        heard.packets(from_ms=start_ms + 20_000, to_ms=start_ms + 900_000, length_ms=400)
    heard.end()

    for track in TRACKS:
        assert len(heard.channel(track)) == pytest.approx(3 * HOUR_MS * (1 + ppm / 1e6) + 420, abs=20)
        assert heard.worst_ms(track) <= 20
        assert are_within(heard.told(track), heard.undelivered(track), tolerance_ms=11)
        assert heard.comes_in_order_and_once(track)
        # A clock that is 200 millionths slow has 2160 ms less room than there is audio.
        assert heard.lost_ms(track) <= (10 if ppm > 0 else 2160 + 10)
