"""Whether the log of a call that changed hands tells what was so, to the frame.

Pure, so that it can be shown to find what is wrong. The truth is what Gladia's session received, which each byte tells
of itself, and what the carrier says it sent. A frame counts as heard if Gladia has all of it. Frames are numbered from
the call's first one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from bench.chaos.judge import log_problems
from bench.chaos.voice import FRAME_BYTES, FRAME_MS, LETTERS, audible, frame, read, words
from bench.failover.call import Seen
from callscribe.entries import Entry, LegEnded, LegGap, LegStarted, Utterance
from local.twilio.admission import Track
from local.twilio.report import MediaStreamReport
from local.twilio.spans import Span

_T = TypeVar("_T")
TRACKS: tuple[Track, ...] = ("inbound", "outbound")


@dataclass(slots=True)
class Verdict:
    """What a call came to. `problems` is empty if nothing but what no bridge heard is missing, and the log says so."""

    call_id: str
    problems: list[str] = field(default_factory=list)
    streams: int = 0  # media streams that brought the legs of the first one, one after the other
    sessions: int = 0  # that heard them
    again_s: float | None = None  # from the fault until another media stream was heard; None: it needed none
    real_frames: int = 0  # that Gladia never got, of both tracks
    told_frames: int = 0  # that gaps of the log tell of
    in_flight_frames: int = 0  # of the real ones: the carrier sent them, and they died with the process or the socket
    unlike_frames: int = 0  # missing and not told, or told and not missing
    lost_bytes: int = 0  # said, and in no gap
    repeated_bytes: int = 0
    off_ms: int = 0  # the farthest that a word stands from where it was spoken


def judge(seen: Seen, *, struck_at: datetime | None, clock_frames: int = 0) -> Verdict:
    """Return the verdict on one call; `struck_at` is when the fault struck, by the wall clock.

    Gaps that differ from what is missing by up to `clock_frames` are counted, and no problem.
    """
    entries = [written.entry for written in seen.log]
    opened = [stream for stream in seen.report.media_streams if stream.starts_ms is not None]
    verdict = Verdict(seen.call_id)
    if seen.report.failure is not None:
        verdict.problems.append(f"the call ended early: {seen.report.failure}")
    if not seen.settled:
        verdict.problems.append("the log never came to its end")
    verdict.problems += log_problems(seen.log)
    verdict.again_s = _again_s(entries, struck_at)
    if opened:
        legs = {f"{opened[0].stream_sid}/{track}" for track in TRACKS}
        begun = [entry.body for entry in entries if isinstance(entry.body, LegStarted) and entry.body.leg in legs]
        verdict.sessions = len({body.session for body in begun})
        verdict.streams = len({body.media_stream for body in begun})
        for track in TRACKS:
            _Leg(seen, opened[0], track, verdict).judge(clock_frames)
    return verdict


def _again_s(entries: Sequence[Entry], struck_at: datetime | None) -> float | None:
    """Return when the first media stream after the fault began to be heard, in seconds since."""
    if struck_at is None:
        return None
    begun = [(entry.body.media_stream, datetime.fromisoformat(entry.at)) for entry in entries
             if isinstance(entry.body, LegStarted)]  # fmt: skip
    first = begun[0][0] if begun else ""
    return min(((at - struck_at).total_seconds() for stream, at in begun if stream != first), default=None)


class _Leg:
    """One track of the call, in whatever media streams it came."""

    def __init__(self, seen: Seen, first: MediaStreamReport, track: Track, verdict: Verdict) -> None:
        self._seen = seen
        self._track = track
        self._name = f"{first.stream_sid}/{track}"
        self._verdict = verdict
        # The log's clock begins with the first media stream.
        self._origin = (first.starts_ms or 0) // FRAME_MS
        self._said = range(self._origin, seen.frames)
        heard_in = {body.session: body.channel for body in self._each(LegStarted)}
        sessions = {session.session_id: session for session in seen.sessions}
        self._audio = b"".join(sessions[name].channels[channel] for name, channel in heard_in.items())

    def judge(self, clock_frames: int) -> None:
        """Add to the verdict."""
        times = Counter(self._positions())
        heard = {number for number in self._said if all(place in times for place in self._sound(number))}
        missing = set(self._said) - heard
        told = self._told()
        verdict = self._verdict
        verdict.real_frames += len(missing)
        verdict.told_frames += len(told)
        verdict.in_flight_frames += len(missing - _frames(self._seen.report.undelivered(self._track)))
        verdict.unlike_frames += len(missing ^ told)
        if len(missing ^ told) > clock_frames:
            self._say(f"{_stretches(missing)} are missing, {_stretches(told)} are told")
        verdict.lost_bytes += sum(
            place not in times for number in set(self._said) - told for place in self._sound(number)
        )
        repeated = sum(times.values()) - len(times)
        verdict.repeated_bytes += repeated
        if repeated:
            self._say(f"{repeated} bytes repeated")
        self._judge_ledger(heard)
        self._judge_words(heard)

    def _say(self, what: str) -> None:
        self._verdict.problems.append(f"{self._track}: {what}")

    def _each(self, kind: type[_T]) -> list[_T]:
        bodies = (written.entry.body for written in self._seen.log)
        return [body for body in bodies if isinstance(body, kind) and getattr(body, "leg", None) == self._name]

    def _positions(self) -> Iterator[int]:
        strange = 0
        for piece in read(self._track, self._audio):
            if piece.number is None:
                strange += piece.end - piece.begin
            else:
                yield from piece.positions()
        if strange:
            self._say(f"{strange} bytes that nobody said")

    def _sound(self, number: int) -> range:
        """Return the positions of the bytes of a frame that are not silence."""
        first = number * FRAME_BYTES
        return range(first, first + len(audible(frame(self._track, number))))

    def _told(self) -> set[int]:
        """Return the frames that gaps tell of; each gap is rounded to whole ones."""
        return {
            self._origin + number
            for gap in self._each(LegGap)
            for number in range(round(gap.start_ms / FRAME_MS), round(gap.end_ms / FRAME_MS))
        }

    def _judge_ledger(self, heard: set[int]) -> None:
        ended = self._each(LegEnded)
        if len(ended) != 1:
            self._say(f"{len(ended)} ends of the leg")
            return
        ledger = ended[0].ledger
        heard_bytes = len(heard) * FRAME_BYTES
        for what, is_so in {
            "does not add up": ledger.heard + ledger.filled != ledger.sent + ledger.dropped + ledger.unsent,
            "has audio that was not sent": ledger.unsent != 0,
            "has audio that was not acknowledged": ledger.acknowledged != ledger.sent,
            f"says {ledger.sent} bytes sent, Gladia took {len(self._audio)}": ledger.sent != len(self._audio),
            f"says {ledger.heard - ledger.dropped} bytes heard, Gladia has {heard_bytes}": (
                abs(ledger.heard - ledger.dropped - heard_bytes) >= FRAME_BYTES
            ),
        }.items():
            if is_so:
                self._say(f"the ledger {what}")

    def _judge_words(self, heard: set[int]) -> None:
        utterances = self._each(Utterance)
        written = Counter(word for utterance in utterances for word in words(self._track, utterance.text))
        if again := [word for word, count in written.items() if count > 1]:
            self._say(f"{len(again)} words are there twice, first {min(again)}")
        if gone := heard - written.keys():
            self._say(f"{len(gone)} words are not in the log, first {min(gone)}")
        others = [track for track in LETTERS if track != self._track]
        if any(words(other, utterance.text) for other in others for utterance in utterances):
            self._say("words of another track")
        for word in (word for utterance in utterances for word in utterance.words):
            for number in words(self._track, word.text):
                off_ms = abs(word.start_ms - (number - self._origin) * FRAME_MS)
                self._verdict.off_ms = max(self._verdict.off_ms, off_ms)


def _frames(spans: Iterable[Span]) -> set[int]:
    return {number for span in spans for number in range(span.start_ms // FRAME_MS, -(-span.end_ms // FRAME_MS))}


def _stretches(numbers: set[int]) -> str:
    """Return sorted numbers as stretches, such as `frames 4 to 7 and 9 to 9`; at most three."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    if not found:
        return "no frames"
    return "frames " + " and ".join(f"{first} to {last}" for first, last in found[:3])
