"""The judge finds what a log tells wrongly of a call that changed hands, to the frame. Only the first call is right."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bench.chaos.observation import Written
from bench.chaos.voice import FRAME_BYTES, LETTERS, frame
from bench.failover.call import Heard, Seen
from bench.failover.judge import judge
from callscribe.entries import CallEnded, CallFailed, Entry, Ledger, LegEnded, LegGap, LegStarted, Utterance, timestamp
from callscribe.entries import Word as Said
from local.twilio.report import CallReport, MediaStreamReport
from local.twilio.spans import Span

TRACKS = ("inbound", "outbound")
FRAMES = 100
GONE = range(40, 60)  # frames that no bridge heard
BROKE_AT = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
SILENCE = b"\xff" * FRAME_BYTES


def stream(sid: str, first: int, last: int) -> MediaStreamReport:
    return MediaStreamReport(
        stream_sid=sid, name=None, tracks=TRACKS, opened=True, status=101, problem=None, messages_sent=0, bytes_sent={},
        bytes_dropped={}, audio_begins_ms={}, frames_sent_at_s=(), starts_ms=first * 20,
        delivered={track: (Span(0, (last - first) * 20),) for track in TRACKS},
    )  # fmt: skip


def heard(numbers, *, gone=GONE) -> bytes:
    """What Gladia got of the inbound track: frames by number, silence where they are in `gone`."""
    return b"".join(SILENCE if number in gone else frame("inbound", number) for number in numbers)


def bodies(*, gaps=((800, 1200),), said=None, heard_frames=80, session="G1", sent_frames=FRAMES):
    """What the log has: each leg in two media streams, its words, a gap, an end."""
    for media_stream in ("MZ1", "MZ2"):
        for channel, track in enumerate(TRACKS):
            yield f"{track}/{media_stream}", LegStarted(
                leg=f"MZ1/{track}", party="caller", track=track, codec="", media_stream=media_stream, session=session,
                channel=channel, offset_ms=0,
            )  # fmt: skip
    for track in TRACKS:
        numbers = [number for number in range(FRAMES) if number not in GONE] if said is None else said
        words = [(f"{LETTERS[track]}{number:04d}", number * 20) for number in numbers]
        yield f"{track}/said", Utterance(
            leg=f"MZ1/{track}", id=f"{track}/said", text=" ".join(word for word, _ in words), start_ms=0, end_ms=0,
            language="en", confidence=1.0, words=tuple(Said(word, at, at + 20, 1.0) for word, at in words),
        )  # fmt: skip
        for start_ms, end_ms in gaps:
            yield f"{track}/gap/{start_ms}", LegGap(leg=f"MZ1/{track}", start_ms=start_ms, end_ms=end_ms, cause="")
        sent, got = sent_frames * FRAME_BYTES, heard_frames * FRAME_BYTES
        ledger = Ledger(heard=got, filled=sent - got, sent=sent, acknowledged=sent)
        yield f"{track}/ended", LegEnded(leg=f"MZ1/{track}", ledger=ledger, sessions=1, reconnects=0)
    yield "ended", CallEnded(reason="completed", duration_ms=2000)


def written(pairs, *, again_after_s: float = 6.0) -> tuple[Written, ...]:
    at = timestamp(BROKE_AT + timedelta(seconds=again_after_s))
    return tuple(Written(token, Entry("CA1", seq, at, "t", body)) for seq, (token, body) in enumerate(pairs, 1))


def seen(inbound: bytes | None = None, **log) -> Seen:
    """A call whose first media stream was heard to frame 40 and whose second one from frame 60 on."""
    inbound = heard(range(FRAMES)) if inbound is None else inbound
    outbound = b"".join(SILENCE if n in GONE else frame("outbound", n) for n in range(FRAMES))
    report = CallReport(
        call_sid="CA1", account_sid="AC1", ended_normally=True, failure=None, duration_s=2, webhooks=(), warnings=(),
        media_streams=(stream("MZ1", 0, 45), stream("MZ2", 60, FRAMES)), heard_ms=FRAMES * 20,
    )  # fmt: skip
    return Seen(
        call_id="CA1", frames=FRAMES, report=report, sessions=(Heard("G1", (inbound, outbound)),),
        log=written(bodies(**log)), settled=True, broke_at=BROKE_AT,
    )  # fmt: skip


def problems(call: Seen) -> list[str]:
    return judge(call, struck_at=BROKE_AT).problems


def test_a_call_whose_gap_is_told_to_the_frame_is_well():
    verdict = judge(seen(), struck_at=BROKE_AT)

    assert verdict.problems == []
    assert (verdict.streams, verdict.sessions, verdict.again_s) == (2, 1, 6.0)
    assert (verdict.real_frames, verdict.told_frames, verdict.unlike_frames) == (40, 40, 0)
    assert verdict.in_flight_frames == 10  # sent to the end of the first media stream, and heard by nobody
    assert (verdict.lost_bytes, verdict.repeated_bytes, verdict.off_ms) == (0, 0, 0)


def test_a_gap_that_is_some_milliseconds_off_is_still_told_to_the_frame():
    assert problems(seen(gaps=((809, 1192),))) == []


@pytest.mark.parametrize(("gaps", "unlike"), [(((800, 1220),), 2), (((780, 1200),), 2), (((800, 1180),), 2), ((), 40)])
def test_a_gap_that_is_a_frame_off_is_found(gaps, unlike):
    verdict = judge(seen(gaps=gaps), struck_at=BROKE_AT)

    assert verdict.unlike_frames == unlike
    assert verdict.problems


def test_a_frame_that_is_missing_and_told_by_nobody_is_lost():
    verdict = judge(seen(heard(range(FRAMES), gone=[*GONE, 70])), struck_at=BROKE_AT)

    assert verdict.lost_bytes == FRAME_BYTES
    assert "inbound: frames 40 to 59 and 70 to 70 are missing, frames 40 to 59 are told" in verdict.problems


def test_a_chunk_that_comes_twice_is_found():
    verdict = judge(seen(heard([*range(95), *range(90, 95)])), struck_at=BROKE_AT)

    assert verdict.repeated_bytes == 5 * FRAME_BYTES
    assert "inbound: 800 bytes repeated" in verdict.problems


def test_words_that_are_there_twice_or_missing_or_out_of_place_are_found():
    everything = [number for number in range(FRAMES) if number not in GONE]

    assert "inbound: 1 words are there twice, first 7" in problems(seen(said=[*everything, 7]))
    assert "inbound: 1 words are not in the log, first 99" in problems(seen(said=everything[:-1]))


def test_a_ledger_that_counts_what_nobody_heard_is_found():
    assert any("bytes heard, Gladia has" in problem for problem in problems(seen(heard_frames=85)))
    assert any("bytes sent, Gladia took" in problem for problem in problems(seen(sent_frames=99)))


def test_a_log_with_a_hole_or_with_a_failure_or_without_an_end_is_found():
    well = seen()
    holed = (*well.log[:3], *well.log[4:])
    failed = written([*bodies(), ("failed", CallFailed(reason="why", kept=""))])

    assert any("the log's numbers" in problem for problem in problems(replace(well, log=holed)))
    assert "call.failed: why" in problems(replace(well, log=failed))
    assert "the log never came to its end" in problems(replace(well, settled=False))
