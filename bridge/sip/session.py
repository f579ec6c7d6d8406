"""The adapter of one recording session: the ports its lines are heard on, and a relay for each media stream of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from bridge.dialects.events import Started
from bridge.media_socket import Reception
from bridge.origin import Origin
from bridge.rtp.offer import Line, Offer
from bridge.rtp.parties import NAMES, names_of
from bridge.rtp.receiver import Receiver
from bridge.rtp.stream import RtpStream
from bridge.sip.metadata import Metadata
from bridge.sip.recording_server import Invited
from callscribe.audio_format import AudioFormat

# Of a sender that has said goodbye nothing comes any more; of another one no more than this is waited for.
LEFT_S, QUIET_S = 10.0, 300.0


@dataclass(slots=True)
class _Part:
    """Lines that began together: one media stream."""

    receiver: Receiver
    forms: dict[int, AudioFormat]


class RecordingSession:
    """What is heard in one dialog."""

    def __init__(self, reception: Reception, origin: Origin, invited: Invited, *, leave: Callable[[], None]) -> None:
        """`leave` has the dialog ended from our side."""
        self.dialog = invited.dialog
        self.close = lambda _code: leave()  # what is recorded goes on elsewhere, or can't; a BYE has no number
        self._reception = reception
        self._origin = origin
        self._call = invited.call
        self._caller = invited.caller
        self._parts: list[_Part] = []
        self._names: dict[int, str] = {}
        self._begun = 0

    async def offered(self, offer: Offer, metadata: Metadata, *, peer: str) -> dict[int, int]:
        """Listen to what is offered, and no more to what isn't; return the ports by the lines' places.

        `peer` is the address that signals. Raises Unavailable if there are no ports left, and all is as it was.
        """
        kept = {line.place for part in self._parts for line in offer.lines if part.forms.get(line.place) == line.form}
        fresh = [line for line in offer.lines if line.place not in kept]
        sources = self._sources(offer, peer)
        begun = await self._begin(fresh, metadata, sources) if fresh else None
        for part in self._parts:
            part.receiver.stream.change(offer.lines)
        for part in [part for part in self._parts if not kept & part.forms.keys()]:
            self._end(part, "stop")
        if begun is not None:
            self._parts.append(begun)
        return {place: port for part in self._parts for place, port in part.receiver.ports.items()}

    def end(self, reason: str) -> None:
        """Take note that the dialog is over."""
        for part in list(self._parts):
            self._end(part, reason)

    def is_silent(self, now_ms: float) -> bool:
        """Tell whether nothing is to be expected any more."""
        return bool(self._parts) and all(
            not stream.is_on_hold and now_ms - stream.heard_ms > 1000 * (LEFT_S if stream.has_left else QUIET_S)
            for stream in (part.receiver.stream for part in self._parts)
        )

    def _sources(self, offer: Offer, peer: str) -> frozenset[str]:
        """Return the addresses that RTP may come from, beside the trunk's networks."""
        return frozenset({peer, *(line.address for line in offer.lines)})

    async def _begin(self, lines: list[Line], metadata: Metadata, sources: frozenset[str]) -> _Part:
        self._names |= names_of(lines, self._names.values())
        relay = self._reception.relay(self._origin)
        names = [self._names[line.place] for line in lines]
        stream = RtpStream(lines, names, zero_ms=1000 * time.monotonic())
        receiver = Receiver(stream, relay, self._origin, sources)
        await receiver.listen(lines, self._reception.ports)
        self._begun += 1
        people = {self._names[line.place]: metadata.participants.get(line.label) for line in lines}
        caller, callee = (person.number if (person := people.get(name)) else "" for name in NAMES)
        caller = caller or self._caller
        started = Started(
            media_stream=f"{self.dialog.local_tag}-{self._begun}",
            call_id=self._call,
            account="",
            tracks=tuple(names),
            form=lines[0].form,
            parameters={"sip_call_id": self.dialog.call_id, "from": caller, "to": callee, **metadata.ids},
            begins_now=True,
            loses_packets=True,
        )
        self._reception.start(relay, self._origin.own(started), self)
        return _Part(receiver, {line.place: line.form for line in lines})

    def _end(self, part: _Part, reason: str) -> None:
        self._parts.remove(part)
        for place in part.forms:
            self._names.pop(place, None)
        part.receiver.end(reason)
