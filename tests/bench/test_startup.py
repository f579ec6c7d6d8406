"""The first word is looked for on the screen, as a person would."""

from __future__ import annotations

import re
import sys

import pytest

from bench.startup import NoWord, until_first_word

WORD = re.compile(rb"nobody")


def program(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_what_is_shown_in_a_terminal_in_pieces_is_found(tmp_path):
    code = "import sys; assert sys.stdout.isatty(); print('no', end='', flush=True); print('body is available')"

    assert until_first_word(program(code), folder=tmp_path, word=WORD) > 0


def test_a_demonstration_without_a_word_is_no_measurement_and_says_what_it_showed(tmp_path):
    with pytest.raises(NoWord, match="the bridge was not ready"):
        until_first_word(program("print('the bridge was not ready')"), folder=tmp_path, word=WORD)
