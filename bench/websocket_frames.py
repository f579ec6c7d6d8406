"""WebSocket frames, put together and taken apart with as little work as can be: for a load, not for the network.

Source: RFC 6455, section 5.2.
"""

from __future__ import annotations

import base64
import hashlib

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
_FIN = 0x80
_MASKED = 0x80
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(data: bytes, *, opcode: int = TEXT, masked: bool = False) -> bytes:
    """Return `data` as one frame; a client's has to be masked, with zeros, which is allowed and costs nothing."""
    mask = _MASKED if masked else 0
    if len(data) < 126:
        size = bytes([mask | len(data)])
    elif len(data) < 65_536:
        size = bytes([mask | 126]) + len(data).to_bytes(2, "big")
    else:
        size = bytes([mask | 127]) + len(data).to_bytes(8, "big")
    return bytes([_FIN | opcode]) + size + (bytes(4) if masked else b"") + data


def whole_binary(data: bytes) -> int:
    """Return how many bytes `data` carries if it is just one masked binary frame of 126 to 65,535 bytes; else 0."""
    if len(data) > 8 and data[0] == _FIN | BINARY and data[1] == _MASKED | 126:
        size = data[2] << 8 | data[3]
        return size if len(data) == size + 8 else 0
    return 0


def take(data: bytes, at: int) -> tuple[int, bytes, int] | None:
    """Return the opcode and the data of the client's frame that begins at `at`, and where the next one begins.

    None if it is not there in full.
    """
    if len(data) < at + 2:
        return None
    size, begin = data[at + 1] & 0x7F, at + 2
    if size >= 126:
        begin += 2 if size == 126 else 8
        size = int.from_bytes(data[at + 2 : begin], "big")
    end = begin + 4 + size
    if len(data) < end:
        return None
    return data[at] & 0x0F, _unmasked(data[begin + 4 : end], data[begin : begin + 4]), end


def accept_of(key: bytes) -> bytes:
    """Return what answers a client's `Sec-WebSocket-Key` (section 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())


def _unmasked(data: bytes, mask: bytes) -> bytes:
    size = len(data)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return (int.from_bytes(data, "big") ^ key).to_bytes(size, "big")
