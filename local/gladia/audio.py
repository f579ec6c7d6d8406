"""The audio of a session as bytes: whole sample frames in, one string of samples a channel out; and back as a file."""

import struct
from dataclasses import dataclass

from local.gladia.request import Encoding, InitRequest

# RFC 2361 and Microsoft's mmreg.h.
_FORMAT_TAGS: dict[Encoding, int] = {"wav/pcm": 1, "wav/alaw": 6, "wav/ulaw": 7}
_RIFF_START_BYTES = 12


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """How samples are written: `bit_depth` bits each, little-endian, `channels` of them interleaved."""

    encoding: Encoding
    bit_depth: int
    rate_hz: int
    channels: int

    @classmethod
    def of(cls, request: InitRequest) -> "AudioFormat":
        """Return the format that `request` announces."""
        return cls(request.encoding, request.bit_depth, request.sample_rate, request.channels)

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample of one channel."""
        return self.bit_depth // 8

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel."""
        return self.sample_bytes * self.channels

    def seconds(self, size_bytes: int) -> float:
        """Return how long `size_bytes` of interleaved audio last."""
        return size_bytes / (self.frame_bytes * self.rate_hz)

    def split(self, audio: bytes) -> tuple[bytes, ...]:
        """Return the samples of each channel of `audio`, which is whole sample frames."""
        if self.channels == 1:
            return (audio,)
        width, stride = self.sample_bytes, self.frame_bytes
        tracks = []
        for channel in range(self.channels):
            track = bytearray(len(audio) // self.channels)
            for place in range(width):
                track[place::width] = audio[channel * width + place :: stride]
            tracks.append(bytes(track))
        return tuple(tracks)

    def wav(self, audio: bytes) -> bytes:
        """Return `audio` as a WAV file whose samples are those bytes, unchanged."""
        tag = _FORMAT_TAGS[self.encoding]
        fmt = struct.pack(
            "<HHIIHH",
            tag,
            self.channels,
            self.rate_hz,
            self.rate_hz * self.frame_bytes,
            self.frame_bytes,
            self.bit_depth,
        )
        chunks = [(b"fmt ", fmt)]
        if tag != 1:  # other than PCM: an extension of no bytes, and the number of samples
            chunks = [(b"fmt ", fmt + b"\0\0"), (b"fact", struct.pack("<I", len(audio) // self.frame_bytes))]
        chunks.append((b"data", audio))
        body = b"WAVE" + b"".join(_chunk(name, content) for name, content in chunks)
        return b"RIFF" + struct.pack("<I", len(body)) + body


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


class Intake:
    """What a client sends, made into whole sample frames.

    A WAV header at the very start of a session is left out. Bytes short of a sample frame wait for the rest of it.
    """

    def __init__(self, audio_format: AudioFormat) -> None:
        self._frame_bytes = audio_format.frame_bytes
        self._rest = b""
        self._began = False

    def take(self, sent: bytes) -> bytes:
        """Return the whole sample frames that `sent` completes."""
        audio = self._rest + sent
        if not self._began:
            start = _samples_start(audio)
            if start is None:
                self._rest = audio
                return b""
            self._began = bool(audio)
            audio = audio[start:]
        whole = len(audio) - len(audio) % self._frame_bytes
        self._rest = audio[whole:]
        return audio[:whole]


def _samples_start(audio: bytes) -> int | None:
    """Return where the samples begin in `audio`: after a WAV header, or at once; None if more is needed to know."""
    if not (audio[:4] == b"RIFF"[: len(audio)] and audio[8:12] == b"WAVE"[: max(0, len(audio) - 8)]):
        return 0
    if not audio:
        return 0
    position = _RIFF_START_BYTES
    while len(audio) >= position + 8:
        name, size = struct.unpack_from("<4sI", audio, position)
        if name == b"data":
            return position + 8
        position += 8 + size + size % 2
    return None
