"""Audio whose sender tells neither its time nor its parties: one or two of them, interleaved, as the address says."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bridge.dialects.arrival_clock import ArrivalClock
from bridge.dialects.events import Audio
from callscribe.audio_format import AudioFormat
from callscribe.errors import MalformedMessage, Refused

# Some send audio before they say what it is; it is kept for about a second.
MOST_EARLY = 50
# Those that Gladia takes and a millisecond is whole samples of.
RATES_HZ = (8000, 16_000, 32_000, 48_000)
# Of what a PBX writes, and what calls, legs and archives are named by.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:+-]{0,127}")


def is_name(text: str) -> bool:
    """Tell whether a call, a party or a media stream may be called that."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Question:
    """What the query of the address says that was opened: which call it is, and who is heard."""

    call: str = ""  # none: the dialect knows, or makes up, its own
    parties: tuple[str, ...] = ()  # one a channel; none: as the dialect has it
    rate_hz: int = 8000  # of senders that don't say it

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Question:
        """Return what `call`, `party`, `channels` and `rate` of a query say. Raises Refused, saying what may be."""
        call, party = query.get("call", ""), query.get("party", "")
        parties = tuple(party.split(",")) if party else ()
        if call and not is_name(call):
            raise Refused("call= is up to 128 letters, digits and . _ @ : + -")
        if len(set(parties)) < len(parties) or not all(map(is_name, parties)):
            raise Refused("party= is a name such as caller, or two such as caller,agent")
        if query.get("channels", str(len(parties or " "))) != str(len(parties or " ")) or len(parties) > 2:
            raise Refused("party= names a party for each of channels=, two at most")
        rate = query.get("rate", "8000")
        if rate not in map(str, RATES_HZ):
            raise Refused(f"rate= is one of {', '.join(map(str, RATES_HZ))}")
        return cls(call, parties, int(rate))


class Untimed:
    """The audio of one socket."""

    def __init__(self, parties: tuple[str, ...], form: AudioFormat, *, zero_ms: float) -> None:
        """`parties` are those of the channels, in their order; the media stream began at `zero_ms`."""
        self._parties = parties
        self._form = form
        self._zero_ms = zero_ms
        self._clock: ArrivalClock | None = None  # until audio has come

    def hear(self, message: bytes, now_ms: float) -> Iterator[Audio]:
        """Yield what is certain once `message` has come. Raises MalformedMessage of kind `length`."""
        if not message or len(message) % (self._form.sample_bytes * len(self._parties)):
            raise MalformedMessage(f"a message of {len(message)} bytes", kind="length")
        if self._clock is None:
            bytes_a_ms = self._form.bytes_a_ms * len(self._parties)
            begin_ms = now_ms - self._zero_ms - len(message) / bytes_a_ms
            self._clock = ArrivalClock(bytes_a_ms, begin_ms=max(0.0, begin_ms))
        return self._apart(self._clock.place(message, now_ms))

    def rest(self) -> Iterator[Audio]:
        """Yield what was waited for, as nothing comes any more."""
        return self._apart(() if self._clock is None else self._clock.end())

    def _apart(self, placed: Iterable[tuple[int, bytes]]) -> Iterator[Audio]:
        for media_ms, audio in placed:
            if len(self._parties) == 1:
                yield Audio(self._parties[0], media_ms, audio)
            else:
                for party, samples in zip(self._parties, channels_of(audio, self._form.sample_bytes), strict=True):
                    yield Audio(party, media_ms, samples)


def channels_of(audio: bytes, sample_bytes: int) -> tuple[bytes, bytes]:
    """Return the left and the right samples of interleaved ones."""
    if sample_bytes == 1:
        return audio[::2], audio[1::2]
    samples = array("H", audio)
    return samples[::2].tobytes(), samples[1::2].tobytes()
