"""What `websockets`' Sans-I/O core has to say, onto the wire: alike for sockets that come in and that go out.

A chunk of audio is a plain frame as well, and is made here (`bridge/incoming.py` says what that is).
"""

from __future__ import annotations

import asyncio
import os
from struct import Struct as Layout

from websockets.protocol import Protocol

from bridge.incoming import apply_mask

# The first two bytes: the last and only frame of a binary message, masked, a length of two bytes.
_PLAIN_BINARY = 0x82FE
_HEAD = Layout(">HH4s")
_SHORTEST, _LONGEST = 126, 65535
_MASK_BYTES = 4
_DRAWN_BYTES = 256  # of the operating system's randomness, as to ask for four bytes takes as long


class PlainFrames:
    """Makes the frames of a client's binary messages. Source: RFC 6455, sections 5.2 and 5.3."""

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
        mask = self._drawn[self._used : self._used + _MASK_BYTES]  # no two frames have the same, nor one that is known
        self._used += _MASK_BYTES
        return _HEAD.pack(_PLAIN_BINARY, length, mask) + apply_mask(message, mask)


def flush(protocol: Protocol, transport: asyncio.Transport, *, close_s: float) -> None:
    """Write what `protocol` has to send; a peer that is to close gets `close_s` for it."""
    for data in protocol.data_to_send():
        if data:
            transport.write(data)
        else:
            transport.write_eof() if transport.can_write_eof() else transport.close()
    if protocol.close_expected():
        # The peer has its chance to close first, as RFC 6455 asks; not for ever.
        asyncio.get_running_loop().call_later(close_s, transport.abort)
