"""Word error rates, as the field computes them: over lower-case words without punctuation, digits spelled out."""

from __future__ import annotations

import re
from dataclasses import dataclass

import jiwer

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
# Spellings of the recordings' texts and of recognisers that are one word spoken.
_SAME = {"mr": "mister", "re-record": "rerecord", "y'know": "yknow"}


def words(text: str) -> list[str]:
    """Return the words of `text` in the form in which they are compared: `Press 1, please.` is press, one, please."""
    bare = re.sub(r"[^\w'\- ]+", " ", text.lower().replace("\u2019", "'"))
    parts = [_SAME.get(part.strip("-'"), part.strip("-'")) for part in bare.split()]
    out: list[str] = []
    for part in parts:
        if part.isascii() and part.isdecimal():
            out += [_DIGITS[int(digit)] for digit in part]
        else:
            out += part.replace("-", " ").split()
    return out


@dataclass(frozen=True, slots=True)
class WordErrors:
    """How a heard text differs from the expected one."""

    expected: int  # words
    heard: int
    wrong: int  # substituted, inserted or deleted

    @property
    def rate(self) -> float:
        """The word error rate; 0 if nothing was expected and nothing was heard."""
        return self.wrong / self.expected if self.expected else float(self.wrong > 0)


def word_errors(expected: str, heard: str) -> WordErrors:
    """Return how `heard` differs from `expected`."""
    reference, hypothesis = words(expected), words(heard)
    if not reference:
        return WordErrors(0, len(hypothesis), len(hypothesis))
    counted = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    wrong = counted.substitutions + counted.insertions + counted.deletions
    return WordErrors(len(reference), len(hypothesis), wrong)
