"""What the log of a call that is over still lacks, told by the log alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from callscribe.after_call import Analytics, Card, Chapters, Summary, TranscriptReady
from callscribe.analytics import analytics
from callscribe.archive import key_of
from callscribe.call import Call
from callscribe.chapters import chapters
from callscribe.entries import Body, Entry, Utterance
from callscribe.exports.formats import FORMATS
from callscribe.transcript import transcript
from functions.fact import Fact

T = TypeVar("T")

# Entries that change nothing of what is made of a call.
_MADE = (Analytics, Card, Chapters, Summary, TranscriptReady)


def figures(entries: Sequence[Entry]) -> list[Fact]:
    """Return the chapters and the analytics of the call whose whole log is `entries`, where it has not these already.

    They come again when utterances have been added, from the recording, say.
    """
    made: tuple[Body, ...] = (chapters(entries), analytics(entries))
    upto = _changed(entries)
    return [
        Fact(body, f"finish/{type(body).__name__.lower()}/{upto}")
        for body in made
        if body != _last(type(body), entries)
    ]


def ready(entries: Sequence[Entry], call: Call, *, unknown: Sequence[str]) -> Fact | None:
    """Return the entry that tells that all is known and kept; None if the log ends with it.

    `unknown` says what was asked for and never came.
    """
    upto = _changed(entries)
    if any(isinstance(entry.body, TranscriptReady) and entry.seq > upto for entry in entries):
        return None
    first = entries[0]
    body = TranscriptReady(
        archive=key_of(call, first.call_id, first.tenant),
        utterances=len(transcript(entries)),
        complete=call.complete,
        formats=tuple(FORMATS),
        unknown=tuple(unknown),
    )
    return Fact(body, f"finish/ready/{upto}")


def said(entries: Iterable[Entry]) -> list[Utterance]:
    """Return the utterances in the order of the log."""
    return [entry.body for entry in entries if isinstance(entry.body, Utterance)]


def _changed(entries: Sequence[Entry]) -> int:
    """Return the number of the last entry that what is made of a call depends on."""
    return max((entry.seq for entry in entries if not isinstance(entry.body, _MADE)), default=0)


def _last(kind: type[T], entries: Sequence[Entry]) -> T | None:
    return next((entry.body for entry in reversed(entries) if isinstance(entry.body, kind)), None)
