"""The adapter of one recording session: the ports its lines are heard on, and a relay for each media stream of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bridge.dialects.events import Started
from bridge.media_socket import Reception
from bridge.origin import Origin
from bridge.rtp.offer import Line, Offer
from bridge.rtp.ports import Ports
from bridge.rtp.receiver import Receiver
from bridge.rtp.stream import RtpStream
from bridge.sip.metadata import Metadata
from bridge.sip.recording_server import Invited
from callscribe.audio_format import AudioFormat

# By how they are labelled; others by their order.
_LABELS = {"1": 0, "a_leg": 0, "inbound": 0, "caller": 0, "2": 1, "b_leg": 1, "outbound": 1, "callee": 1}
_NAMES = ("caller", "callee")
# Of a sender that has said goodbye nothing comes any more; of another one no more than this is waited for.
LEFT_S, QUIET_S = 10.0, 300.0


@dataclass(slots=True)
class _Part:
    """Lines that began together: one media stream."""

    receiver: Receiver
    forms: dict[int, AudioFormat]


class RecordingSession:
    """What is heard in one dialog."""

    def __init__(
        self, reception: Reception, ports: Ports, origin: Origin, invited: Invited, *, leave: Callable[[], None]
    ) -> None:
        """`leave` has the dialog ended from our side."""
        self.dialog = invited.dialog
        self.close = lambda _code: leave()  # what is recorded goes on elsewhere, or can't; a BYE has no number
        self._reception = reception
        self._ports = ports
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
        for line in lines:
            self._names[line.place] = self._name(line)
        relay = self._reception.relay(self._origin)
        names = [self._names[line.place] for line in lines]
        stream = RtpStream(lines, names, zero_ms=1000 * time.monotonic())
        receiver = Receiver(stream, relay, partial(self._may_send, sources))
        await receiver.listen(lines, self._ports)
        self._begun += 1
        people = {self._names[line.place]: metadata.participants.get(line.label) for line in lines}
        numbers = [person.number if (person := people.get(name)) else "" for name in _NAMES]
        started = Started(
            media_stream=f"{self.dialog.local_tag}-{self._begun}",
            call_id=self._call,
            account="",
            tracks=tuple(names),
            form=lines[0].form,
            parameters={"sip_call_id": self.dialog.call_id, **metadata.ids},
            from_number=numbers[0] or self._caller,
            to_number=numbers[1],
            begins_now=True,
        )
        self._reception.start(relay, self._origin.own(started), self)
        return _Part(receiver, {line.place: line.form for line in lines})

    def _name(self, line: Line) -> str:
        """Return who speaks on a line: as it is labelled if nobody else is that, else by its order."""
        taken = set(self._names.values())
        place = _LABELS.get(line.label.lower())
        wanted = [_NAMES[place]] if place is not None else []
        return next(name for name in [*wanted, *_NAMES, f"party-{line.place + 1}"] if name not in taken)

    def _may_send(self, sources: frozenset[str], address: str) -> bool:
        trunk = self._origin.trunk
        return address in sources or (trunk is not None and trunk.is_vouched_for(address))

    def _end(self, part: _Part, reason: str) -> None:
        self._parts.remove(part)
        for place in part.forms:
            self._names.pop(place, None)
        part.receiver.end(reason)
