from __future__ import annotations

import pytest

from local.words import word_errors, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Press 1, please.", "press one please"),
        ("Thank you.  ", "thank you"),
        ("I\u2019m sorry", "i'm sorry"),
        ("five five 5 0142", "five five five zero one four two"),
        ("Mr. Dashwood, ill-disposed", "mister dashwood ill disposed"),
        ("", ""),
        ("...", ""),
    ],
)
def test_words_are_compared_in_one_form(text, expected):
    assert words(text) == expected.split()


def test_each_wrong_missing_and_added_word_counts():
    errors = word_errors("please hold while we connect you", "please hold well we connect you now")

    assert (errors.expected, errors.heard, errors.wrong) == (6, 7, 2)
    assert errors.rate == pytest.approx(2 / 6)


def test_words_where_none_were_expected_are_all_wrong():
    assert word_errors("", "hello").rate == 1
    assert word_errors("", "").rate == 0
