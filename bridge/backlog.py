"""Audio given to one Gladia session and not yet acknowledged."""

from __future__ import annotations

from callscribe.errors import Overloaded


class Backlog:
    """What a resumed session has to be sent again.

    Positions are bytes since the session began, as in the `byte_range` of Gladia's acknowledgements; one second of one
    8000 Hz mu-law track is 8000 bytes.
    """

    def __init__(self, *, limit_bytes: int, frame_bytes: int = 1) -> None:
        """`frame_bytes` is one sample of every channel; a resumed session never begins inside one."""
        self._limit_bytes = limit_bytes
        self._frame_bytes = frame_bytes
        self._audio = bytearray()
        self._start = 0

    @property
    def acknowledged(self) -> int:
        """The position before which nothing is kept any more."""
        return self._start

    @property
    def end(self) -> int:
        """The position after the last byte appended."""
        return self._start + len(self._audio)

    def append(self, audio: bytes) -> None:
        """Keep `audio` until it is acknowledged. Raises Overloaded beyond the limit."""
        # Dropping the oldest part instead would shift every later position.
        if len(self._audio) + len(audio) > self._limit_bytes:
            raise Overloaded(f"{len(self._audio)} bytes unacknowledged")
        self._audio += audio

    def acknowledge(self, end: int) -> None:
        """Forget the audio before position `end`; late or repeated calls do nothing."""
        count = min(max(0, end - self._start), len(self._audio))
        # Gladia's documents differ on whether `end` is inclusive; off by one would swap the channels of a replay.
        count -= (self._start + count) % self._frame_bytes
        del self._audio[:count]
        self._start += count

    def unacknowledged(self) -> bytes:
        """Return what a resumed session has to be sent again."""
        return bytes(self._audio)
