"""One party's RTP, put on media time: by its timestamps as long as they agree with when packets come.

Nothing waits here: packets that overtake one another, and those that are lost, are the timeline's to put in order and
to fill, as they are for every carrier. Sources: RFC 3550, 3551, 3389 and 4733.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping

from bridge.dialects.events import Audio, Digit
from bridge.dialects.sequence import Sequence
from bridge.rtp.packet import Packet, decode, decode_event
from callscribe.audio_format import AudioFormat
from callscribe.errors import MalformedMessage

COMFORT_NOISE = 13  # RFC 3389: the sender falls silent, and says how loud its silence is
# Timestamps that are further from when packets come than any network holds them up have begun anew.
RESYNC_MS = 1000.0
_SEQUENCES, _TIMESTAMPS = 1 << 16, 1 << 32


class RtpSource:
    """The packets of one party, in; audio and keys, out."""

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

    def receive(self, datagram: bytes, *, now_ms: float) -> Iterator[Audio | Digit]:
        """Yield what a datagram of RTP holds.

        Raises MalformedMessage of kind `shape`, `order`, `format` or `length`; what follows is not affected.
        """
        packet = decode(datagram)
        if packet.ssrc != self._ssrc and not self._is_believed(packet, now_ms):
            return
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
        self._sequence.begin(self._newest - 1)
        self._last_event: int | None = None
        self._anchor(begin.timestamp, begin_ms)
        return True

    def _anchor(self, timestamp: int, now_ms: float) -> None:
        """Have `timestamp` be of now."""
        self._anchor_timestamp = timestamp
        self._anchor_ms = max(0.0, now_ms - self._zero_ms)
        self._samples = 0  # of the newest timestamp, since the anchor's; without its 32 bits' end

    def _heard(self, packet: Packet, now_ms: float) -> Iterator[Audio | Digit]:
        number = self._newest + _ahead(packet.sequence, self._newest)
        if not self._sequence.is_new(number):
            raise MalformedMessage("rtp: a sequence number came again, or from afar", kind="order")
        self._newest = max(self._newest, number)
        match self._types.get(packet.payload_type):
            case "audio":
                yield Audio(self._party, round(self._media_ms(packet.timestamp, now_ms)), self._samples_of(packet))
            case "event":
                event = decode_event(packet.payload)
                if event.is_over and packet.timestamp != self._last_event:  # the end is told three times
                    self._last_event = packet.timestamp
                    yield Digit(self._party, event.digit)
            case "noise":
                return
            case _:
                raise MalformedMessage(f"rtp: the payload type {packet.payload_type} was not agreed on", kind="format")

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
        samples = self._samples + _ahead(timestamp, newest, _TIMESTAMPS)
        media_ms = self._anchor_ms + 1000 * samples / self._form.rate_hz
        if abs(media_ms - (now_ms - self._zero_ms)) > RESYNC_MS:
            self._anchor(timestamp, now_ms)
            return self._anchor_ms
        self._samples = max(self._samples, samples)
        return media_ms


def _ahead(number: int, newest: int, size: int = _SEQUENCES) -> int:
    """Return how far `number` is ahead of `newest`, both of which begin anew at `size`; less than 0 if it is behind."""
    ahead = (number - newest) % size
    return ahead - size if ahead >= size // 2 else ahead
