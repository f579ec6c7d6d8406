"""How the audio of a call is written, from the carrier's frames to what Gladia is told of them.

Sources: ITU-T G.711 (the codes of zero); Gladia API v2, "POST /v2/live" (`encoding`, `bit_depth`, `sample_rate`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Encoding = Literal["mulaw", "alaw", "l16"]  # l16: signed, 16 bit, the lower byte first

_SILENCE = {"mulaw": b"\xff", "alaw": b"\xd5", "l16": b"\0\0"}
_GLADIAS = {"mulaw": "wav/ulaw", "alaw": "wav/alaw", "l16": "wav/pcm"}


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """The samples of one track; those of several that share a session are interleaved."""

    encoding: Encoding
    rate_hz: int  # whole samples a millisecond: 8000, 16000, 48000

    @property
    def silence(self) -> bytes:
        """A sample of nothing."""
        return _SILENCE[self.encoding]

    @property
    def sample_bytes(self) -> int:
        """The bytes of a sample."""
        return len(self.silence)

    @property
    def bytes_a_ms(self) -> int:
        """The bytes of a millisecond."""
        return self.rate_hz * self.sample_bytes // 1000

    @property
    def codec(self) -> str:
        """How the log names it: `mulaw/8000`."""
        return f"{self.encoding}/{self.rate_hz}"

    def silent(self, count: int) -> bytes:
        """Return `count` bytes of silence, whole samples."""
        return self.silence * (count // self.sample_bytes)

    def for_gladia(self) -> dict[str, Any]:
        """Return what a request to open a session says of it."""
        return {
            "encoding": _GLADIAS[self.encoding],
            "bit_depth": 8 * self.sample_bytes,
            "sample_rate": self.rate_hz,
        }


MULAW_8K = AudioFormat("mulaw", 8000)


def of_codec(codec: str) -> AudioFormat:
    """Return the format that a leg's `codec` names; that of a phone for what names none, such as `recording`."""
    encoding, _, rate = codec.partition("/")
    if encoding not in _SILENCE or not rate.isdecimal() or int(rate) < 1000:
        return MULAW_8K
    return AudioFormat(encoding, int(rate))  # type: ignore[arg-type]  # it is one of them
