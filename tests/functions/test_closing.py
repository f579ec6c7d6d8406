"""What the log is still told of a lane that nobody hears any more."""

from __future__ import annotations

from itertools import count

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callscribe.call import fold
from callscribe.entries import CallFailed, Entry, Ledger, LegEnded, LegGap, LegStarted, Utterance
from callscribe.gladia_transcript import Speech, Transcript
from callscribe.lane_record import LaneRecord, LegRecord
from callscribe.stored_result import Stored
from functions.sweep.closing import Heard, close

AT_MS = 1_795_000_000_000
LANE = LaneRecord(
    call_id="CA1",
    tenant="acme",
    lane="inbound+outbound",
    owner="task-a",
    media_stream="MZ2",
    account="AC1",
    legs=(
        LegRecord(name="MZ1/inbound", party="caller", track="inbound", channel=0, heard=7000, filled=1160, dropped=0),
        LegRecord(name="MZ1/outbound", party="agent", track="outbound", channel=1, heard=8000, filled=320, dropped=160),
    ),
    session_id="G1",
    url="wss://gladia.example.test/secret",
    begin=3200,
    acknowledged=9600,
    sent=12_800,
    position_ms=1020,
    at_ms=AT_MS,
    offset_ms=60_000,
    sessions=2,
    reconnects=1,
    encoding="mulaw",
    rate_hz=8000,
)  # fmt: skip
SAID = Stored(
    "done",
    (
        Transcript("00_0", is_final=True, utterance=Speech(" Hello.", 0.1, 0.4, 0.9, 0, "en", ())),
        Transcript("01_0", is_final=True, utterance=Speech(" Hi.", 0.5, 0.7, 0.9, 1, "en", ())),
    ),
)


def log(*bodies) -> list[Entry]:
    return [Entry("CA1", seq, "2026-11-22T09:15:02.417Z", "acme", body) for seq, body in zip(count(1), bodies)]


def begun(leg: str, channel: int) -> LegStarted:
    return LegStarted(
        leg=leg, party="caller", track="inbound", codec="mulaw/8000", media_stream="MZ1", session="G1", channel=channel,
        offset_ms=60_000,
    )  # fmt: skip


BEGUN = [begun("MZ1/inbound", 0), begun("MZ1/outbound", 1)]


def told(entries=None, *, stored=SAID, ended_at_ms=AT_MS + 5000, failure=None, record=LANE) -> list:
    entries = log(*BEGUN) if entries is None else entries
    return [fact.body for fact in close(record, entries, stored=stored, ended_at_ms=ended_at_ms, failure=failure)]


def test_what_gladia_heard_and_nobody_wrote_down_stands_on_the_calls_clock():
    words = [each for each in told() if isinstance(each, Utterance)]

    # The session began 200 ms into a lane that began 60 s into the call.
    assert [(each.id, each.leg, each.start_ms, each.end_ms) for each in words] == [
        ("G1/00_0", "MZ1/inbound", 60_300, 60_600),
        ("G1/01_0", "MZ1/outbound", 60_700, 60_900),
    ]


def test_what_is_in_the_log_is_not_told_again():
    (first, *_) = (each for each in told() if isinstance(each, Utterance))

    assert [each.id for each in told(log(*BEGUN, first)) if isinstance(each, Utterance)] == ["G1/01_0"]


def test_the_call_went_on_after_the_last_that_was_heard_and_that_is_a_gap_of_each_leg():
    assert [each for each in told() if isinstance(each, LegGap)] == [
        LegGap(leg=leg, start_ms=61_020, end_ms=66_020, cause="no bridge had the call")
        for leg in ("MZ1/inbound", "MZ1/outbound")
    ]


@pytest.mark.parametrize("ended_at_ms", [None, AT_MS, AT_MS - 1000])
def test_without_more_of_the_call_there_is_no_gap(ended_at_ms):
    assert not [each for each in told(ended_at_ms=ended_at_ms) if isinstance(each, LegGap)]


def test_each_leg_ends_with_what_its_bridge_told_of_its_bytes():
    assert [each for each in told() if isinstance(each, LegEnded)] == [
        LegEnded(
            leg="MZ1/inbound",
            ledger=Ledger(heard=7000, filled=1160, dropped=0, sent=8000, acknowledged=6400, unsent=160),
            sessions=2,
            reconnects=1,
        ),
        LegEnded(
            leg="MZ1/outbound",
            ledger=Ledger(heard=8000, filled=320, dropped=160, sent=8000, acknowledged=6400, unsent=160),
            sessions=2,
            reconnects=1,
        ),
    ]


_BYTES = st.integers(0, 10**6)


