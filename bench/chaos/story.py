"""One call told for people: what was to befall it, what did, and what its log says."""

from __future__ import annotations

from collections.abc import Iterator

from bench.chaos.judge import Verdict
from bench.chaos.observation import Observation
from bench.chaos.plan import CallPlan
from callscribe.entries import CallFailed, Entry, LegEnded, LegGap, LegStarted, Utterance


def tell(plan: CallPlan, seen: Observation, verdict: Verdict) -> Iterator[str]:
    """Yield the story's lines."""
    yield f"call {plan.number}: {plan.frames} frames, {plan.session}, subscriber: {plan.subscriber}"
    for stream in seen.streams:
        yield f"media stream {stream.media_stream} from {stream.starts_ms} ms, bytes sent: {dict(stream.bytes_sent)}"
        yield from (f"    {fault}" for fault in stream.script)
    yield from (f"aws: {fault}" for fault in plan.aws)
    yield from (f"gladia: session {line}" for line in seen.story)
    for session in seen.sessions:
        sizes = ", ".join(str(len(channel)) for channel in session.channels)
        yield f"session {session.session_id}: took {sizes} bytes, {'ended' if session.ended else 'never ended'}"
    yield from (_line(written.entry) for written in seen.log)
    yield f"{seen.seconds:.1f} s, {'settled' if seen.settled else 'never settled'}"
    yield from (f"excused: {count} of {reason}" for reason, count in verdict.excused.items() if count)
    yield from (f"PROBLEM: {problem}" for problem in verdict.problems)


def _line(entry: Entry) -> str:
    said = ""
    match entry.body:
        case Utterance(leg=leg, id=utterance, text=text, start_ms=start_ms, end_ms=end_ms):
            words = text.split()
            said = f"{leg} {utterance} {start_ms} to {end_ms} ms: {words[0]} … {words[-1]} ({len(words)})"
        case LegStarted(leg=leg, session=session, channel=channel):
            said = f"{leg} in channel {channel} of {session}"
        case LegGap(leg=leg, start_ms=start_ms, end_ms=end_ms, cause=cause):
            said = f"{leg} {start_ms} to {end_ms} ms: {cause}"
        case LegEnded(leg=leg, ledger=ledger, sessions=sessions, reconnects=reconnects):
            said = f"{leg} {ledger}, sessions: {sessions}, reconnects: {reconnects}"
        case CallFailed(reason=reason):
            said = reason
        case _:
            pass
    return f"{entry.seq:4} {entry.kind}  {said}"
