"""The audio of one media stream that comes by RTP, a line of its offer for each party."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from bridge.dialects.events import Audio, Digit, Paused
from bridge.rtp.offer import Line
from bridge.rtp.packet import goodbyes, is_control
from bridge.rtp.source import RtpSource


@dataclass(slots=True)
class _Party:
    name: str
    line: Line
    source: RtpSource
    has_left: bool = False  # its sender said goodbye, and nothing has come since


class RtpStream:
    """Datagrams of the lines, in; events, out."""

    def __init__(self, lines: Iterable[Line], parties: Iterable[str], *, zero_ms: float) -> None:
        """`parties` are the lines' own; the media stream began at `zero_ms`, on the clock of all `now_ms`."""
        self._parties = {
            line.place: _Party(
                name,
                line,
                RtpSource(name, line.form, payload_type=line.payload_type, event_type=line.event_type, zero_ms=zero_ms),
            )
            for line, name in zip(lines, parties, strict=True)
        }
        self._zero_ms = zero_ms
        self.heard_ms = zero_ms  # when anything came last

    @property
    def has_left(self) -> bool:
        """Whether every sender has said goodbye."""
        return all(party.has_left for party in self._parties.values())

    @property
    def is_on_hold(self) -> bool:
        """Whether nothing is to come for now."""
        return not any(party.line.is_sent for party in self._parties.values())

    def receive(self, place: int, datagram: bytes, *, now_ms: float) -> Iterator[Audio | Digit | Paused]:
        """Yield what a datagram holds that came to the port of line `place`, RTP or RTCP.

        Raises MalformedMessage of kind `shape`, `order`, `format` or `length`; what follows is not affected.
        """
        party = self._parties[place]
        if is_control(datagram):
            self.control(place, datagram, now_ms=now_ms)
            return
        yield from party.source.receive(datagram, now_ms=now_ms)
        self.heard_ms, party.has_left = now_ms, False

    def control(self, place: int, datagram: bytes, *, now_ms: float) -> None:
        """Take a datagram of RTCP. Raises MalformedMessage of kind `shape`."""
        left = list(goodbyes(datagram))
        self.heard_ms = now_ms
        self._parties[place].has_left |= bool(left)

    def change(self, lines: Iterable[Line]) -> None:
        """Take note of another offer: who is on hold, who is sent again."""
        offered = {line.place: line for line in lines}
        for place, party in self._parties.items():
            party.line = offered.get(place, replace(party.line, is_sent=False))

    def rest(self, *, now_ms: float) -> Iterator[Paused]:
        """Yield what is to be told before it ends: of whom nothing more is missing."""
        for party in self._parties.values():
            yield from party.source.rest(now_ms=now_ms)
