"""Entities in an utterance: names, numbers, dates … by pattern and by list.

Their types are Gladia's. Source: Gladia, documentation, "Named Entity Recognition", "Supported Entities". As said
there, a title is no part of a name, a day of the week alone is no date, and neither are "yesterday" and "tomorrow".
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from msgspec import Struct

from local.gladia.intelligence.names import CITIES, COUNTRIES, GIVEN_NAMES, MONTHS, NO_NAMES, WEEKDAYS
from local.gladia.intelligence.numerals import NUMBER, ORDINAL, RUN, digits_of, is_card, is_grouped
from local.gladia.intelligence.wording import Wording
from local.gladia.messages import Utterance


class Entity(Struct, frozen=True):
    """One entity, as it was said; times in seconds."""

    entity_type: str
    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class _Rule:
    """What fits `pattern` and `holds` is an entity; if the pattern has a group, that alone is."""

    entity_type: str
    pattern: re.Pattern[str]
    holds: Callable[[str], bool] = bool


def entities(utterance: Utterance) -> list[Entity]:
    """Return what is found in an utterance, in the order of speech; no word is in two entities."""
    wording = Wording(utterance)
    taken: list[tuple[int, int]] = []
    found: list[tuple[int, Entity]] = []
    for entity_type, start, end in _found(wording.text):
        if any(start < ends and end > begins for begins, ends in taken):
            continue
        taken.append((start, end))
        found.append((start, Entity(entity_type, wording.text[start:end], *wording.times(start, end))))
    return [entity for _, entity in sorted(found, key=lambda each: each[0])]


def _found(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield all that is found, what is surer first."""
    for rule in _RULES:
        for match in rule.pattern.finditer(text):
            start, end = match.span(match.lastindex or 0)
            if rule.holds(text[start:end]):
                yield rule.entity_type, start, end
    for match in _AFTER_TITLE.finditer(text):
        if _is_name(match[1]):
            yield "NAME", *match.span(1)
    for match in (*_INTRODUCED.finditer(text), *_GIVEN.finditer(text)):
        yield from _person(match)


def _person(match: re.Match[str]) -> Iterator[tuple[str, int, int]]:
    """Yield a name of one word or of two."""
    if not _is_name(match[1]):
        return
    if match[2] and _is_name(match[2]):
        yield "NAME", match.start(1), match.end(2)
    else:
        yield "NAME_GIVEN", *match.span(1)


def _is_name(text: str) -> bool:
    return text not in NO_NAMES


def _is_phone_number(text: str) -> bool:
    return 7 <= len(digits_of(text)) <= 15 and not is_grouped(text)


def _one_of(words: tuple[str, ...] | frozenset[str]) -> str:
    return f"(?:{'|'.join(sorted(words, key=len, reverse=True))})"


