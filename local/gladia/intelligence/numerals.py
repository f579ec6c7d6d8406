"""Numbers as people say them on the telephone: in digits, in words, one digit at a time."""

import re
from typing import Final

_DIGITS: Final = {
    "zero": "0", "oh": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9",
}  # fmt: skip
_REPEATED: Final = {"double": 2, "triple": 3}
_CARDINAL: Final = (
    "(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen"
    "|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion)"
)
_SAID_DIGIT: Final = rf"(?:(?:double |triple )?(?:{'|'.join(_DIGITS)})\b)"
_FIGURE: Final = r"(?:\d[\d,]*(?:\.\d+)?)"

# Bounded, so that a text of numbers alone is not looked at again from each of them to its end.
NUMBER: Final = (
    rf"(?:\b{_FIGURE}(?:[ -](?:hundred|thousand|million|billion)\b)?"
    rf"|\b{_CARDINAL}(?:[ -](?:and )?{_CARDINAL}){{0,9}}\b)"
)
"""An amount: `1,200`, `2.5 million`, `twenty-five`, `one hundred and five`."""

RUN: Final = rf"(?:\+?\(?\b(?:\d+|{_SAID_DIGIT})(?:[ ,.()-]{{1,3}}(?:\d+|{_SAID_DIGIT})){{0,29}})"
"""Digits one after another, in figures, in words, or both: `555-0142`, `five five five, double oh one`."""

ORDINAL: Final = (
    r"(?:\d{1,2}(?:st|nd|rd|th)|(?:twenty|thirty)[ -](?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)"
    r"|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth"
    r"|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|thirtieth)"
)
"""The day of a month: `3rd`, `twenty-first`."""


def digits_of(run: str) -> str:
    """Return the digits of a `RUN`, in figures."""
    found, times = "", 1
    for part in re.findall(r"\d+|[a-z]+", run.lower()):
        if part in _REPEATED:
            times = _REPEATED[part]
            continue
        found += _DIGITS.get(part, part) * times
        times = 1
    return found


def is_card(digits: str) -> bool:
    """Return whether digits may be those of a payment card: as many, and with the check digit of ISO/IEC 7812-1."""
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return 13 <= len(digits) <= 19 and (doubled + sum(map(int, digits[-1::-2]))) % 10 == 0


def is_grouped(text: str) -> bool:
    """Return whether figures are one number in groups of a thousand: `1,200,000`."""
    return re.fullmatch(r"\d{1,3}(?:,\d{3})+", text) is not None
