"""The lines of counts in a log of the bridge, among whatever else it says there."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct, field

from bridge.meter import METRICS, SERVICE
from local.counts.lines import Line

_BLOCK_BYTES = 256 * 1024  # about four minutes of an idle bridge on a laptop


class _Directive(Struct, frozen=True):
    at_ms: int = field(name="Timestamp")


class _Counts(Struct, frozen=True):
    directive: _Directive = field(name="_aws")
    service: str


_NAMES = frozenset(metric.name for metric in METRICS)
_counts = msgspec.json.Decoder(_Counts)
_values = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_lines(log: Path, *, since_s: float) -> list[Line]:
    """Return the lines of counts since `since_s`, the oldest first. Raises OSError if there is no log.

    The log is read from its end, as it may be long.
    """
    lines: list[Line] = []
    with log.open("rb") as file:
        start = file.seek(0, os.SEEK_END)
        rest = b""
        while start > 0:
            block = min(_BLOCK_BYTES, start)
            start = file.seek(start - block)
            texts = (file.read(block) + rest).split(b"\n")
            rest = texts.pop(0) if start > 0 else b""  # it may begin before this block
            found = [line for line in map(_line, texts) if line is not None]
            lines = [line for line in found if line.at_s >= since_s] + lines
            if found and found[0].at_s < since_s:
                break
    return lines


def _line(text: bytes) -> Line | None:
    """Return the counts in `text`, None if it has none or is still being written."""
    if not text.startswith(b'{"_aws"'):
        return None
    try:
        counts = _counts.decode(text)
        values = _values.decode(text)
        if counts.service != SERVICE:
            return None
        told = {name: msgspec.json.decode(value, type=float) for name, value in values.items() if name in _NAMES}
    except msgspec.DecodeError:
        return None
    return Line(counts.directive.at_ms / 1000, told)
