"""The state of a call is a fold over its log."""

from __future__ import annotations

from callscribe.call import Call, fold
from callscribe.entries import (
    BatchWanted,
    CallEnded,
    CallFailed,
    CallStarted,
    Entry,
    Ledger,
    LegEnded,
    LegGap,
    LegStarted,
    Other,
    Utterance,
)

STARTED = CallStarted(provider="twilio", direction="inbound", account="AC1", from_number="+1", to_number="+2")
ENDED = CallEnded(reason="completed", duration_ms=7000)
WHOLE = Ledger(heard=8000, filled=160, sent=8160, acknowledged=8160)


def leg(name: str, party: str) -> LegStarted:
    return LegStarted(
        leg=name,
        party=party,
        track="inbound",
        codec="mulaw/8000",
        media_stream="MZ1",
        session="G1",
        channel=0,
        offset_ms=0,
    )


def leg_ended(name: str, ledger: Ledger = WHOLE) -> LegEnded:
    return LegEnded(leg=name, ledger=ledger, sessions=1, reconnects=0)


def after(*bodies) -> Call:
    return fold(Entry("CA1", seq, f"at {seq}", "acme", body) for seq, body in enumerate(bodies, start=1))


def test_a_call_without_entries_is_not_known():
    assert after() == Call()


def test_a_call_has_started_when_its_first_entry_was_written():
    call = after(STARTED)

    assert (call.seq, call.started, call.started_at, call.settled) == (1, STARTED, "at 1", False)


def test_a_call_is_settled_when_it_is_over_and_every_leg_has_given_its_last_words():
    assert not after(STARTED, leg("a", "caller"), ENDED).settled
    assert not after(STARTED, leg("a", "caller"), leg("b", "agent"), ENDED, leg_ended("a")).settled
    assert after(STARTED, leg("a", "caller"), ENDED, leg_ended("a")).settled
    assert after(STARTED, leg("a", "caller"), leg_ended("a"), ENDED).settled


def test_a_leg_that_another_session_goes_on_with_is_still_one_leg():
    call = after(STARTED, leg("a", "caller"), leg("a", "caller"), leg_ended("a"), ENDED)

    assert len(call.legs) == 1
    assert call.settled


def test_an_answered_call_without_legs_is_settled_once_the_log_says_why():
    failed = CallFailed(reason="gladia answered 401", kept="nothing")

    assert not after(STARTED, ENDED).settled
    assert after(STARTED, ENDED, failed).settled
    assert after(STARTED, CallEnded(reason="no-answer", duration_ms=0)).settled


def test_a_leg_is_complete_when_all_that_it_sent_was_acknowledged_and_nothing_is_missing():
    gap = LegGap(leg="a", start_ms=0, end_ms=20, cause="not delivered")

    assert after(STARTED, leg("a", "caller"), leg_ended("a")).legs[0].complete
    assert not after(STARTED, leg("a", "caller")).legs[0].complete
    assert not after(STARTED, leg("a", "caller"), gap, leg_ended("a")).legs[0].complete
    for ledger in (
        Ledger(heard=8000, sent=8000, acknowledged=7840),
        Ledger(heard=8000, sent=7840, acknowledged=7840, unsent=160),
    ):
        assert not after(STARTED, leg("a", "caller"), leg_ended("a", ledger)).legs[0].complete


def test_a_track_that_began_after_the_other_one_misses_nothing():
    gap = LegGap(leg="a", start_ms=0, end_ms=2000, cause="the track began late")

    assert after(STARTED, leg("a", "caller"), gap, leg_ended("a")).legs[0].complete


def test_a_call_is_complete_when_each_leg_is_and_nothing_failed():
    whole = (STARTED, leg("a", "caller"), leg("b", "agent"), leg_ended("a"), leg_ended("b"), ENDED)

    assert after(*whole).complete
    assert not after(*whole[:4], ENDED).complete
    assert not after(*whole, CallFailed(reason="gladia answered 401", kept="nothing")).complete
    assert not after(STARTED, ENDED).complete


def test_an_answered_call_that_is_left_to_batch_is_settled():
    wanted = BatchWanted(media_stream="MZ1", reason="all sessions of gladia's plan were in use")

    assert after(STARTED, ENDED, wanted).settled


def test_what_happens_to_one_leg_does_not_touch_the_other():
    gap = LegGap(leg="b", start_ms=0, end_ms=20, cause="not delivered")
    first, second = after(STARTED, leg("a", "caller"), leg("b", "agent"), gap, leg_ended("b")).legs

    assert (first.ended, first.gaps) == (None, ())
    assert (second.ended, second.gaps) == (leg_ended("b"), (gap,))


def test_the_party_of_a_leg_is_as_the_log_names_it():
    call = after(STARTED, leg("a", "caller"))

    assert (call.party("a"), call.party("MZ9/inbound")) == ("caller", "MZ9/inbound")


def test_a_failure_is_kept_and_unknown_kinds_only_move_the_number_on():
    failed = CallFailed(reason="no media address", kept="the phone call")
    said = Utterance(leg="a", id="1", text="hello", start_ms=0, end_ms=1, language="en", confidence=1, words=())
    call = after(STARTED, failed, said, Other(kind="chapters", fields={}))

    assert (call.seq, call.failed, call.utterances) == (4, failed, 1)
