"""One party's RTP, put on media time: by its timestamps as long as they agree with when packets come.

Nothing waits here: packets that overtake one another, and those that are lost, are the timeline's to put in order and
to fill, as they are for every carrier. Sources: RFC 3550, 3551, 3389 and 4733.
"""

from __future__ import annotations

import math
from array import array
from collections import OrderedDict
from collections.abc import Iterator, Mapping

from bridge.dialects.events import Audio, Digit, Paused
from bridge.dialects.sequence import Sequence
from bridge.rtp.packet import Packet, decode, decode_event
from callscribe.audio_format import AudioFormat
from callscribe.errors import MalformedMessage

COMFORT_NOISE = 13  # RFC 3389: the sender falls silent, and says how loud its silence is
# No audio is placed before this, so that there is room for a packet that the very first one has overtaken.
FIRST_MS = 20.0
# Timestamps that leap without so much time having passed, or not passed, have begun anew.
RESYNC_MS = 1000.0
# Packets that are late by more were held up, and come all at once; if they are so for longer than this, it is the
# sender's clock that stood still.
LATE_FOR_MS = 2000.0
_SEQUENCES, _TIMESTAMPS = 1 << 16, 1 << 32
_ROUNDING_MS = 0.01
_REMEMBERED = 64  # packets, in which an overtaken one finds its neighbours


