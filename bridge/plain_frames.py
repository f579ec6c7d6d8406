"""Plain frames of a WebSocket: the last and only one of a message, no extension, and a length of two bytes.

That is how nearly all come that are from 126 to 65535 bytes long. Source: RFC 6455, sections 5.2 and 5.3.
"""

from __future__ import annotations

import os
from struct import Struct as Layout

try:
    from websockets.speedups import apply_mask
except ImportError:  # it is not compiled for every platform
    from websockets.utils import apply_mask

_SHORTEST, _LONGEST = 126, 65535
MASK_BYTES = 4
_MASKED_BINARY = 0x82FE
# Their first two bytes, and whether they are text: of a client, and of a server.
MASKED = {0x81FE: True, _MASKED_BINARY: False}
UNMASKED = {0x817E: True, 0x827E: False}
_MASKED_HEAD = Layout(">HH4s")  # what it is, its length, and its mask
_UNMASKED_HEAD = Layout(">HH")
_DRAWN_BYTES = 256  # of the operating system's randomness, as to ask for four bytes takes as long


def masked_run(data: bytes, at: int, first: int, limit_bytes: int) -> tuple[list[bytes], int]:
    """Return the payloads of the plain frames from `at` on that begin with `first`, and where they end.

    Those that come in pieces, or are longer than `limit_bytes`, are no part of them.
    """
    payloads: list[bytes] = []
    end, head_bytes, head_at = len(data), _MASKED_HEAD.size, _MASKED_HEAD.unpack_from
    while at + head_bytes <= end:
        kind, length, mask = head_at(data, at)
        begin = at + head_bytes
        until = begin + length
        if kind != first or until > end or length > limit_bytes:
            break
        payloads.append(apply_mask(data[begin:until], mask))
        at = until
    return payloads, at


def unmasked_run(data: bytes, at: int, first: int, limit_bytes: int) -> tuple[list[bytes], int]:
    """Do as `masked_run`, with frames of a server; apart from it, as each frame passes here."""
    payloads: list[bytes] = []
    end, head_bytes, head_at = len(data), _UNMASKED_HEAD.size, _UNMASKED_HEAD.unpack_from
    while at + head_bytes <= end:
        kind, length = head_at(data, at)
        begin = at + head_bytes
        until = begin + length
        if kind != first or until > end or length > limit_bytes:
            break
        payloads.append(data[begin:until])
        at = until
    return payloads, at


class PlainFrames:
    """Makes the frames of a client's binary messages."""

    def __init__(self) -> None:
        self._drawn = b""
        self._used = 0

    def frame(self, message: bytes) -> bytes | None:
        """Return the frame of `message`; None if that would not be a plain one."""
        length = len(message)
        if not _SHORTEST <= length <= _LONGEST:
            return None
        if self._used == len(self._drawn):
            self._drawn, self._used = os.urandom(_DRAWN_BYTES), 0
        mask = self._drawn[self._used : self._used + MASK_BYTES]  # no two frames have the same, nor one that is known
        self._used += MASK_BYTES
        return _MASKED_HEAD.pack(_MASKED_BINARY, length, mask) + apply_mask(message, mask)
