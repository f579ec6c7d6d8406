"""What can go wrong with a media stream, as values: a script of them is a call that can be placed again.

Times are milliseconds of media time: since the media stream's first frame. A fault without a track concerns all tracks.
Each was seen on real calls, or is what a receiver has to survive. Source: Twilio, Media Streams, "WebSocket messages";
error pages 31903, 31921 and 31951.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from local.twilio.admission import Track

Parting = Literal[
    "close",  # a WebSocket close and no `stop`
    "cut",  # the connection ends (FIN) without a close; all that was sent arrives
    "reset",  # the connection is reset (RST); what the receiver has not read by then is lost with it
    "nothing",  # no message, no close, no end of the connection: something between ate them
]
Malformation = Literal[
    "no_json",
    "no_object",
    "unknown_event",
    "bad_base64",
    "empty_payload",
    "odd_length",  # no whole number of milliseconds
    "unknown_track",
    "missing_media",
    "old_sequence",  # a number that was used long ago
]


@dataclass(frozen=True, slots=True)
class Stall:
    """Nothing arrives for `length_ms`, then all of it at once. 233 ms were seen; seconds happen."""

    at_ms: int
    length_ms: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Frames are never sent, and timestamps go on as if they had been.

    From 0 on it is a track that starts late; without a length, one that has gone quiet for good.
    """

    at_ms: int
    length_ms: int | None
    track: Track | None = None

    def covers(self, track: Track, media_ms: int) -> bool:
        """Tell whether the frame of `track` at `media_ms` is one of those."""
        end_ms = None if self.length_ms is None else self.at_ms + self.length_ms
        return self.track in (None, track) and self.at_ms <= media_ms and (end_ms is None or media_ms < end_ms)


@dataclass(frozen=True, slots=True)
class Jump:
    """Timestamps jump by `by_ms` while frames keep coming, without a pause (420 ms were seen)."""

    at_ms: int
    by_ms: int


@dataclass(frozen=True, slots=True)
class Drift:
    """Timestamps run fast by `ppm` millionths, or slow if that is below 0."""

    ppm: float


@dataclass(frozen=True, slots=True)
class Late:
    """The frame of `track` at `at_ms` comes after all that is sent within the next `by_ms`.

    It keeps the number it had, so that numbers go back; or is `renumbered`, and only its timestamp goes back.
    """

    at_ms: int
    by_ms: int
    track: Track
    renumbered: bool = False


@dataclass(frozen=True, slots=True)
class Repeat:
    """The frame of `track` at `at_ms` is sent `times` times more: the same message, or one with a number of its own."""

    at_ms: int
    track: Track
    times: int = 1
    renumbered: bool = False


@dataclass(frozen=True, slots=True)
class Recut:
    """Audio comes in pieces of `sizes_ms`, over and over, instead of 20 ms (1 to 400 ms)."""

    at_ms: int
    length_ms: int | None
    sizes_ms: tuple[int, ...]
    track: Track | None = None

    def __post_init__(self) -> None:
        if not self.sizes_ms or min(self.sizes_ms) < 1:
            raise ValueError(f"no sizes to cut audio into: {self.sizes_ms}")

    def covers(self, track: Track, media_ms: int) -> bool:
        """Tell whether the frame of `track` at `media_ms` is cut anew."""
        return Gap(self.at_ms, self.length_ms, self.track).covers(track, media_ms)


@dataclass(frozen=True, slots=True)
class Malformed:
    """A message that means nothing comes between others; the call's own audio is all there."""

    at_ms: int
    kind: Malformation


@dataclass(frozen=True, slots=True)
class SecondStream:
    """Another media stream of the same call, name and parameters is opened while this one goes on."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Death:
    """The media stream ends in the middle of the call, before the frame at `at_ms`, and never with `stop`."""

    at_ms: int
    how: Parting


@dataclass(frozen=True, slots=True)
class Ending:
    """The media stream ends when it should, but not how it should."""

    how: Parting | Literal["stop_twice"]


Fault = Stall | Gap | Jump | Drift | Late | Repeat | Recut | Malformed | SecondStream | Death | Ending
Script = tuple[Fault, ...]


def stamp_ms(media_ms: int, faults: Iterable[Fault]) -> int:
    """Return what timestamps show for `media_ms`, less the first one."""
    shown = float(media_ms)
    for fault in faults:
        if isinstance(fault, Drift):
            shown += media_ms * fault.ppm / 1e6
        elif isinstance(fault, Jump) and media_ms >= fault.at_ms:
            shown += fault.by_ms
    return round(shown)
