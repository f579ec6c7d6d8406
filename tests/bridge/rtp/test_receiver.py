"""Ports and the relay: what waits at several ports is heard in the order in which it was said."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest
import uvloop

from bridge.dialects.events import Audio, Stopped
from bridge.origin import Origin
from bridge.rtp.offer import Line
from bridge.rtp.ports import Ports
from bridge.rtp.receiver import Receiver
from bridge.rtp.stream import RtpStream
from callscribe.audio_format import MULAW_8K
from callscribe.errors import Unavailable
from local.peers.rtp import RtpManner, goodbye, packets

HOST = "127.0.0.1"
SECOND = b"\x10" * 8000
NOBODY = Origin("rtp")  # who vouches for no address


class Heard:
    """A relay that keeps what it hears."""

    def __init__(self, count: int) -> None:
        self.events: list = []
        self.malformed: list[str] = []
        self._count = count
        self.all = asyncio.Event()

    def hear(self, event) -> None:
        self.events.append(event)
        if len(self.audio) >= self._count:
            self.all.set()

    def count_malformed(self, kind: str) -> None:
        self.malformed.append(kind)
        self.all.set()

    @property
    def audio(self) -> list[Audio]:
        return [event for event in self.events if isinstance(event, Audio)]


def line(place: int) -> Line:
    return Line(place, "", MULAW_8K, 0, 101, is_sent=True, address=HOST, has_mux=False)


async def listening(relay: Heard, *, parties: int = 2) -> Receiver:
    lines = [line(place) for place in range(parties)]
    stream = RtpStream(lines, ["caller", "callee"][:parties], zero_ms=1000 * time.monotonic())
    receiver = Receiver(stream, relay, NOBODY, [HOST])
    await receiver.listen(lines, Ports(HOST, 20_000, 29_999))
    return receiver


def test_what_waits_at_two_ports_is_heard_side_by_side():
    async def busy() -> list[Audio]:
        relay = Heard(100)
        receiver = await listening(relay)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for place, port in receiver.ports.items():  # all of it before the process comes to read any
                for each in packets(SECOND, RtpManner(), ssrc=place + 1):
                    sender.sendto(each.data, (HOST, port))
        await asyncio.wait_for(relay.all.wait(), 10)
        receiver.end("stop")
        assert relay.events[-1] == Stopped("stop")
        return relay.audio

    # The loop that the bridge has: it reads 32 datagrams of a port before it looks at the next one.
    heard = uvloop.run(busy())
    lead = newest = {"caller": 0, "callee": 0}
    for event in heard:
        newest = {**newest, event.track: event.media_ms}
        lead = max(lead, newest, key=lambda each: abs(each["caller"] - each["callee"]))
    assert abs(lead["caller"] - lead["callee"]) <= 40


async def test_the_last_words_are_heard_though_it_ends_at_once():
    relay = Heard(1)
    receiver = await listening(relay, parties=1)
    packet = next(packets(SECOND, RtpManner(), ssrc=1)).data
    receiver._media(0, packet, HOST)
    receiver.end("stop")
    assert [type(event).__name__ for event in relay.events[-3:]] == ["Audio", "Paused", "Stopped"]


async def test_what_makes_no_sense_or_comes_from_elsewhere_is_counted():
    relay = Heard(1)
    receiver = await listening(relay, parties=1)
    receiver._media(0, b"\x80", HOST)
    receiver._control(0, b"\x80", HOST)
    receiver._media(0, b"", "192.0.2.1")
    receiver._control(0, goodbye(1), "192.0.2.1")
    assert relay.malformed == ["shape", "shape", "source", "source"]
    assert not receiver.stream.has_left
    receiver._control(0, goodbye(1), HOST)
    assert receiver.stream.has_left
    receiver.end("stop")


async def test_too_few_ports_leave_none_taken():
    ports = Ports(HOST, 31_100, 31_103)
    lines = [line(0), line(1), line(2)]
    receiver = Receiver(RtpStream(lines, ["a", "b", "c"], zero_ms=0.0), Heard(1), NOBODY, [])
    with pytest.raises(Unavailable):
        await receiver.listen(lines, ports)
    async with asyncio.timeout(10):  # closed sockets are gone when the loop has run
        while True:
            try:
                pairs = ports.take(2)
            except Unavailable:
                await asyncio.sleep(0)
            else:
                assert [pair.port for pair in pairs] in ([31_100, 31_102], [31_102, 31_100])
                for pair in pairs:
                    pair.close()
                break