class RtpSource:
    """The packets of one party, in; audio, keys and pauses, out."""

    def __init__(
        self, party: str, form: AudioFormat, *, payload_type: int, event_type: int | None, zero_ms: float
    ) -> None:
        """`payload_type` is what `form` was agreed on as, `event_type` telephone-event, if it was.

        `zero_ms` is when the media stream began, on the clock of all `now_ms`. Samples of `l16` come with the higher
        byte first, as RTP has them, and go out with the lower one first.
        """
        self._party = party
        self._form = form
        self._types: Mapping[int | None, str] = {COMFORT_NOISE: "noise", event_type: "event", payload_type: "audio"}
        self._zero_ms = zero_ms
        self._ssrc: int | None = None
        self._stray: Packet | None = None  # of a source that is believed when another of it follows
        self._stray_ms = 0.0
        self._end_ms = 0.0  # of what has come, of this source and those before it
        self._spans: OrderedDict[int, tuple[float, float]] = OrderedDict()  # of the newest packets, by their numbers

    def rest(self, *, now_ms: float) -> Iterator[Paused]:
        """Yield that nothing is missing after the last packet: what was lost would have had another behind it."""
        if self._ssrc is not None:
            # Another party's audio may reach beyond now, as it is placed by when it came.
            yield self._paused(self._end_ms, max(self._end_ms, now_ms - self._zero_ms) + RESYNC_MS)

    def receive(self, datagram: bytes, *, now_ms: float) -> Iterator[Audio | Digit | Paused]:
        """Yield what a datagram of RTP holds. A pause comes before the audio that ends it.

        Raises MalformedMessage of kind `shape`, `order`, `format` or `length`; what follows is not affected.
        """
        packet = decode(datagram)
        if packet.ssrc != self._ssrc:
            if not self._is_believed(packet, now_ms):
                return
            if self._anchor_ms > self._end_ms:  # of what another source may have lost nobody can know
                yield self._paused(self._end_ms, self._anchor_ms)
        stray, self._stray = self._stray, None
        if stray is not None and stray.ssrc == packet.ssrc:
            yield from self._heard(stray, self._stray_ms)
        yield from self._heard(packet, now_ms)

    def _is_believed(self, packet: Packet, now_ms: float) -> bool:
        """Tell whether another source has begun: the first is, any other once two of its packets follow each other."""
        stray = self._stray
        follows = stray is not None and stray.ssrc == packet.ssrc and _ahead(packet.sequence, stray.sequence) == 1
        if self._ssrc is not None and not follows:
            self._stray, self._stray_ms = packet, now_ms
            return False
        begin, begin_ms = (stray, self._stray_ms) if follows and stray is not None else (packet, now_ms)
        self._ssrc = packet.ssrc
        self._sequence = Sequence()
        self._newest = begin.sequence  # without its 16 bits' end
        self._sequence.begin(self._newest - _REMEMBERED)  # some may have been overtaken by the first one
        self._spans.clear()
        self._last_event: int | None = None
        self._anchor(begin.timestamp, begin_ms)
        return True

    def _anchor(self, timestamp: int, now_ms: float) -> None:
        """Have `timestamp` be of now."""
        self._anchor_timestamp = timestamp
        self._anchor_ms = max(FIRST_MS, now_ms - self._zero_ms)
        self._samples = 0  # of the newest timestamp, since the anchor's; without its 32 bits' end
        self._late_from_ms: float | None = None

    def _heard(self, packet: Packet, now_ms: float) -> Iterator[Audio | Digit | Paused]:
        number = self._newest + _ahead(packet.sequence, self._newest)
        if not self._sequence.is_new(number):
            raise MalformedMessage("rtp: a sequence number came again, or from afar", kind="order")
        self._newest = max(self._newest, number)
        match self._types.get(packet.payload_type):
            case "audio":
                samples = self._samples_of(packet)
                media_ms = self._media_ms(packet.timestamp, now_ms)
                yield from self._follow(number, media_ms, len(samples) / self._form.bytes_a_ms)
                yield Audio(self._party, round(media_ms), samples)
            case "event":
                event = decode_event(packet.payload)
                yield from self._follow(number, self._media_ms(packet.timestamp, now_ms))
                if event.is_over and packet.timestamp != self._last_event:  # the end is told three times
                    self._last_event = packet.timestamp
                    yield Digit(self._party, event.digit)
            case "noise":
                yield from self._follow(number, self._media_ms(packet.timestamp, now_ms))
            case _:
                raise MalformedMessage(f"rtp: the payload type {packet.payload_type} was not agreed on", kind="format")

    def _follow(self, number: int, begin_ms: float, length_ms: float = 0.0) -> Iterator[Paused]:
        """Yield the pauses before and after a packet: there is none missing between it and its neighbours."""
        end_ms = begin_ms + length_ms
        before, after = self._spans.get(number - 1), self._spans.get(number + 1)
        if before is not None and begin_ms - before[1] > _ROUNDING_MS:
            yield self._paused(before[1], begin_ms)
        if after is not None and after[0] - end_ms > _ROUNDING_MS:
            yield self._paused(end_ms, after[0])
        self._spans[number] = (begin_ms, end_ms)
        if len(self._spans) > _REMEMBERED:
            self._spans.popitem(last=False)
        self._end_ms = max(self._end_ms, end_ms)

    def _paused(self, begin_ms: float, end_ms: float) -> Paused:
        return Paused(self._party, math.floor(begin_ms), math.ceil(end_ms))

    def _samples_of(self, packet: Packet) -> bytes:
        payload = packet.payload
        if not payload or len(payload) % self._form.bytes_a_ms:
            raise MalformedMessage(f"rtp: a payload of {len(payload)} bytes", kind="length")
        if self._form.sample_bytes == 1:
            return payload
        samples = array("H", payload)
        samples.byteswap()
        return samples.tobytes()

    def _media_ms(self, timestamp: int, now_ms: float) -> float:
        """Return the media time of `timestamp`, as of a packet that came at `now_ms`."""
        newest = (self._anchor_timestamp + self._samples) % _TIMESTAMPS
        leap = _ahead(timestamp, newest, _TIMESTAMPS)
        media_ms = self._anchor_ms + 1000 * (self._samples + leap) / self._form.rate_hz
        off_ms = media_ms - (now_ms - self._zero_ms)
        if off_ms > -RESYNC_MS:
            self._late_from_ms = None
        elif self._late_from_ms is None:
            self._late_from_ms = now_ms
        has_leapt = abs(off_ms) > RESYNC_MS and 1000 * abs(leap) / self._form.rate_hz > RESYNC_MS
        if has_leapt or (self._late_from_ms is not None and now_ms - self._late_from_ms > LATE_FOR_MS):
            self._anchor(timestamp, now_ms)
            return self._anchor_ms
        self._samples = max(self._samples, self._samples + leap)
        return media_ms


def _ahead(number: int, newest: int, size: int = _SEQUENCES) -> int:
    """Return how far `number` is ahead of `newest`, both of which begin anew at `size`; less than 0 if it is behind."""
    ahead = (number - newest) % size
    return ahead - size if ahead >= size // 2 else ahead
