"""Other people's words on an error, made fit for a log."""

from __future__ import annotations

import re

LONGEST = 300

_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://\S*", re.IGNORECASE)
_LONG_WORD = re.compile(r"[A-Za-z0-9_\-./+=%]{40,}")  # a ticket, a signature, a path that holds one


def scrub(text: str) -> str:
    """Return `text` without URLs and long words, which may be secrets, on one line of at most 300 characters."""
    plain = _LONG_WORD.sub("(…)", _URL.sub("(URL)", text))
    return " ".join(plain.split())[:LONGEST]
