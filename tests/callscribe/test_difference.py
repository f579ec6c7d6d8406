"""How the live words differ from the recording's: the fewest changes, by party, language and time."""

from __future__ import annotations

import random

import jiwer
import msgspec
from hypothesis import given
from hypothesis import strategies as st

from callscribe.difference import NEAR_MS, Change, Compared, compare
from callscribe.entries import Utterance, Word
from callscribe.second_pass import Difference
from callscribe.transcript import Line

A_WORD_MS = 300


def said(text: str, *, at_ms: int = 0, party: str = "caller", language: str = "en") -> Line:
    words = tuple(
        Word(f" {word}", at_ms + number * A_WORD_MS, at_ms + number * A_WORD_MS + 250, 0.9)
        for number, word in enumerate(text.split())
    )
    return Line(
        party,
        Utterance(
            leg=f"MZ/{party}",
            id=f"{party}/{at_ms}/{text}",
            text=text,
            start_ms=at_ms,
            end_ms=at_ms + A_WORD_MS * len(words),
            language=language,
            confidence=0.9,
            words=words,
        ),
    )


def changes(compared: Compared) -> list[tuple[str, str]]:
    return [(change.live, change.recorded) for change in compared.changes]


def test_what_is_written_otherwise_is_the_same():
    compared = compare([said("I've lost my Card.")], [said("Ive lost, my card")])

    assert compared.changes == ()
    assert compared.differences == (
        Difference(party="caller", language="en", words=4, substituted=0, missing=0, added=0),
    )


def test_a_word_is_heard_otherwise_missing_or_added():
    live = [said("I have lost mine new card today please")]
    recorded = [said("I have lost my card again today")]

    compared = compare(live, recorded)

    assert changes(compared) == [
        ("mine new", "my"),
        ("", "again"),
        ("please", ""),
    ]  # though two other words were as few
    assert compared.differences == (
        Difference(party="caller", language="en", words=7, substituted=1, missing=1, added=2),
    )


def test_a_change_tells_when_it_was_said():
    compared = compare([said("one too three", at_ms=60_000)], [said("one two three", at_ms=60_000)])

    assert compared.changes == (Change(party="caller", start_ms=60_300, end_ms=60_550, live="too", recorded="two"),)


def test_each_party_is_compared_with_itself():
    live = [said("good morning", party="agent"), said("hello", at_ms=100)]
    recorded = [said("hello", at_ms=100), said("good morning", party="agent")]

    compared = compare(live, recorded)

    assert compared.changes == ()
    assert [(each.party, each.words) for each in compared.differences] == [("caller", 1), ("agent", 2)]


def test_a_word_is_not_made_good_by_the_same_word_a_minute_later():
    compared = compare([said("refund", at_ms=60_000)], [said("refund", at_ms=0)])

    assert changes(compared) == [("", "refund"), ("refund", "")]


def test_a_stretch_that_nobody_heard_live_is_missing_and_what_follows_is_the_same():
    before, lost, after = said("hello there"), said("three lost words", at_ms=30_000), said("bye now", at_ms=90_000)

    assert changes(compare([before, after], [before, lost, after])) == [("", "three lost words")]
    assert changes(compare([before, lost, after], [before, after])) == [("three lost words", "")]


def test_a_party_that_only_one_side_has_is_all_missing_or_all_added():
    assert changes(compare([], [said("good morning")])) == [("", "good morning")]
    assert changes(compare([said("good morning")], [])) == [("good morning", "")]
    assert compare([], []) == Compared((), ())


def test_figures_are_told_by_language():
    recorded = [said("good morning"), said("buenos dias", at_ms=2000, language="es")]
    live = [said("good morning"), said("when dias", at_ms=2000)]

    assert [(each.language, each.words, each.substituted) for each in compare(live, recorded).differences] == [
        ("en", 2, 0),
        ("es", 2, 1),
    ]


def test_utterances_without_the_times_of_their_words_are_spread_over_their_own():
    line = said("one two three four")
    bare = Line(line.party, msgspec.structs.replace(line.said, words=()))

    assert compare([line], [bare]).changes == ()


def test_scripts_without_spaces_are_compared_character_by_character():
    compared = compare([said("我的卡丢了", language="zh")], [said("我的车丢了", language="zh")])

    assert changes(compared) == [("卡", "车")]


def test_what_was_said_before_and_after_the_recording_is_no_difference():
    live = [said("good morning everybody"), said("goodbye then", at_ms=60_000)]

    compared = compare(live, [said("morning everybody", at_ms=300)], begin_ms=290, end_ms=50_000)

    assert compared.changes == ()


spoken = st.lists(st.sampled_from(["one", "two", "three", "four", "five", "six"]), max_size=14)


@given(live=spoken, recorded=spoken)
def test_within_seconds_no_other_alignment_has_fewer_changes(live: list[str], recorded: list[str]):
    # 14 words are less than NEAR_MS, so each may go with each: jiwer is the judge.
    assert 14 * A_WORD_MS < NEAR_MS
    (found,) = compare([said(" ".join(live))], [said(" ".join(recorded))]).differences or (
        Difference(party="caller", words=0, substituted=0, missing=0, added=0),
    )

    figures = (found.substituted, found.missing, found.added)
    if not live or not recorded:
        assert figures == (0, len(recorded), len(live))
        return
    judge = jiwer.process_words(" ".join(recorded), " ".join(live))  # in the number: it may take two other ways of it
    assert sum(figures) == judge.substitutions + judge.deletions + judge.insertions
    assert found.words == len(recorded)


def test_three_hours_are_compared_within_a_band_and_not_each_word_with_each():
    # 30,000 words against as many are 900 million places; within seconds of each other, a million.
    draw = random.Random(4)
    spoken = [f"word{draw.randrange(800)}" for _ in range(30_000)]
    lost = set(draw.sample(range(30_000), 1500))
    recorded = [said(word, at_ms=number * 360) for number, word in enumerate(spoken)]
    live = [line for number, line in enumerate(recorded) if number not in lost]

    (found,) = compare(live, recorded).differences

    assert (found.words, found.substituted, found.missing, found.added) == (30_000, 0, 1500, 0)
