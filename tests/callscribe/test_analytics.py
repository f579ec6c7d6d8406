"""A call's figures, on calls that fit on paper, and what holds of any call."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from callscribe.after_call import PartyFigures, Step
from callscribe.analytics import MOST_STEPS, analytics
from callscribe.entries import CallEnded, CallStarted, Entry, Ledger, LegEnded, LegStarted, Utterance

STARTED = CallStarted(provider="twilio", direction="inbound", account="AC1", from_number="+1", to_number="+2")


def leg(party: str) -> LegStarted:
    return LegStarted(
        leg=f"MZ1/{party}", party=party, track="inbound", codec="mulaw/8000", media_stream="MZ1", session="G1",
        channel=0, offset_ms=0,
    )  # fmt: skip


def ended(party: str, ms: int) -> LegEnded:
    return LegEnded(leg=f"MZ1/{party}", ledger=Ledger(heard=8 * ms), sessions=1, reconnects=0)


def said(party: str, start_s: float, end_s: float, text: str = "one two three") -> Utterance:
    start_ms, end_ms = round(1000 * start_s), round(1000 * end_s)
    return Utterance(
        leg=f"MZ1/{party}", id=f"G1/{party}/{start_ms}/{end_ms}", text=text, start_ms=start_ms, end_ms=end_ms,
        language="en", confidence=0.9, words=(),
    )  # fmt: skip


def figures(*bodies):
    log = [STARTED, leg("agent"), leg("caller"), *bodies]
    return analytics([Entry("CA1", seq, "2026-11-22T09:00:00.000Z", "acme", body) for seq, body in enumerate(log, 1)])


def of(made, party: str) -> PartyFigures:
    return next(each for each in made.parties if each.party == party)


def test_talk_silence_and_overlap_are_the_whole_call():
    made = figures(said("agent", 1, 5), said("caller", 4, 8), said("agent", 10, 12), ended("agent", 20_000))

    assert (made.duration_ms, made.silence_ms, made.overlap_ms) == (20_000, 11_000, 1000)
    assert made.longest_silence_ms == 8000
    assert (of(made, "agent").talk_ms, of(made, "caller").talk_ms) == (6000, 4000)
    assert (of(made, "agent").talk_share, of(made, "caller").talk_share) == (0.6, 0.4)


def test_pace_is_words_in_a_minute_of_ones_own_talk():
    made = figures(said("agent", 0, 3, "good morning how can I help"), said("caller", 30, 31, "hello"))

    assert (of(made, "agent").words, of(made, "agent").words_per_minute) == (6, 120.0)
    assert (of(made, "caller").words, of(made, "caller").words_per_minute) == (1, 60.0)


def test_who_begins_while_another_speaks_and_goes_on_has_interrupted():
    made = figures(
        said("agent", 0, 5),
        said("caller", 4, 7),  # over the agent's last words
        said("agent", 6, 6.5),  # and a yes, during which the caller goes on
    )

    assert (of(made, "caller").interruptions, of(made, "agent").interruptions) == (1, 0)


def test_a_response_is_timed_from_the_others_end():
    made = figures(
        said("agent", 0, 2),
        said("caller", 3, 4),
        said("agent", 4.5, 5),
        said("agent", 6, 7),  # the same turn
        said("caller", 10, 11),
        said("agent", 10.5, 12),  # not after, but over
    )

    assert of(made, "caller").response_ms == 2000  # of 1 s and 3 s
    assert of(made, "agent").response_ms == 500


def test_a_monologue_goes_on_until_another_says_something():
    made = figures(said("agent", 0, 2), said("agent", 5, 9), said("caller", 10, 11), said("agent", 12, 13))

    assert of(made, "agent").longest_monologue_ms == 9000
    assert of(made, "caller").longest_monologue_ms == 1000


def test_over_time_each_step_has_its_share():
    made = figures(said("agent", 0, 2.5), said("caller", 1.5, 3), ended("agent", 3500))

    assert made.step_ms == 1000
    assert made.over_time == (
        Step(0, 0, (1000, 0)),
        Step(0, 500, (1000, 500)),
        Step(0, 500, (500, 1000)),
        Step(500, 0, (0, 0)),
    )


def test_a_call_of_silence_has_figures_too():
    made = figures(CallEnded(reason="completed", duration_ms=7000))

    assert (made.duration_ms, made.silence_ms, made.overlap_ms) == (7000, 7000, 0)
    assert of(made, "agent") == PartyFigures(
        party="agent", talk_ms=0, talk_share=0.0, utterances=0, words=0, words_per_minute=0.0,
        longest_monologue_ms=0, interruptions=0, response_ms=None,
    )  # fmt: skip


def test_a_log_with_nothing_in_it_has_no_figures_and_no_trouble():
    made = analytics([])

    assert (made.duration_ms, made.parties, made.over_time) == (0, (), ())


def test_what_a_party_says_twice_at_once_counts_once():
    made = figures(said("agent", 0, 4), said("agent", 2, 6))

    assert of(made, "agent").talk_ms == 6000
    assert made.overlap_ms == 0


utterances = st.builds(
    lambda party, start, length: said(party, start, start + length),
    st.sampled_from(["agent", "caller"]),
    st.integers(0, 12_000),
    st.integers(0, 90),
)


@given(st.lists(utterances, max_size=30), st.integers(0, 12_000_000))
def test_of_any_call_the_figures_add_up(spoken, heard_ms):
    made = figures(*spoken, ended("agent", heard_ms))

    talk_ms = sum(each.talk_ms for each in made.parties)
    assert talk_ms + made.silence_ms - made.overlap_ms == made.duration_ms
    assert sum(step.silence_ms for step in made.over_time) == made.silence_ms
    assert sum(step.overlap_ms for step in made.over_time) == made.overlap_ms
    assert [sum(each) for each in zip(*(step.talk_ms for step in made.over_time), strict=True)] in (
        [each.talk_ms for each in made.parties],
        [],
    )
    assert len(made.over_time) <= MOST_STEPS
    assert abs(sum(each.talk_share for each in made.parties) - 1) < 0.001 or talk_ms == 0
