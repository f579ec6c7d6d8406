"""What stands for lost packets: the last of what was heard, again and ever quieter, then silence.

A short hole in a word is bridged by what the word sounded like; a long one must not sound like speech. The idea is
that of ITU-T G.711, Appendix I, without its search for the pitch: the length is exact, the spectrum about right.
"""

from __future__ import annotations

from array import array
from functools import cache

from callscribe.audio_format import AudioFormat, Encoding

# Repeated at a time, and halved each time; silence after so many.
PIECE_MS, PIECES = 20, 3


def concealed(before: bytes, count: int, form: AudioFormat) -> bytes:
    """Return `count` bytes to follow on `before`, of which the last 20 ms count; whole samples."""
    piece = before[-PIECE_MS * form.bytes_a_ms :]
    out = bytearray()
    for _ in range(PIECES if piece else 0):
        if len(out) >= count:
            break
        piece = _halved(piece, form)
        out += piece
    out += form.silent(max(0, count - len(out)))
    return bytes(out[:count])


def _halved(audio: bytes, form: AudioFormat) -> bytes:
    """Return samples of half the amplitude."""
    if form.sample_bytes == 1:
        return audio.translate(_halves(form.encoding))
    samples = array("h", audio)
    return array("h", [sample // 2 for sample in samples]).tobytes()


@cache
def _halves(encoding: Encoding) -> bytes:
    """Return for each code of G.711 the one whose level is nearest to half of its own; a zero is the same zero."""
    levels = [(_mulaw if encoding == "mulaw" else _alaw)(code) for code in range(256)]
    return bytes(
        min(range(256), key=lambda code: (abs(levels[code] - levels[own] / 2), code != own)) for own in range(256)
    )


def _mulaw(code: int) -> int:
    bits = ~code & 0xFF
    magnitude = (((bits & 0x0F) << 3) + 132 << (bits >> 4 & 7)) - 132
    return -magnitude if bits & 0x80 else magnitude


def _alaw(code: int) -> int:
    bits = code ^ 0x55
    segment, step = bits >> 4 & 7, ((bits & 0x0F) << 4) + 8
    magnitude = step if segment == 0 else step + 256 << segment - 1
    return magnitude if bits & 0x80 else -magnitude
