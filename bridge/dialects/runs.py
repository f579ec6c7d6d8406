"""Packets that came at once, joined where they follow one another: so that what comes after has less to take in."""

from __future__ import annotations

from msgspec import Struct

from bridge.dialects.events import Audio


class _Run(Struct, gc=False):
    """Packets of one length of one track, each of which begins where the one before it ends."""

    track: str
    media_ms: int
    end_ms: int
    size: int
    packets: list[bytes]


class Runs:
    """What one read brought."""

    def __init__(self, bytes_a_ms: int) -> None:
        """`bytes_a_ms` is what a packet's length is a multiple of."""
        self._bytes_a_ms = bytes_a_ms
        self._runs: list[_Run] = []
        self._last: dict[str, _Run] = {}  # by track

    def add(self, track: str, media_ms: int, audio: bytes) -> None:
        """Take the next packet."""
        run, size = self._last.get(track), len(audio)
        if run is not None and run.end_ms == media_ms and run.size == size:
            run.packets.append(audio)
            run.end_ms = media_ms + size // self._bytes_a_ms
        else:
            run = _Run(track, media_ms, media_ms + size // self._bytes_a_ms, size, [audio])
            self._last[track] = run
            self._runs.append(run)

    def pieces(self) -> list[Audio]:
        """Return them joined, in the order in which they begin."""
        return [Audio(run.track, run.media_ms, b"".join(run.packets), len(run.packets)) for run in self._runs]
