"""SubRip (SRT): subtitles as every player reads them. There is no standard; what players agree on is written."""

from __future__ import annotations

from collections.abc import Iterable

from callscribe.exports.cues import cues
from callscribe.exports.plain_text import clock
from callscribe.transcript import Line

# Many players take tags for formatting, and there is no way to escape one: the brackets give way to others.
_BRACKETS = str.maketrans(
    {
        "<": "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}",
        ">": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
        "{": "(",
        "}": ")",
    }
)


def subrip(lines: Iterable[Line]) -> str:
    """Return `lines` as an SRT file; each cue begins with its party."""
    blocks = []
    for number, cue in enumerate(cues(lines), start=1):
        times = f"{clock(cue.start_ms, separator=',')} --> {clock(cue.end_ms, separator=',')}"
        blocks.append(f"{number}\n{times}\n{f'{cue.party}: {cue.text}'.translate(_BRACKETS)}\n\n")
    return "".join(blocks)
