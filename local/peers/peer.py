"""What is alike in all simulated senders of a media stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from local.audio import mulaw_decode


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the media socket; on TCP, some bytes."""

    content: bytes
    is_text: bool = False


def text(content: str) -> Message:
    """Return a text message."""
    return Message(content.encode(), is_text=True)


class Peer(Protocol):
    """One media socket's sender: frames in, messages out. A side is a party that it sends the audio of."""

    @property
    def target(self) -> str:
        """The path and the query that it opens."""

    def opening(self) -> Sequence[Message]:
        """Return what it sends once the socket is open."""

    def answered(self, content: str) -> Sequence[Message]:
        """Return what it sends when it receives a text."""

    def frame(self, media_ms: int, sides: Sequence[bytes]) -> Sequence[Message]:
        """Return what it sends for 20 ms of each side, 8000 Hz mu-law, that end `media_ms` + 20 into the stream."""

    def closing(self) -> Sequence[Message]:
        """Return what it sends before it closes the socket."""


def linear(mulaw: bytes) -> bytes:
    """Return mu-law as 16-bit samples, the lower byte first."""
    return mulaw_decode(mulaw).astype("<i2").tobytes()


def interleaved(sides: Sequence[bytes], sample_bytes: int) -> bytes:
    """Return the samples of all sides in turns."""
    if len(sides) == 1:
        return sides[0]
    kind = {1: np.uint8, 2: np.uint16}[sample_bytes]
    return np.stack([np.frombuffer(side, kind) for side in sides], axis=1).tobytes()
