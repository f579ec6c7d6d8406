"""Search compares words in one spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callscribe.searchable import searchable, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Good morning!", "good morning"),
        ("Café-crème", "cafe creme"),
        ("I don't; you don\u2019t.", "i dont you dont"),
        ("\uff26\uff35\uff2c\uff2c width", "full width"),
        ("Straße 12", "strasse 12"),
        ("+1 (202) 555-0123", "1 202 555 0123"),
        ("שָׁלוֹם", "שלום"),
        ("東京タワー", "東 京 タ ワ ー"),
        ("a\tb\u00a0c\u200b d", "a b c d"),
        ("…", ""),
        ("", ""),
    ],
)
def test_words_are_in_one_spelling(text, found):
    assert " ".join(words(text)) == found
    assert searchable(text) == (f" {found} " if found else " ")


@given(st.text())
def test_what_is_searchable_stays_as_it_is(text):
    once = searchable(text)
    assert searchable(once) == once
    assert once.strip() == " ".join(once.split())


@given(st.text(), st.text())
def test_a_phrase_is_found_in_what_holds_it(before, phrase):
    assert searchable(phrase) in searchable(f"{before} {phrase}")