def _ignoring_case(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


# "may" and "march" are words; the months are written large.
_MONTH = (
    rf"(?:{_one_of(MONTHS).replace('March', '(?-i:March)').replace('May', '(?-i:May)')}"
    r"|(?:Jan|Feb|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.?)"
)
_YEAR = r"(?:(?:19|20)\d\d\b)"
_DAY = rf"(?:{ORDINAL}|\d{{1,2}})\b"
_MONTH_AND_DAY = rf"\b(?:{_MONTH} (?:the )?{_DAY}|(?:the )?{_DAY} (?:of )?{_MONTH}(?!\w))(?:,? {_YEAR})?"
_DATE = (
    rf"\b(?:{_one_of(WEEKDAYS)},? (?:the )?)?(?:{_MONTH_AND_DAY}"
    rf"|\b\d{{1,2}}[/.]\d{{1,2}}[/.]\d{{2,4}}\b|\b\d{{4}}-\d{{2}}-\d{{2}}\b)"
)
_CLOCK = r"\b\d{1,2}(?::\d\d){1,2}"
_CURRENCY = r"(?:dollars?|euros?|pounds?|cents?|pence|pesos?|bucks|francs?|yen|rupees?)"
_UNIT = r"(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?)"
_LARGE = r"[A-Z](?:'[A-Z])?[a-z]+(?:-[A-Z][a-z]+)?\b"
# What a number may be of; between it and its digits a few words of no account.
_IS = r"(?: (?:number|code|id))?(?:'s)?(?: is| was)?[:,]? (?:number )?#?"

_RULES = (
    _Rule("EMAIL_ADDRESS", _ignoring_case(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b")),
    _Rule(
        "EMAIL_ADDRESS",
        _ignoring_case(
            r"\b\w+(?: (?:dot|underscore|dash) \w+){0,3} at \w+(?: dot \w+){0,3} dot (?:com|org|net|edu|io|co|uk)\b"
        ),
    ),
    _Rule(
        "URL", _ignoring_case(r"\b(?:https?://\S*\w|(?:www\.)?[a-z0-9-]+\.(?:com|org|net|edu|io|co\.uk)\b(?:/\S*\w)?)")
    ),
    _Rule("URL", _ignoring_case(r"\b(?:www dot )?\w+ dot (?:com|org|net|edu|io|co dot uk)\b")),
    _Rule("CREDIT_CARD", _ignoring_case(RUN), lambda text: is_card(digits_of(text))),
    _Rule("SSN", re.compile(r"\b\d{3}-\d{2}-\d{4}\b")),
    _Rule("DOB", _ignoring_case(rf"\b(?:born|birth|birthday)(?: is| was|:)?(?: on)?:? ({_DATE})")),
    _Rule("DATE", _ignoring_case(_DATE)),
    _Rule("DATE_INTERVAL", _ignoring_case(rf"\b{_YEAR}-{_YEAR}|\b{_MONTH} {_YEAR}|\b(?:in|since|until) ({_YEAR})")),
    _Rule(
        "TIME",
        _ignoring_case(
            rf"(?:{_CLOCK}|{NUMBER})(?: ?[ap]\.?m\b\.?| o'clock)|\b(?:half|quarter) (?:past|to) {NUMBER}|{_CLOCK}\b"
        ),
    ),
    _Rule("MONEY", _ignoring_case(rf"[$€£] ?{NUMBER}|{NUMBER} {_CURRENCY}(?: and {NUMBER} cents?)?\b")),
    _Rule("AGE", _ignoring_case(rf"{NUMBER} {_UNIT}[ -]old\b|\baged? ({NUMBER})")),
    _Rule("DURATION", _ignoring_case(rf"{NUMBER} {_UNIT}\b")),
    _Rule(
        "ACCOUNT_NUMBER",
        _ignoring_case(rf"\b(?:account|customer|member(?:ship)?|policy){_IS}({RUN})"),
        lambda text: len(digits_of(text)) >= 3,
    ),
    _Rule("PASSWORD", _ignoring_case(rf"\b(?:pin|password){_IS}({RUN})"), lambda text: len(digits_of(text)) >= 3),
    _Rule(
        "NUMERICAL_PII",
        _ignoring_case(rf"\b(?:order|tracking|reference|confirmation|invoice|claim|case|ticket|booking){_IS}({RUN})"),
        lambda text: len(digits_of(text)) >= 3,
    ),
    _Rule("PHONE_NUMBER", _ignoring_case(RUN), _is_phone_number),
    _Rule("NAME_FAMILY", re.compile(rf"\b(?i:(?:last|family) name|surname)(?: is|:)? ({_LARGE})"), _is_name),
    _Rule("LOCATION_CITY", re.compile(rf"\b{_one_of(CITIES)}\b")),
    _Rule("LOCATION_COUNTRY", re.compile(rf"\b{_one_of(COUNTRIES)}\b")),
)
_AFTER_TITLE = re.compile(rf"\b(?:Mr|Mrs|Ms|Miss|Dr)\b\.? ({_LARGE}(?: {_LARGE})?)")
_INTRODUCED = re.compile(
    r"\b(?i:my name is|my name's|this is|i am|i'm|call me|speaking (?:to|with))[ ,]+" rf"({_LARGE})(?: ({_LARGE}))?"
)
_GIVEN = re.compile(rf"\b({_one_of(GIVEN_NAMES)})\b(?: ({_LARGE}))?")
