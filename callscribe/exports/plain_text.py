"""Speech as plain text: one line, no control characters."""

from __future__ import annotations

import unicodedata

# Characters that end a line or steer whoever shows the text, such as terminals and the order of writing: controls,
# formats, surrogates, and line and paragraph separators.
_STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Emoji and several scripts are joined by these, which steer nothing else.
_JOINERS = {"\N{ZERO WIDTH JOINER}", "\N{ZERO WIDTH NON-JOINER}"}


def plain(text: str) -> str:
    """Return `text` on one line: what steers is a space, and spaces are single."""
    shown = (" " if unicodedata.category(letter) in _STEERING and letter not in _JOINERS else letter for letter in text)
    return " ".join("".join(shown).split())


def clock(ms: int, *, separator: str = ".") -> str:
    """Return a time of the call as `00:01:04.300`."""
    seconds, rest_ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{separator}{rest_ms:03}"
