"""The formats by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from callscribe.entries import Entry
from callscribe.exports.csv_table import csv_table
from callscribe.exports.document import encoded
from callscribe.exports.subrip import subrip
from callscribe.exports.text import text
from callscribe.exports.webvtt import webvtt
from callscribe.transcript import transcript

Write = Callable[[str, Sequence[Entry]], str]


@dataclass(frozen=True, slots=True)
class Format:
    """How a transcript is written; `write` takes a call's id and its log. The text is UTF-8 on the wire."""

    media_type: str
    suffix: str
    write: Write


FORMATS: dict[str, Format] = {
    "json": Format("application/json", "json", encoded),
    "vtt": Format("text/vtt; charset=utf-8", "vtt", lambda _, entries: webvtt(transcript(entries))),
    "srt": Format("application/x-subrip; charset=utf-8", "srt", lambda _, entries: subrip(transcript(entries))),
    "text": Format("text/plain; charset=utf-8", "txt", lambda _, entries: text(transcript(entries))),
    "csv": Format("text/csv; charset=utf-8; header=present", "csv", lambda _, entries: csv_table(transcript(entries))),
}
