"""Audio given to one Gladia session and not yet acknowledged."""

from __future__ import annotations

# Gladia refuses messages above 1 MiB with 1009, and refuses the session if they are repeated.
PIECE_BYTES = 512 * 1024


class Backlog:
    """What a resumed session may have to be sent again.

    Positions are bytes since the session began, as in the `byte_range` of Gladia's acknowledgements; one second of one
    8000 Hz mu-law track is 8000 bytes.
    """

    def __init__(self, *, limit_bytes: int, frame_bytes: int = 1) -> None:
        """`frame_bytes` is one sample of every channel; a resumed session never begins inside one."""
        self._limit_bytes = limit_bytes
        self._frame_bytes = frame_bytes
        self._audio = bytearray()
        self._start = 0
        self._sent = 0

    @property
    def acknowledged(self) -> int:
        """The position before which nothing is kept any more."""
        return self._start

    @property
    def end(self) -> int:
        """The position after the last byte appended."""
        return self._start + len(self._audio)

    @property
    def sent(self) -> int:
        """The position up to which the audio went out at least once."""
        return self._sent

    def begin(self, position: int) -> None:
        """Let the audio that is kept begin at `position`, or at the whole sample before it."""
        self._start = position - position % self._frame_bytes

    def has_room(self, count: int) -> bool:
        """Whether `count` bytes more may be kept."""
        return len(self._audio) + count <= self._limit_bytes

    def append(self, audio: bytes) -> None:
        """Keep `audio` until it is acknowledged."""
        self._audio += audio

    def send(self) -> None:
        """Take note that all of it has been sent."""
        self._sent = self.end

    def acknowledge(self, end: int) -> None:
        """Forget the audio before position `end`; late or repeated calls do nothing, nor what was never sent.

        Gladia's documents differ on whether `end` is the position of the last byte or the one after it. One short of
        a whole sample, or of all that was sent, it can only be the former.
        """
        if end + 1 == self._sent or (end + 1) % self._frame_bytes == 0 < self._frame_bytes - 1:
            end += 1
        count = min(max(0, min(end, self._sent) - self._start), len(self._audio))
        count -= (self._start + count) % self._frame_bytes
        del self._audio[:count]
        self._start += count

    def pieces(self) -> list[bytes]:
        """Return what a resumed session has to be sent again, in parts that Gladia takes."""
        size = PIECE_BYTES - PIECE_BYTES % self._frame_bytes
        return [bytes(self._audio[at : at + size]) for at in range(0, len(self._audio), size)]

    def unacknowledged(self) -> bytes:
        """Return the audio that Gladia does not say it has."""
        return bytes(self._audio)
