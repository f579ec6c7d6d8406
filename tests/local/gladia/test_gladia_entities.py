"""Entities by pattern and list: which words are one, of which of Gladia's types, and when they were said."""

import time

import pytest

from local.gladia.intelligence.entities import Entity, entities
from local.gladia.intelligence.numerals import digits_of, is_card
from local.gladia.messages import Utterance, Word


def utterance(text: str, language: str = "en") -> Utterance:
    """Return an utterance whose words take half a second each, from second 10 on."""
    words = tuple(Word(f" {word}", 10 + place / 2, 10.5 + place / 2, 0.9) for place, word in enumerate(text.split()))
    return Utterance(f" {text}", words[0].start, words[-1].end, 0.9, 1, language, words)


def found(text: str) -> list[tuple[str, str]]:
    return [(each.entity_type, each.text) for each in entities(utterance(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("This is Maya.", [("NAME_GIVEN", "Maya")]),
        ("My name is Tamsin Abara and I live in San Francisco.",
         [("NAME", "Tamsin Abara"), ("LOCATION_CITY", "San Francisco")]),
        ("Is that Mr. Khanna, from New Zealand?", [("NAME", "Khanna"), ("LOCATION_COUNTRY", "New Zealand")]),
        ("My last name is O'Neil.", [("NAME_FAMILY", "O'Neil")]),
        ("Hi, Sarah speaking. Maria's card is lost.", [("NAME_GIVEN", "Sarah"), ("NAME_GIVEN", "Maria")]),
        ("Write to privacy@gladia.io, or maya dot smith at example dot com.",
         [("EMAIL_ADDRESS", "privacy@gladia.io"), ("EMAIL_ADDRESS", "maya dot smith at example dot com")]),
        ("Visit www.example.com or example dot org.", [("URL", "www.example.com"), ("URL", "example dot org")]),
        ("Call +4917643476050.", [("PHONE_NUMBER", "+4917643476050")]),
        ("It is 202-555-0142, or five five five, double oh one four two.",
         [("PHONE_NUMBER", "202-555-0142"), ("PHONE_NUMBER", "five five five, double oh one four two")]),
        ("My card is 4111 1111 1111 1111, thanks.", [("CREDIT_CARD", "4111 1111 1111 1111")]),
        ("My social is 078-05-1120.", [("SSN", "078-05-1120")]),
        ("The account number is 10042992, the order is four two seven.",
         [("ACCOUNT_NUMBER", "10042992"), ("NUMERICAL_PII", "four two seven")]),
        ("My PIN is 1234.", [("PASSWORD", "1234")]),
        ("It costs $94.50, 15 pesos, or two hundred and five dollars.",
         [("MONEY", "$94.50"), ("MONEY", "15 pesos"), ("MONEY", "two hundred and five dollars")]),
        ("That was Friday, Dec. 18, 2002 at 10 p.m. or half past three.",
         [("DATE", "Friday, Dec. 18, 2002"), ("TIME", "10 p.m."), ("TIME", "half past three")]),
        ("On the third of May, 02/03/97 or 2021-11-22 at 19:37:28.",
         [("DATE", "the third of May"), ("DATE", "02/03/97"), ("DATE", "2021-11-22"), ("TIME", "19:37:28")]),
        ("She was born on March 7, 1961.", [("DOB", "March 7, 1961")]),
        ("From January 1984, again 2020-2021.", [("DATE_INTERVAL", "January 1984"), ("DATE_INTERVAL", "2020-2021")]),
        ("He is 27 years old and waits for eight months.", [("AGE", "27 years old"), ("DURATION", "eight months")]),
    ],
)  # fmt: skip
def test_what_is_said_is_found_as_it_was_said(text, expected):
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Good morning, how can I help you?",
        "Your appointment is on Monday.",  # no calendar date
        "I called yesterday and will call tomorrow.",
        "You may march on.",
        "We have 1,234,567 customers.",
        "I'm Canadian. This is The end.",
        "One hundred and twenty-three, or 42.",
        "It happened 5 times in 3 places.",
        "1234 5678 9012 3456 7890 1234",  # longer than any number of a telephone
    ],
)
def test_what_is_none_is_left_alone(text):
    assert found(text) == []


def test_an_entity_lasts_from_its_first_words_start_to_its_last_words_end():
    assert entities(utterance("I am Maya, call five five five oh one four two now.")) == [
        Entity("NAME_GIVEN", "Maya", 11.0, 11.5),
        Entity("PHONE_NUMBER", "five five five oh one four two", 12.0, 15.5),
    ]


def test_no_word_is_in_two_entities():
    assert found("My account is 5550142.") == [("ACCOUNT_NUMBER", "5550142")]  # and no telephone number


def test_numbers_and_addresses_are_the_same_in_every_language():
    said = utterance("Mon numéro est 01 23 45 67 89, ou privacy@gladia.io.", "fr")
    assert [each.entity_type for each in entities(said)] == ["PHONE_NUMBER", "EMAIL_ADDRESS"]


def test_an_utterance_without_words_of_its_own_is_timed_as_a_whole():
    said = Utterance(" I am Maya.", 3.0, 4.0, 0.9, 0, "en", ())
    assert entities(said) == [Entity("NAME_GIVEN", "Maya", 3.0, 4.0)]


@pytest.mark.parametrize(
    ("run", "digits"),
    [
        ("555-0142", "5550142"),
        ("five five, double oh one", "55001"),
        ("triple nine 2", "9992"),
        ("(202) 555", "202555"),
    ],
)
def test_digits_are_read_in_figures_and_in_words(run, digits):
    assert digits_of(run) == digits


@pytest.mark.parametrize(
    ("digits", "holds"),
    [("4111111111111111", True), ("378282246310005", True), ("4111111111111112", False), ("42", False), ("", False)],
)
def test_a_card_is_known_by_its_check_digit(digits, holds):
    assert is_card(digits) is holds


@pytest.mark.parametrize(
    "text", ["one hundred " * 1500, "1 " * 3000, "a.b." * 2000, "a dot b " * 1500, "Ann Ann " * 1500]
)
def test_no_text_takes_long(text):
    began = time.perf_counter()
    entities(utterance(text))
    assert time.perf_counter() - began < 2.0
