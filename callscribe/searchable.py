"""Text as search compares it: words in one spelling, with a space on each side."""

from __future__ import annotations

import unicodedata

# Scripts that put no space between words: each character is a word of its own, and a word a phrase.
_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),  # Han
    (0xF900, 0xFAFF),
    (0x20000, 0x323AF),
)


def words(text: str) -> list[str]:
    """Return the words of `text` without case, accents and punctuation: `Café-crème!` is `cafe`, `creme`.

    Digits and letters stay as they are said; an apostrophe joins (`don't` is `dont`).
    """
    plain = (
        unicodedata.normalize("NFKD", text).casefold().replace("'", "").replace("\N{RIGHT SINGLE QUOTATION MARK}", "")
    )
    return "".join(map(_character, plain)).split()


def searchable(text: str) -> str:
    """Return ` cafe creme `: a phrase is in it where its own words are, between spaces. A space if there are none."""
    found = words(text)
    return f" {' '.join(found)} " if found else " "


def _character(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Mn", "Me") and not is_unspaced(character):
        return ""  # an accent
    if is_unspaced(character):
        return f" {character} "
    return character if category[0] in "LNM" else " "


def is_unspaced(character: str) -> bool:
    """Return whether a character is of a script that puts no space between words."""
    return any(first <= ord(character) <= last for first, last in _UNSPACED)
