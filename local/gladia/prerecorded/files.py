"""Files that clients upload: on disk, and read from there a piece at a time.

Only WAV is understood. What else Gladia takes is kept as well, and comes out as a file of unknown length in which
nothing was said.
"""

import struct
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from local.gladia.audio import AudioFormat
from local.gladia.errors import RequestError
from local.gladia.request import Encoding

LIMIT_BYTES = 1000 * 1000 * 1000  # Gladia, "Supported files & duration"
_ENCODINGS: dict[int, Encoding] = {1: "wav/pcm", 6: "wav/alaw", 7: "wav/ulaw"}
_EXTENSIBLE = 0xFFFE


@dataclass(frozen=True, slots=True)
class Sound:
    """Where the samples of a WAV file are, and what they are."""

    audio_format: AudioFormat
    start: int
    size_bytes: int

    @property
    def duration_s(self) -> float:
        """How long it lasts."""
        return self.audio_format.seconds(self.size_bytes)


@dataclass(frozen=True, slots=True)
class File:
    """An uploaded file, or one that was fetched from `source`."""

    id: str
    path: Path
    filename: str
    size_bytes: int
    sound: Sound | None  # None: nothing that is understood
    source: str | None = None

    @property
    def duration_s(self) -> float:
        """How long it lasts; 0 for what is not understood."""
        return self.sound.duration_s if self.sound else 0.0

    @property
    def channels(self) -> int:
        """How many channels it has."""
        return self.sound.audio_format.channels if self.sound else 1

    def pieces(self, seconds: float) -> Iterator[tuple[bytes, ...]]:
        """Yield the samples of each channel, `seconds` of them at a time."""
        if self.sound is None:
            return
        audio_format, left = self.sound.audio_format, self.sound.size_bytes
        frame = audio_format.frame_bytes
        size = round(seconds * audio_format.rate_hz) * frame
        with self.path.open("rb") as file:
            file.seek(self.sound.start)
            while audio := file.read(min(size, left)):
                left -= len(audio)
                yield audio_format.split(audio[: len(audio) - len(audio) % frame])


class Files:
    """The files of one server, in a folder of its own."""

    def __init__(self, folder: Path, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._files: dict[str, File] = {}

    async def save(self, pieces: AsyncIterator[bytes], *, filename: str, source: str | None = None) -> File:
        """Keep what comes in `pieces`. Raises RequestError 413 beyond the limit."""
        name = str(uuid.uuid4())
        path = self._folder / name
        size = 0
        with path.open("wb") as file:
            async for piece in pieces:
                size += len(piece)
                if size > self._limit_bytes:
                    path.unlink()
                    raise RequestError(413, f"the file is larger than {self._limit_bytes // 1_000_000} MB")
                file.write(piece)
        with path.open("rb") as file:
            saved = File(name, path, filename, size, sound_of(file, size), source)
        self._files[name] = saved
        return saved

    def get(self, name: str) -> File | None:
        """Return the file of that id."""
        return self._files.get(name)


def sound_of(file: BinaryIO, size_bytes: int) -> Sound | None:
    """Return what a WAV file of that size holds; None if it is none, or of samples that nobody knows."""
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return None
    audio_format = None
    while len(chunk := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", chunk)
        if name == b"data" and audio_format is not None:
            # A file that was streamed out says that it has no end.
            return Sound(audio_format, file.tell(), min(size, size_bytes - file.tell()))
        content = file.read(size + size % 2) if name == b"fmt " else b""
        if name == b"fmt ":
            audio_format = _format(content)
        else:
            file.seek(size + size % 2, 1)
    return None


def _format(content: bytes) -> AudioFormat | None:
    if len(content) < 16:
        return None
    tag, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", content)
    if tag == _EXTENSIBLE and len(content) >= 26:
        (tag,) = struct.unpack_from("<H", content, 24)
    encoding = _ENCODINGS.get(tag)
    if encoding is None or bits not in (8, 16, 24, 32) or not 1 <= channels <= 8 or not rate_hz:
        return None
    return AudioFormat(encoding, bits, rate_hz, channels)
