"""The adapter between the ports of one media stream's lines and its relay."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from functools import partial

from bridge.dialects.events import Audio, Digit, Paused, Stopped
from bridge.origin import Origin
from bridge.relay import Relay
from bridge.rtp.offer import Line
from bridge.rtp.ports import Pair, Ports
from bridge.rtp.stream import RtpStream
from callscribe.errors import MalformedMessage


class Receiver:
    """Hears the lines that began together, until it is ended."""

    def __init__(self, stream: RtpStream, relay: Relay, origin: Origin, sources: Iterable[str]) -> None:
        """`sources` are the addresses that RTP may come from, beside the networks of `origin`."""
        self.stream = stream
        self._relay = relay
        self._origin = origin
        self._sources = frozenset(sources)
        self._pairs: dict[int, Pair] = {}
        self._heard: list[tuple[float, int, Audio | Digit | Paused]] = []

    @property
    def ports(self) -> dict[int, int]:
        """The ports that are listened on, by the lines' places."""
        return {place: pair.port for place, pair in self._pairs.items()}

    async def listen(self, lines: Sequence[Line], ports: Ports) -> None:
        """Open a pair of ports for each line. Raises Unavailable if there are too few, and then has none."""
        self._pairs = {line.place: pair for line, pair in zip(lines, ports.take(len(lines)), strict=True)}
        try:
            for place, pair in self._pairs.items():
                await pair.listen(partial(self._media, place), partial(self._control, place))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Listen no more."""
        for pair in self._pairs.values():
            pair.close()

    def end(self, reason: str) -> None:
        """Listen no more, and tell the relay why: `stop` if the other side said so."""
        self.close()
        self._tell()
        for event in self.stream.rest(now_ms=_now_ms()):
            self._relay.hear(event)
        self._relay.hear(Stopped(reason))

    def _media(self, place: int, datagram: bytes, source: str) -> None:
        if not self._may_send(source):
            self._relay.count_malformed("source")
            return
        try:
            for event in self.stream.receive(place, datagram, now_ms=_now_ms()):
                self._keep(event)
        except MalformedMessage as error:
            self._relay.count_malformed(error.kind)

    def _keep(self, event: Audio | Digit | Paused) -> None:
        """Have the relay hear `event` once all that waits at the ports was read.

        After a moment in which the process was busy, each port has a heap of datagrams: read one after the other, the
        first party would be far ahead of the second, whose audio would then be too late.
        """
        if not self._heard:
            asyncio.get_running_loop().call_soon(self._tell)
        ms = event.media_ms if isinstance(event, Audio) else event.begin_ms if isinstance(event, Paused) else 0.0
        self._heard.append((ms, len(self._heard), event))

    def _tell(self) -> None:
        heard, self._heard = self._heard, []
        if len(heard) > 1:
            heard.sort(key=lambda each: each[:2])
        for _, _, event in heard:
            self._relay.hear(event)

    def _may_send(self, address: str) -> bool:
        return address in self._sources or self._origin.vouches_for(address)

    def _control(self, place: int, datagram: bytes, source: str) -> None:
        if not self._may_send(source):
            self._relay.count_malformed("source")
            return
        try:
            self.stream.control(place, datagram, now_ms=_now_ms())
        except MalformedMessage as error:
            self._relay.count_malformed(error.kind)


def _now_ms() -> float:
    return 1000 * time.monotonic()
