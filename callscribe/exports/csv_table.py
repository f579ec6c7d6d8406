"""CSV: one row an utterance. Source: RFC 4180; OWASP, "CSV Injection"."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from callscribe.exports.plain_text import clock, plain
from callscribe.transcript import Line

COLUMNS = ("start", "end", "party", "text", "language", "confidence")
# Spreadsheets take a cell that begins with one of these for a formula.
_FORMULA = ("=", "+", "-", "@")


def csv_table(lines: Iterable[Line]) -> str:
    """Return `lines` as a CSV table with a header; a cell that would be a formula begins with an apostrophe."""
    out = io.StringIO(newline="")
    table = csv.writer(out)
    table.writerow(COLUMNS)
    for line in lines:
        said = line.said
        table.writerow(
            [
                clock(said.start_ms),
                clock(said.end_ms),
                _cell(line.party),
                _cell(said.text),
                _cell(said.language),
                f"{said.confidence:.3f}",
            ]
        )
    return out.getvalue()


def _cell(text: str) -> str:
    shown = plain(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
