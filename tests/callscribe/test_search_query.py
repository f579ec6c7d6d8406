"""What people write to find calls, and what is wrong with what can't be looked for."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callscribe.search_query import MOST_CHARACTERS, MOST_TERMS, Query, QueryError, parse

TODAY = date(2026, 11, 26)
MONTH = {"since": date(2026, 10, 28), "until": TODAY}


def parsed(text: str) -> Query:
    return parse(text, today=TODAY)


def test_words_are_looked_for_each_and_phrases_as_they_stand():
    assert parsed('Lost "new  Card!" café') == Query(**MONTH, terms=(" lost ", " new card ", " cafe "))


def test_a_minus_leaves_out():
    query = parsed('lost -refund -"new card"')

    assert (query.terms, query.without) == ((" lost ",), (" refund ", " new card "))


def test_a_minus_by_itself_or_within_a_word_is_no_sign():
    assert parsed("follow-up").terms == (" follow up ",)


def test_keys_narrow_the_search():
    assert parsed(
        'party:caller number:"+1 (202) 555-0123" entity:NAME_GIVEN=Maya sentiment:Negative lang:EN '
        "longer:1h30m shorter:90s"
    ) == Query(
        **MONTH,
        party="caller",
        number="+12025550123",
        entity="NAME_GIVEN",
        entity_text=" maya ",
        sentiment="negative",
        language="en",
        longer_ms=5_400_000,
        shorter_ms=90_000,
    )


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("entity:NAME_GIVEN", "NAME_GIVEN", ""),
        ("entity:maya", "", " maya "),
        ('entity:"New York"', "", " new york "),
        ('entity:"NAME=Maya Lopez"', "NAME", " maya lopez "),
        ('entity:NAME="Maya Lopez"', "NAME", " maya lopez "),
    ],
)
def test_an_entity_is_looked_for_by_its_type_or_by_what_was_said(text, kind, said):
    query = parsed(text)

    assert (query.entity, query.entity_text) == (kind, said)


@pytest.mark.parametrize("number", ["sip:front-desk@pbx.example.test", "client:maya", "anonymous"])
def test_an_address_is_looked_for_as_it_is(number):
    assert parsed(f"number:{number}").number == number


def test_days_are_the_last_thirty_unless_told():
    assert parsed("x from:2026-01-01") == Query(since=date(2026, 1, 1), until=TODAY, terms=(" x ",))
    assert parsed("x to:0001-01-20") == Query(since=date(1, 1, 1), until=date(1, 1, 20), terms=(" x ",))
    assert parsed("x to:2026-01-30") == Query(since=date(2026, 1, 1), until=date(2026, 1, 30), terms=(" x ",))


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ('lost "my card', 5, "this quotation mark has no second one"),
        ('party:"', 6, "this quotation mark has no second one"),
        ("", 0, "nothing to look for"),
        ("  -refund", 0, "nothing to look for"),
        ("lost !!", 5, "there is no letter or digit in this"),
        ("colour:red", 0, "there is no key colour"),
        ("x party:", 2, "party: has nothing after it"),
        ("party:a party:b", 8, "party: is there twice"),
        ("-party:a", 0, "only words and phrases can be left out"),
        ("from:yesterday", 0, "a day is written like"),
        ("x from:2026-02-01 to:2026-01-01", 0, "from: is after to:"),
        ("sentiment:angry", 0, "a sentiment is"),
        ("longer:soon", 0, "a duration is written like"),
        ("longer:", 0, "longer: has nothing after it"),
        ("number:%", 0, "a number is written like"),
        ("entity:na%me=x", 0, "an entity's type is written like"),
        ('entity:NAME="x', 12, "this quotation mark has no second one"),
        ("x " * (MOST_TERMS + 1), 2 * MOST_TERMS, "words and phrases at most"),
        ("x" * (MOST_CHARACTERS + 1), MOST_CHARACTERS, "characters at most"),
    ],
)
def test_what_can_not_be_looked_for_is_told_with_its_place(text, place, why):
    with pytest.raises(QueryError, match=why) as told:
        parsed(text)

    assert told.value.place == place
    assert str(told.value).endswith(f"(at character {place + 1})")


@given(st.text(st.characters(codec="utf-8"), max_size=60) | st.text('ab":- \n=%', max_size=30))
def test_whatever_is_written_is_a_query_or_told_to_be_none(text):
    try:
        query = parsed(text)
    except QueryError as error:
        place, terms = error.place, ()
    else:
        place, terms = 0, (*query.terms, *query.without)

    assert 0 <= place <= len(text)
    assert all(term == f" {term.strip()} " and term.strip() for term in terms)


@pytest.mark.parametrize("text", ["party:a\0b", 'party:"a\x1bb"', "lang:e\x7fn"])
def test_control_characters_are_told(text):
    with pytest.raises(QueryError, match="control character"):
        parse(text, today=TODAY)
