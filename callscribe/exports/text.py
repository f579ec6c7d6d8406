"""Plain text for people: who said what, when."""

from __future__ import annotations

from collections.abc import Iterable

from callscribe.exports.plain_text import clock, plain
from callscribe.transcript import Line


def text(lines: Iterable[Line]) -> str:
    """Return one line an utterance, such as `[00:00:03.600] agent: Please leave your message`."""
    return "".join(f"[{clock(line.said.start_ms)}] {plain(line.party)}: {plain(line.said.text)}\n" for line in lines)
