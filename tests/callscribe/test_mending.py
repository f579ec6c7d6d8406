"""What of a recording a call's log gets: the words that nobody heard live, and no others."""

from __future__ import annotations

import pytest

from callscribe.call import BEGAN_LATE, Call, Leg
from callscribe.entries import CallFailed, Ledger, LegEnded, LegGap, LegStarted, Utterance, Word
from callscribe.mending import Span, mend, spans

NAME = "MZ1/inbound"


def leg(*gaps: tuple[int, int], cause: str = "nothing came", unsent: int = 0, is_over: bool = True) -> Leg:
    started = LegStarted(
        leg=NAME, party="caller", track="inbound", codec="mulaw/8000", media_stream="MZ1", session="G1", channel=0,
        offset_ms=0,
    )  # fmt: skip
    ledger = Ledger(heard=80_000, sent=80_000 - unsent, acknowledged=80_000 - unsent, unsent=unsent)
    return Leg(
        started,
        LegEnded(leg=NAME, ledger=ledger, sessions=1, reconnects=0) if is_over else None,
        tuple(LegGap(leg=NAME, start_ms=start, end_ms=end, cause=cause) for start, end in gaps),
    )


def said(*words: tuple[str, int], name: str = "J1/0", of: str = NAME) -> Utterance:
    spelt = tuple(Word(f" {text}", at_ms, at_ms + 200, 0.9) for text, at_ms in words)
    return Utterance(
        leg=of, id=name, text=" ".join(text for text, _ in words), start_ms=spelt[0].start_ms, end_ms=spelt[-1].end_ms,
        language="en", confidence=0.8, words=spelt,
    )  # fmt: skip


def test_a_leg_that_was_heard_whole_lacks_nothing():
    assert spans(Call(legs=(leg(),)), [said(("hello", 0))], end_ms=10_000) == []


def test_gaps_are_lacking_but_not_what_was_before_anybody_was_on_the_line():
    assert spans(Call(legs=(leg((1000, 2000), (5000, 6000)),)), [], end_ms=10_000) == [
        Span(NAME, 1000, 2000), Span(NAME, 5000, 6000),
    ]  # fmt: skip
    assert spans(Call(legs=(leg((0, 2000), cause=BEGAN_LATE),)), [], end_ms=10_000) == []


@pytest.mark.parametrize("broken", [leg((3000, 4000), unsent=8000), leg((3000, 4000), is_over=False)])
def test_what_follows_the_last_word_is_lacking_where_not_all_was_taken(broken):
    heard = [said(("hello", 0)), said(("there", 6000)), said(("other", 9000), of="MZ1/outbound")]

    assert spans(Call(legs=(broken,)), heard, end_ms=10_000) == [Span(NAME, 3000, 4000), Span(NAME, 6200, 10_000)]


def test_a_gap_within_what_is_lacking_anyway_is_told_once():
    call = Call(legs=(leg((6000, 7000), (9000, 12_000)),), failed=CallFailed(reason="x", kept=""))

    assert spans(call, [said(("hello", 6300))], end_ms=10_000) == [Span(NAME, 6000, 12_000)]
    assert spans(Call(legs=(leg((5000, 5000)),)), [], end_ms=10_000) == []


def test_an_utterance_in_the_span_is_taken_as_it_is():
    whole = said(("and", 1100), ("when", 1400))

    mended = mend(Span(NAME, 1000, 2000), [whole], recording="RE1", job="J1")

    assert mended.utterances == (whole,)
    assert mended.repaired.utterances == ("J1/0",)


def test_of_one_that_reaches_beyond_it_the_words_within_are():
    crossing = said(("heard", 500), ("lost", 1100), ("too", 1400), ("heard", 2100), ("again", 2600))

    (part,) = mend(Span(NAME, 1000, 2000), [crossing], recording="RE1", job="J1").utterances

    assert (part.id, part.text, part.start_ms, part.end_ms) == ("J1/0.1", "lost too", 1100, 1600)


def test_words_of_others_and_of_other_times_are_left_out():
    others = [said(("a", 1100), of="MZ1/outbound"), said(("b", 2950)), said(("c", 100))]

    mended = mend(Span(NAME, 1000, 2000), others, recording="RE1", job="J1")

    assert mended.utterances == ()
    assert (mended.repaired.start_ms, mended.repaired.end_ms) == (1000, 2000)  # and now it is known that it was silence


def test_an_utterance_without_the_times_of_its_words_is_in_by_its_middle():
    bare = Utterance(
        leg=NAME, id="J1/0", text="a b", start_ms=1800, end_ms=2100, language="en", confidence=0.9, words=()
    )

    assert mend(Span(NAME, 1000, 2000), [bare], recording="RE1", job="J1").utterances == (bare,)
    assert mend(Span(NAME, 2000, 3000), [bare], recording="RE1", job="J1").utterances == ()
