"""A transcript is read in the order of speech, by who spoke."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from callscribe.entries import Dtmf, Entry, LegStarted, Utterance
from callscribe.transcript import transcript


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


def said(leg: str, name: str, start_ms: int, end_ms: int) -> Utterance:
    return Utterance(
        leg=leg, id=name, text=name, start_ms=start_ms, end_ms=end_ms, language="en", confidence=0.9, words=()
    )


def log_of(*bodies) -> list[Entry]:
    return [Entry("CA1", seq, "", "", body) for seq, body in enumerate(bodies, start=1)]


def test_lines_stand_in_the_order_of_speech_not_of_completion():
    log = log_of(
        leg("a", "caller"),
        leg("b", "agent"),
        said("b", "two", 900, 1500),
        said("a", "one", 100, 2000),
        said("b", "three", 1600, 1900),
    )

    assert [(line.party, line.said.text) for line in transcript(log)] == [
        ("caller", "one"),
        ("agent", "two"),
        ("agent", "three"),
    ]


def test_what_a_resumed_session_said_twice_stands_once():
    log = log_of(
        leg("a", "caller"), said("a", "one", 0, 10), Dtmf(leg="a", digit="1", at_ms=5), said("a", "one", 0, 10)
    )

    assert [line.said.text for line in transcript(log)] == ["one"]


def test_a_leg_that_the_log_has_not_named_speaks_under_its_own_name():
    assert [line.party for line in transcript(log_of(said("MZ1/inbound", "one", 0, 10)))] == ["MZ1/inbound"]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 20), st.integers(0, 10000)), max_size=30))
def test_every_utterance_is_a_line_and_lines_never_go_back_in_time(utterances):
    lines = transcript(log_of(*(said(leg, str(name), at, at + 1) for leg, name, at in utterances)))

    assert {line.said.id for line in lines} == {str(name) for _, name, _ in utterances}
    assert [line.said.start_ms for line in lines] == sorted(line.said.start_ms for line in lines)
