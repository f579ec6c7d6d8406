"""Whether a call lost or repeated anything, to the byte; pure, so that it can be shown to find what is wrong.

What nobody could have kept is counted apart, by its reason, and is no failure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from bench.chaos.observation import Observation, SessionSeen, StreamSeen, Written
from bench.chaos.voice import BYTES_A_MS, FRAME_BYTES, FRAME_MS, LETTERS, audible, between, frames_in, read, words
from bridge.media_stream import KEEP_ALIVE_MS
from callscribe.audio_format import MULAW_8K
from callscribe.entries import CallFailed, Entry, LegEnded, LegGap, LegStarted, Utterance
from local.twilio.faults import Death, Drift, Ending, Script, stamp_ms
from local.twilio.spans import Span, missing, united

RESET = "audio that was lost on the way with a connection that was reset"
EDGE = "silence before the first frame or after the last one, of which the carrier sent no sign"
UNSAID = "words whose session never ended, so that Gladia neither said nor stored them"
DRIFTED = "audio that gave way to other audio on a clock that runs fast or slow, in the ledger as dropped"
UNPLACED = "audio that a session took and could not place, or never acknowledged before it was cut off: heard by two"
# Timestamps of a clock that runs fast or slow are rounded to milliseconds, at both ends of a gap.
_DRIFT_TOLERANCE_MS = 3


@dataclass(slots=True)
class Verdict:
    """What a call came to. `problems` is empty if nothing was lost where there was a way."""

    number: int
    problems: list[str] = field(default_factory=list)
    excused: dict[str, int] = field(default_factory=Counter)  # bytes or words, by reason
    bytes_said: int = 0  # by the carrier, all tracks, each once
    bytes_lost: int = 0
    bytes_repeated: int = 0
    gap_bytes: int = 0  # never delivered, and told as gaps
    words: int = 0  # that Gladia said or stored
    words_missing: int = 0
    words_twice: int = 0
    reconnects: int = 0
    sessions: int = 0


def judge(seen: Observation) -> Verdict:
    """Return the verdict on one call."""
    verdict = Verdict(seen.number, problems=list(seen.trouble), sessions=len(seen.sessions))
    if not seen.settled:
        verdict.problems.append("the log never came to its end")
    verdict.problems += log_problems(seen.log)
    entries = [written.entry for written in seen.log]
    for stream in seen.streams:
        sessions = [session for session in seen.sessions if session.media_stream == stream.media_stream]
        legs = [_Leg(stream, track, sessions, entries, verdict) for track in stream.delivered]
        is_whole = all(leg.is_whole for leg in legs)
        for leg in legs:
            leg.judge(is_whole_stream=is_whole)
    return verdict


def log_problems(log: Sequence[Written]) -> Iterator[str]:
    """Yield what is wrong with a log whatever was said: a hole, one fact twice, a failure."""
    numbers = [written.entry.seq for written in log]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"the log's numbers are not 1 to {len(numbers)} in turn"
    for token, count in Counter(written.token for written in log).items():
        if count > 1:
            yield f"{count} entries stand for the same fact {token.rpartition('/')[2]!r}"
    for written in log:
        if isinstance(written.entry.body, CallFailed):
            yield f"call.failed: {written.entry.body.reason}"


class _Leg:
    """One track of one media stream."""

    def __init__(
        self,
        stream: StreamSeen,
        track: str,
        sessions: Sequence[SessionSeen],
        entries: Sequence[Entry],
        verdict: Verdict,
    ) -> None:
        self._stream = stream
        self._track = track
        self._name = f"{stream.media_stream}/{track}"
        self._verdict = verdict
        bodies = [entry.body for entry in entries]
        started = [body for body in bodies if isinstance(body, LegStarted) and body.leg == self._name]
        self._channels = {body.session: body.channel for body in started}
        self._offset_ms = started[0].offset_ms if started else 0
        self._gaps = [body for body in bodies if isinstance(body, LegGap) and body.leg == self._name]
        self._ended = [body for body in bodies if isinstance(body, LegEnded) and body.leg == self._name]
        self._texts = [body.text for body in bodies if isinstance(body, Utterance) and body.leg == self._name]
        self._sessions = [session for session in sessions if self._channel(session) is not None]
        self._heard = b"".join(self._audio(session) for session in self._sessions)
        delivered = (span.shifted(stream.starts_ms) for span in stream.delivered[track])
        self._said_bytes = between(track, delivered)
        self.is_whole = audible(self._said_bytes) == audible(self._heard)

    def _channel(self, session: SessionSeen) -> int | None:
        channel = self._channels.get(session.session_id, len(session.channels))
        return channel if channel < len(session.channels) else None

    def _audio(self, session: SessionSeen) -> bytes:
        return session.channels[self._channels[session.session_id]]

    def judge(self, *, is_whole_stream: bool) -> None:
        """Add to the verdict; `is_whole_stream` tells whether each of the stream's legs is whole."""
        self._verdict.bytes_said += len(self._said_bytes)
        if not self.is_whole:
            self._compare(self._said_bytes)
        self._judge_words()
        self._judge_gaps(is_whole=is_whole_stream)
        self._judge_ledger(len(self._said_bytes), is_whole=self.is_whole)

    def _compare(self, said: bytes) -> None:
        """Count what was lost, repeated and put elsewhere, byte by byte."""
        due = [position for piece in read(self._track, said) for position in piece.positions()]
        heard: list[int] = []
        strange = unplaced = unordered = 0
        earlier: set[int] = set()
        last = -1
        for session in self._sessions:
            here: list[int] = []
            for piece in read(self._track, self._audio(session)):
                if piece.number is None:
                    strange += piece.end - piece.begin
                else:
                    here += piece.positions()
            again = earlier.intersection(here)
            unplaced += len(again)
            unordered += sum(a > b for a, b in pairwise([last, *dict.fromkeys(here)]))
            heard += here
            if session.was_cut or session.refused_bytes:
                earlier.update(here)  # and what follows may begin anywhere in it
            elif here:
                last = here[-1]
        times = Counter(heard)
        lost = [position for position in due if position not in times]
        twice = [position for position, count in times.items() if count > 1]
        repeated = sum(times.values()) - len(times) - unplaced
        alien = len(times.keys() - set(due))
        self._verdict.excused[UNPLACED] += unplaced
        if _is_reset(self._stream.script):
            newest = max(times, default=-1)
            before = [position for position in lost if position < newest]
            self._verdict.excused[RESET] += len(lost) - len(before)
            lost = before
        if 0 < len(lost) <= min(self._dropped(), FRAME_BYTES) and _drifts(self._stream.script):
            self._verdict.excused[DRIFTED] += len(lost)
            lost = []
        self._verdict.bytes_lost += len(lost)
        self._verdict.bytes_repeated += repeated
        self._say_if(len(lost), "bytes lost", lost[:1])
        self._say_if(repeated, "bytes repeated", twice[:1])
        self._say_if(strange + alien, "bytes that nobody said here")
        self._say_if(unordered, "places where the order is broken")

    def _dropped(self) -> int:
        return sum(ended.ledger.dropped for ended in self._ended)

    def _judge_words(self) -> None:
        """Look for each word that Gladia said or stored, once."""
        written = Counter(word for text in self._texts for word in words(self._track, text))
        said = {word for each in self._sessions if each.ended for word in self._said(each)}
        endless = [each for each in self._sessions if not each.ended]
        taken = {word for each in endless for word in frames_in(self._track, self._audio(each))}
        missing_words = said - written.keys()
        self._verdict.words += len(said)
        self._verdict.words_missing += len(missing_words)
        self._verdict.words_twice += written.total() - len(written)
        self._verdict.excused[UNSAID] += len(taken - said - written.keys())
        self._say_if(len(missing_words), "words are missing", [min(missing_words, default=0) * FRAME_BYTES])
        again = [word * FRAME_BYTES for word, count in written.items() if count > 1]
        self._say_if(written.total() - len(written), "words are there twice", again[:1])
        never = written.keys() - said - {word for each in endless for word in self._said(each)}
        self._say_if(len(never), "words that Gladia never said")
        others = [track for track in LETTERS if track != self._track]
        self._say_if(sum(len(words(track, text)) for track in others for text in self._texts), "words of another track")

    def _said(self, session: SessionSeen) -> Iterator[int]:
        for text in session.finals:
            yield from words(self._track, text)

    def _say_if(self, count: int, what: str, at: Sequence[int] = ()) -> None:
        if count:
            where = "".join(f", first at {position / BYTES_A_MS / 1000:.3f} s" for position in at)
            self._verdict.problems.append(f"{self._track}: {count} {what}{where}")

    def _judge_gaps(self, *, is_whole: bool) -> None:
        """Compare the gaps told with what the carrier never delivered between its first frame and its last one."""
        edges = self._edges()
        if edges is None:
            return
        never = self._stream.undelivered[self._track]
        due = tuple(span.shifted(-edges.start_ms) for span in _within(never, edges))
        told = united(Span(gap.start_ms - self._offset_ms, gap.end_ms - self._offset_ms) for gap in self._gaps)
        self._verdict.excused[EDGE] += (_length_ms(never) - _length_ms(due)) * BYTES_A_MS
        tolerance_ms = _DRIFT_TOLERANCE_MS if _drifts(self._stream.script) else 0
        if _is_reset(self._stream.script) and not is_whole:
            return  # where the network lost the end of it, no side knows the other's truth
        self._verdict.gap_bytes += _length_ms(due) * BYTES_A_MS
        # Less than a frame of it may be told, or not.
        unlike = [
            sum(span.end_ms - span.start_ms for span in _without(a, b) if span.end_ms - span.start_ms >= FRAME_MS)
            for a, b in ((due, told), (told, due))
        ]
        allowed_ms = tolerance_ms * (len(due) + 1)
        self._say_if(unlike[0] if unlike[0] > allowed_ms else 0, "ms never delivered are in no gap")
        self._say_if(unlike[1] if unlike[1] > allowed_ms else 0, "ms are told as gaps and were delivered")
        self._say_if(sum(gap.end_ms - gap.start_ms for gap in self._gaps) - _length_ms(told), "ms told twice as gaps")

    def _edges(self) -> Span | None:
        """Return from where to where the carrier sent anything on any track, as timestamps show it."""
        spans = [span for spans in self._stream.delivered.values() for span in spans]
        if not spans:
            return None
        script = self._stream.script
        origin_ms = stamp_ms(0, script)
        first, last = min(span.start_ms for span in spans), max(span.end_ms for span in spans)
        return Span(stamp_ms(first, script) - origin_ms, stamp_ms(last - 1, script) + 1 - origin_ms)

    def _judge_ledger(self, said_bytes: int, *, is_whole: bool) -> None:
        if len(self._ended) != 1:
            self._verdict.problems.append(f"{self._track}: {len(self._ended)} ends of the leg")
            return
        (ended,) = self._ended
        ledger = ended.ledger
        # Both legs of a lane tell of the same sockets.
        self._verdict.reconnects = max(self._verdict.reconnects, ended.reconnects)
        if ledger.heard + ledger.filled != ledger.sent + ledger.dropped + ledger.unsent:
            self._verdict.problems.append(f"{self._track}: the ledger does not add up")
        if not 0 <= ledger.acknowledged <= ledger.sent:
            self._verdict.problems.append(f"{self._track}: more acknowledged than sent")
        if not is_whole:
            return
        sent = self._stream.bytes_sent[self._track]
        # The same message once more is dropped by its number, and need not be among what was heard.
        if not said_bytes <= ledger.heard <= sent:
            self._verdict.problems.append(f"{self._track}: {ledger.heard} bytes heard of {sent} sent")
        is_unplaced = any(session.was_cut or session.refused_bytes for session in self._sessions)
        if not is_unplaced and not self._is_beyond(len(self._heard) - ledger.sent):
            self._verdict.problems.append(f"{self._track}: {ledger.sent} bytes sent, Gladia took {len(self._heard)}")

    def _is_beyond(self, count: int) -> bool:
        """Whether so many bytes are what keeps sessions alive: silence beyond the call's own audio, chunk by chunk."""
        silent = sum(len(audio) - len(audio.rstrip(MULAW_8K.silence)) for audio in map(self._audio, self._sessions))
        return 0 <= count <= silent and count % (KEEP_ALIVE_MS * BYTES_A_MS) == 0


def _is_reset(script: Script) -> bool:
    return any(isinstance(fault, Death | Ending) and fault.how == "reset" for fault in script)


def _drifts(script: Script) -> bool:
    return any(isinstance(fault, Drift) for fault in script)


def _within(spans: Iterable[Span], edges: Span) -> Iterator[Span]:
    for span in spans:
        cut = Span(max(span.start_ms, edges.start_ms), min(span.end_ms, edges.end_ms))
        if cut.start_ms < cut.end_ms:
            yield cut


def _without(spans: Sequence[Span], others: Sequence[Span]) -> tuple[Span, ...]:
    """Return what of `spans` is not in `others`."""
    end_ms = max((span.end_ms for span in spans), default=0)
    return tuple(cut for hole in missing(others, end_ms=end_ms) for cut in _within(spans, hole))


def _length_ms(spans: Iterable[Span]) -> int:
    return sum(span.end_ms - span.start_ms for span in spans)
