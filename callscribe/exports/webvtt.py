"""WebVTT: captions with who speaks. Source: W3C, "WebVTT: The Web Video Text Tracks Format", section 4."""

from __future__ import annotations

from collections.abc import Iterable

from callscribe.exports.cues import cues
from callscribe.exports.plain_text import clock
from callscribe.transcript import Line

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def webvtt(lines: Iterable[Line]) -> str:
    """Return `lines` as a WebVTT file; a party is the cue's voice."""
    blocks = ["WEBVTT"]
    for number, cue in enumerate(cues(lines), start=1):
        voice, text = cue.party.translate(_ESCAPES), cue.text.translate(_ESCAPES)
        blocks.append(f"{number}\n{clock(cue.start_ms)} --> {clock(cue.end_ms)}\n<v {voice}>{text}</v>")
    return "\n\n".join(blocks) + "\n"
