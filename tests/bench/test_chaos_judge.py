"""The judge finds what is wrong, to the byte. Each observation here is made up; only the first is as it should be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.chaos.judge import EDGE, RESET, UNPLACED, UNSAID, judge
from bench.chaos.observation import Observation, SessionSeen, StreamSeen, Written
from bench.chaos.voice import BYTES_A_MS, FRAME_BYTES, frame, voice
from callscribe.entries import CallFailed, Entry, Ledger, LegEnded, LegGap, LegStarted, Utterance
from local.twilio.faults import Death, Gap
from local.twilio.spans import Span, missing

TRACKS = ("inbound", "outbound")
FRAMES = 100
END_MS = FRAMES * 20
WHOLE = (Span(0, END_MS),)


def stream(*, delivered=WHOLE, script=(), **changes) -> StreamSeen:
    """A media stream that delivered `delivered` of the inbound track, and all of the outbound one."""
    spans = {"inbound": delivered, "outbound": WHOLE}
    seen = StreamSeen(
        media_stream="MZ1",
        starts_ms=0,
        delivered=spans,
        undelivered={track: missing(each, end_ms=END_MS) for track, each in spans.items()},
        bytes_sent={track: sum(s.end_ms - s.start_ms for s in each) * BYTES_A_MS for track, each in spans.items()},
        script=script,
    )
    return replace(seen, **changes)


def session(number: int, inbound: bytes, outbound: bytes, *, finals=(), ended=True, refused_bytes=0) -> SessionSeen:
    return SessionSeen(f"s{number}", "MZ1", (inbound, outbound), finals, ended, refused_bytes)


def bodies(*sessions: SessionSeen, gaps=(), finals=(), filled=0):
    """What a bridge writes that heard all of them."""
    for each in sessions:
        for channel, track in enumerate(TRACKS):
            yield f"{track}/{each.session_id}", LegStarted(
                leg=f"MZ1/{track}", party="caller", track=track, codec="", media_stream="MZ1",
                session=each.session_id, channel=channel, offset_ms=0,
            )  # fmt: skip
    for track, start_ms, end_ms in gaps:
        yield f"{track}/gap/{start_ms}", LegGap(leg=f"MZ1/{track}", start_ms=start_ms, end_ms=end_ms, cause="")
    for number, (session_id, track, text) in enumerate(finals):
        yield f"{session_id}/{number}", Utterance(
            leg=f"MZ1/{track}", id=f"{session_id}/{number}", text=text, start_ms=0, end_ms=0, language="en",
            confidence=1.0, words=(),
        )  # fmt: skip
    for channel, track in enumerate(TRACKS):
        sent = sum(len(each.channels[channel]) for each in sessions)
        silence = filled if track == "inbound" else 0
        ledger = Ledger(heard=sent - silence, filled=silence, sent=sent, acknowledged=sent)
        yield f"{track}/ended", LegEnded(leg=f"MZ1/{track}", ledger=ledger, sessions=len(sessions), reconnects=0)


def observation(*sessions: SessionSeen, streams=None, entries=None, settled=True) -> Observation:
    written = bodies(*sessions) if entries is None else entries
    log = tuple(
        Written(token, Entry("CA1", seq, "now", "acme", body)) for seq, (token, body) in enumerate(written, start=1)
    )
    return Observation(1, "CA1", streams or (stream(),), sessions, log, settled)


ALL = (voice("inbound", FRAMES), voice("outbound", FRAMES))


def test_a_call_that_lost_nothing_has_no_problem():
    verdict = judge(observation(session(1, *ALL)))

    assert verdict.problems == []
    assert (verdict.bytes_said, verdict.bytes_lost, verdict.bytes_repeated) == (2 * FRAMES * FRAME_BYTES, 0, 0)


@pytest.mark.parametrize(("kept", "problems"), [(800, 0), (1600, 0), (799, 2)])
def test_a_session_may_have_been_kept_with_silence_beyond_the_calls_audio(kept, problems):
    told = list(bodies(session(1, *ALL)))
    silence = b"\xff" * kept

    verdict = judge(observation(session(1, ALL[0] + silence, ALL[1] + silence), entries=told))

    assert len([problem for problem in verdict.problems if "Gladia took" in problem]) == problems


def test_audio_may_be_split_between_sessions_anywhere():
    first = session(1, ALL[0][:808], ALL[1][:808])
    second = session(2, ALL[0][808:], ALL[1][808:])

    assert judge(observation(first, second)).problems == []


def test_a_lost_frame_is_counted_to_the_byte_and_its_place_told():
    damaged = ALL[0].replace(frame("inbound", 50), b"")

    verdict = judge(observation(session(1, damaged, ALL[1])))

    assert (verdict.bytes_lost, verdict.bytes_repeated) == (FRAME_BYTES, 0)
    assert any("inbound: 160 bytes lost, first at 1.000 s" in problem for problem in verdict.problems)


def test_a_single_byte_sent_again_after_a_resume_is_found():
    verdict = judge(observation(session(1, ALL[0][:800], ALL[1][:800]), session(2, ALL[0][799:], ALL[1][800:])))

    assert (verdict.bytes_lost, verdict.bytes_repeated) == (0, 1)


def test_chunks_that_changed_places_are_found_though_nothing_is_lost():
    swapped = ALL[0][:800] + ALL[0][1600:2400] + ALL[0][800:1600] + ALL[0][2400:]

    verdict = judge(observation(session(1, swapped, ALL[1])))

    assert verdict.problems == ["inbound: 1 places where the order is broken"]


def test_tracks_that_changed_channels_are_found():
    assert judge(observation(session(1, ALL[1], ALL[0]))).bytes_lost > 0


def test_a_session_of_which_the_log_does_not_tell_has_heard_nothing():
    seen = session(1, *ALL)

    verdict = judge(observation(seen, entries=bodies()))

    assert verdict.bytes_lost > 0


def with_hole(*gaps, fill=b"\xff" * 800) -> Observation:
    """Five frames of the inbound track were never delivered; the log tells of `gaps`."""
    delivered = (Span(0, 400), Span(500, END_MS))
    heard = session(1, ALL[0][: 400 * 8] + fill + ALL[0][500 * 8 :], ALL[1])
    streams = (stream(delivered=delivered, script=(Gap(400, 100, "inbound"),)),)
    return observation(heard, streams=streams, entries=bodies(heard, gaps=gaps, filled=len(fill)))


def test_what_the_carrier_never_delivered_is_a_gap_and_no_loss():
    verdict = judge(with_hole(("inbound", 400, 500)))

    assert (verdict.problems, verdict.gap_bytes) == ([], 800)


@pytest.mark.parametrize(
    ("gaps", "problem"),
    [
        ((), "inbound: 100 ms never delivered are in no gap"),
        ((("inbound", 400, 480),), "inbound: 20 ms never delivered are in no gap"),
        ((("inbound", 400, 520),), "inbound: 20 ms are told as gaps and were delivered"),
        ((("inbound", 400, 500), ("inbound", 440, 500)), "inbound: 60 ms told twice as gaps"),
    ],
)
def test_a_gap_that_is_not_exactly_what_is_missing_is_found(gaps, problem):
    assert judge(with_hole(*gaps)).problems == [problem]


def test_what_was_never_delivered_before_the_first_frame_of_all_is_no_gap():
    late = {track: (Span(200, END_MS),) for track in TRACKS}
    seen = stream(delivered=late["inbound"], undelivered={track: (Span(0, 200),) for track in TRACKS})
    seen = replace(seen, delivered=late, bytes_sent=dict.fromkeys(TRACKS, len(ALL[0]) - 1600))

    verdict = judge(observation(session(1, ALL[0][1600:], ALL[1][1600:]), streams=(seen,)))

    assert (verdict.problems, verdict.excused[EDGE]) == ([], 2 * 1600)


def test_the_end_of_a_stream_that_was_reset_may_be_lost_and_its_middle_may_not():
    script = (Death(END_MS, "reset"),)
    tail = session(1, ALL[0][:-1600], ALL[1][:-1600])
    middle = session(1, ALL[0][:800] + ALL[0][1600:], ALL[1])
    both = session(1, ALL[0][:800] + ALL[0][1600:-1600], ALL[1])

    at_the_end = judge(observation(tail, streams=(stream(script=script),)))
    inside = judge(observation(middle, streams=(stream(script=script),)))
    at_both = judge(observation(both, streams=(stream(script=script),)))

    assert at_the_end.bytes_lost == 0
    assert at_the_end.excused[RESET] > 0
    assert inside.bytes_lost > 0
    assert at_both.bytes_lost == inside.bytes_lost
    assert at_both.excused[RESET] > 0


SAID = (" a0000 a0001", " b0000", " a0002\N{REPLACEMENT CHARACTER}")
WRITTEN = [
    ("s1", "inbound", "a0000 a0001"),
    ("s1", "outbound", "b0000"),
    ("s1", "inbound", "a0002\N{REPLACEMENT CHARACTER}"),
]


def test_each_word_that_gladia_said_is_looked_for_once():
    seen = session(1, *ALL, finals=SAID)

    def verdict_on(finals):
        return judge(observation(seen, entries=bodies(seen, finals=finals)))

    assert (verdict_on(WRITTEN).problems, verdict_on(WRITTEN).words) == ([], 4)
    assert verdict_on(WRITTEN[:1]).words_missing == 2
    assert verdict_on([*WRITTEN, WRITTEN[0]]).words_twice == 2
    assert verdict_on([*WRITTEN, ("s1", "inbound", "a0099")]).problems == ["inbound: 1 words that Gladia never said"]
    assert verdict_on([*WRITTEN, ("s1", "inbound", "b0001")]).problems == ["inbound: 1 words of another track"]


def test_words_of_a_session_that_never_ended_are_excused_and_counted():
    seen = session(1, *ALL, finals=SAID, ended=False)

    verdict = judge(observation(seen, entries=bodies(seen)))

    assert (verdict.words_missing, verdict.excused[UNSAID]) == (0, 2 * FRAMES)


@pytest.mark.parametrize("why", [{"was_cut": True}, {"refused_bytes": 16}])
def test_what_two_sessions_heard_is_excused_where_the_first_could_not_say_what_it_had(why):
    first, second = (ALL[0][:1600], ALL[1][:1600]), (ALL[0][800:], ALL[1][800:])

    excused = judge(observation(replace(session(1, *first), **why), session(2, *second)))
    repeated = judge(observation(session(1, *first), session(2, *second)))

    assert (excused.bytes_repeated, excused.excused[UNPLACED]) == (0, 1600)
    assert repeated.bytes_repeated == 1600


def test_a_log_with_a_hole_or_with_one_fact_twice_is_found():
    seen = session(1, *ALL)
    good = observation(seen)
    first, second, *others = good.log

    hole = judge(replace(good, log=(first, *others)))
    double = judge(replace(good, log=(first, replace(second, token=first.token), *others)))

    assert any("numbers" in problem for problem in hole.problems)
    assert any("same fact" in problem for problem in double.problems)


def test_a_log_that_never_ends_and_a_transcript_that_failed_are_found():
    seen = session(1, *ALL)

    assert judge(observation(seen, settled=False)).problems == ["the log never came to its end"]
    failed = [*bodies(seen), ("failed", CallFailed(reason="gladia is behind", kept=""))]
    assert judge(observation(seen, entries=failed)).problems == ["call.failed: gladia is behind"]


@pytest.mark.parametrize(
    ("ledger", "problem"),
    [
        (Ledger(heard=16000, filled=160, sent=16000, acknowledged=0), "inbound: the ledger does not add up"),
        (Ledger(heard=16000, sent=16000, acknowledged=16160), "inbound: more acknowledged than sent"),
        (Ledger(heard=15840, filled=160, sent=16000, acknowledged=16000), "inbound: 15840 bytes heard of 16000 sent"),
        (Ledger(heard=16000, dropped=160, sent=15840, acknowledged=0), "inbound: 15840 bytes sent, Gladia took 16000"),
    ],
)
def test_a_ledger_that_does_not_fit_what_carrier_and_gladia_have_is_found(ledger, problem):
    seen = session(1, *ALL)
    entries = [
        (token, LegEnded(leg=body.leg, ledger=ledger, sessions=1, reconnects=0) if token == "inbound/ended" else body)
        for token, body in bodies(seen)
    ]

    assert judge(observation(seen, entries=entries)).problems == [problem]


def test_a_leg_without_an_end_is_found():
    seen = session(1, *ALL)

    verdict = judge(observation(seen, entries=[each for each in bodies(seen) if each[0] != "outbound/ended"]))

    assert verdict.problems == ["outbound: 0 ends of the leg"]
