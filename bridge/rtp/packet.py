"""What stands in a datagram of RTP or RTCP. Source: RFC 3550, sections 5.1 and 6; RFC 5761, section 4; RFC 4733."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from callscribe.errors import MalformedMessage

_HEADER = struct.Struct("!BBHII")
_CONTROL = struct.Struct("!BBH")
_EVENT = struct.Struct("!BBH")
_VERSION = 2
_GOODBYE = 203
KEYS = "0123456789*#ABCD"


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet of RTP."""

    payload_type: int  # 0 to 127
    sequence: int  # of 16 bits, begins anywhere
    timestamp: int  # of 32 bits, in samples, begins anywhere
    ssrc: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class TelephoneEvent:
    """A key that is, or was, pressed; each is told in several packets of the same timestamp."""

    digit: str
    is_over: bool


def is_control(datagram: bytes) -> bool:
    """Tell whether a datagram is RTCP where both come to one port: by its type, of 192 to 223."""
    return len(datagram) > 1 and 192 <= datagram[1] <= 223


def decode(datagram: bytes) -> Packet:
    """Return the packet in a datagram. Raises MalformedMessage of kind `shape`."""
    if len(datagram) < _HEADER.size:
        raise MalformedMessage("rtp: shorter than its header", kind="shape")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(datagram)
    if first >> 6 != _VERSION:
        raise MalformedMessage(f"rtp: version {first >> 6}", kind="shape")
    begin, end = _HEADER.size + 4 * (first & 0x0F), len(datagram)
    if first & 0x10:  # an extension: its own header tells how many words follow
        if end < begin + 4:
            raise MalformedMessage("rtp: its extension is cut off", kind="shape")
        begin += 4 + 4 * int.from_bytes(datagram[begin + 2 : begin + 4])
    if first & 0x20:  # padding: the last byte tells how much
        end -= datagram[-1]
        if datagram[-1] == 0:
            raise MalformedMessage("rtp: padding of nothing", kind="shape")
    if begin > end:
        raise MalformedMessage("rtp: more header and padding than there is", kind="shape")
    return Packet(second & 0x7F, sequence, timestamp, ssrc, datagram[begin:end])


def decode_event(payload: bytes) -> TelephoneEvent:
    """Return the key that the payload of a `telephone-event` tells. Raises MalformedMessage of kind `shape`."""
    if len(payload) < _EVENT.size:
        raise MalformedMessage("rtp: a telephone-event is 4 bytes", kind="shape")
    event, flags, _duration = _EVENT.unpack_from(payload)
    if event >= len(KEYS):
        raise MalformedMessage(f"rtp: the telephone-event {event} is no key", kind="shape")
    return TelephoneEvent(KEYS[event], is_over=bool(flags & 0x80))


def goodbyes(datagram: bytes) -> Iterator[int]:
    """Yield the sources (ssrc) that a datagram of RTCP says goodbye of. Raises MalformedMessage of kind `shape`."""
    place = 0
    while place < len(datagram):
        if len(datagram) < place + _CONTROL.size:
            raise MalformedMessage("rtcp: a packet is cut off", kind="shape")
        first, kind, words = _CONTROL.unpack_from(datagram, place)
        end = place + 4 * (words + 1)
        if first >> 6 != _VERSION or end > len(datagram):
            raise MalformedMessage("rtcp: no version 2, or longer than its datagram", kind="shape")
        if kind == _GOODBYE:
            sources = datagram[place + 4 : min(end, place + 4 + 4 * (first & 0x1F))]
            for source in range(0, len(sources), 4):
                yield int.from_bytes(sources[source : source + 4])
        place = end
