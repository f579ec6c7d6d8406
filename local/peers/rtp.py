"""A simulated sender of RTP: G.711 in packets of any length, with what networks and telephones do to them."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from local.audio import alaw_encode, mulaw_decode, mulaw_silence

PCMU, PCMA, EVENT = 0, 8, 101
MS_BYTES = 8


@dataclass(frozen=True, slots=True)
class RtpManner:
    """How audio is sent."""

    payload_type: int = PCMU
    packet_ms: int = 20
    lost: float = 0.0  # of the packets, by chance
    overtaken: float = 0.0  # of the packets, by the one behind
    is_silence_sent: bool = True  # else comfort noise, once, and nothing more till somebody speaks
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Datagram:
    """One datagram, and when it is sent: after so much of the audio has been said."""

    after_ms: int
    data: bytes


def packets(audio: bytes, manner: RtpManner, *, ssrc: int) -> Iterator[Datagram]:
    """Yield the packets that arrive of `audio`, 8000 Hz mu-law, in the order in which they do."""
    chance = random.Random(manner.seed + ssrc)  # noqa: S311 - a simulated network's
    sequence, timestamp = chance.randrange(1 << 16), chance.randrange(1 << 32)
    held: Datagram | None = None
    was_silent = False
    step = manner.packet_ms * MS_BYTES
    for begin in range(0, len(audio), step):
        piece = audio[begin : begin + step]
        after_ms = (begin + len(piece)) // MS_BYTES
        is_silent = not manner.is_silence_sent and piece == mulaw_silence(len(piece) // MS_BYTES)
        payload, kind = (b"\x40", 13) if is_silent else (_payload(piece, manner.payload_type), manner.payload_type)
        if not (is_silent and was_silent):
            packet = Datagram(after_ms, _packed(kind, sequence, timestamp + begin, ssrc, payload))
            sequence += 1
            if chance.random() >= manner.lost:
                if held is None and chance.random() < manner.overtaken:
                    held = packet
                    continue
                yield packet
                if held is not None:
                    yield Datagram(after_ms, held.data)
                    held = None
        was_silent = is_silent
    if held is not None:
        yield held


def key(digit: str, *, timestamp: int, sequence: int, ssrc: int) -> Iterator[bytes]:
    """Yield the packets of a pressed key (RFC 4733): its beginning, and its end three times."""
    event = "0123456789*#".index(digit)
    for place, (flags, duration) in enumerate([(0x0A, 160), (0x8A, 800), (0x8A, 800), (0x8A, 800)]):
        yield _packed(EVENT, sequence + place, timestamp, ssrc, struct.pack("!BBH", event, flags, duration))


def goodbye(ssrc: int) -> bytes:
    """Return RTCP's BYE."""
    return struct.pack("!BBHI", 0x81, 203, 1, ssrc)


def _payload(piece: bytes, payload_type: int) -> bytes:
    return alaw_encode(mulaw_decode(piece)) if payload_type == PCMA else piece


def _packed(kind: int, sequence: int, timestamp: int, ssrc: int, payload: bytes) -> bytes:
    return struct.pack("!BBHII", 0x80, kind, sequence % (1 << 16), timestamp % (1 << 32), ssrc) + payload