@given(
    leg=st.fixed_dictionaries({"heard": _BYTES, "filled": _BYTES, "dropped": _BYTES}),
    lane=st.fixed_dictionaries({"begin": _BYTES, "sent": _BYTES, "acknowledged": _BYTES, "lost": _BYTES}),
    audio_s=st.none() | st.floats(0, 100),
)
def test_every_byte_is_somewhere_in_the_ledger(leg, lane, audio_s):
    leg["heard"] += leg["dropped"]  # what is dropped was heard
    record = msgspec.structs.replace(LANE, **lane)
    ledger = Heard(record, audio_s).ledger(msgspec.structs.replace(LANE.legs[0], **leg))

    assert ledger.heard + ledger.filled == ledger.sent + ledger.dropped + ledger.unsent
    assert 0 <= ledger.acknowledged <= ledger.sent
    assert ledger.unsent >= 0
    assert ledger.heard >= leg["heard"]


def test_what_gladia_had_after_the_bridge_last_wrote_was_heard_sent_and_acknowledged():
    said = msgspec.structs.replace(SAID, audio_s=20.0)
    bodies = told(stored=said, ended_at_ms=AT_MS + 30_000)

    # 200 ms before the session began, then its 20 s; the call went on for 30 s after the 1020 ms that were written of.
    assert [(each.start_ms, each.end_ms) for each in bodies if isinstance(each, LegGap)] == [(80_200, 91_020)] * 2
    assert [each.ledger for each in bodies if isinstance(each, LegEnded)] == [
        Ledger(heard=160_440, filled=1160, dropped=0, sent=161_600, acknowledged=161_600),
        Ledger(heard=161_440, filled=320, dropped=160, sent=161_600, acknowledged=161_600),
    ]


def test_what_a_bridge_heard_and_gladia_never_got_is_a_gap_whenever_the_call_ended():
    said = msgspec.structs.replace(SAID, audio_s=0.5)
    gaps = [each for each in told(stored=said, ended_at_ms=None) if isinstance(each, LegGap)]

    assert [(each.start_ms, each.end_ms) for each in gaps] == [(60_700, 61_020)] * 2


def test_bytes_that_no_session_could_be_given_were_not_sent():
    record = msgspec.structs.replace(
        LANE, lost=320, legs=tuple(msgspec.structs.replace(leg, heard=7840, filled=0, dropped=0) for leg in LANE.legs)
    )
    ledgers = [each.ledger for each in told(record=record) if isinstance(each, LegEnded)]

    assert ledgers == [Ledger(heard=7840, sent=7840, acknowledged=6240)] * 2


def test_a_gap_is_told_once_though_gladia_tells_more_of_it_the_next_time():
    first = [each for each in told() if isinstance(each, LegGap)]
    said = msgspec.structs.replace(SAID, audio_s=3.0)

    assert [each for each in told(log(*BEGUN, *first), stored=said) if isinstance(each, LegGap)] == []


def test_words_come_before_the_end_of_their_leg():
    kinds = [type(each) for each in told(failure="gladia is away")]

    assert kinds == [Utterance, Utterance, LegGap, LegGap, CallFailed, LegEnded, LegEnded]


def test_a_leg_of_which_the_log_has_not_heard_begins_first():
    bodies = told(log())

    assert bodies[0] == LegStarted(
        leg="MZ1/inbound", party="caller", track="inbound", codec="mulaw/8000", media_stream="MZ2", session="G1",
        channel=0, offset_ms=60_000, session_begin_ms=60_200,
    )  # fmt: skip
    assert all(leg.ended is not None for leg in fold(log(*bodies)).legs)


def test_a_lane_that_never_got_a_session_has_no_legs_and_the_log_says_why():
    without = msgspec.structs.replace(LANE, session_id="", sent=0, acknowledged=0, begin=0)
    (failed,) = told(log(), record=without)

    assert isinstance(failed, CallFailed)
    assert told(log(failed), record=without) == []


def test_a_lane_whose_legs_have_ended_is_not_spoken_of_again():
    ends = [each for each in told() if isinstance(each, LegEnded)]

    assert told(log(*BEGUN, *ends), failure="gladia is away") == []
    assert {each.leg for each in told(log(*BEGUN, ends[0])) if not isinstance(each, Utterance)} == {"MZ1/outbound"}


def test_what_cannot_be_had_is_said_with_what_was_kept():
    (failed,) = (
        each for each in told(stored=Stored("processing"), failure="gladia is away") if isinstance(each, CallFailed)
    )

    assert failed == CallFailed(reason="gladia is away", kept="0 utterances")


@pytest.mark.parametrize("done", range(7))
def test_a_run_that_was_cut_off_anywhere_is_gone_on_with(done: int):
    whole = told(failure="gladia is away")

    assert told(log(*BEGUN, *whole[:done]), failure="gladia is away") == whole[done:]


def test_facts_have_the_names_that_the_bridge_gives_them():
    facts = close(LANE, log(), stored=SAID, ended_at_ms=AT_MS + 1, failure=None)

    assert [fact.token for fact in facts if fact.token.startswith(("MZ1/inbound", "G1/00"))] == [
        "MZ1/inbound/started/G1/MZ2",
        "G1/00_0",
        "MZ1/inbound/gap/1020/no bridge had the call",
        "MZ1/inbound/ended",
    ]
