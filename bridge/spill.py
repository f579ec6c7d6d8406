"""The disk of one process, for entries that can't be written now: bounded for all calls together.

Each file has no name in the directory (`O_TMPFILE`, or unlinked at once), so that it is gone with the process however
that ends, and no other process ever trips over it. For the same reason nothing is synced to the disk: what lies there
has to outlive an outage of DynamoDB, not the process; after a crash the words are in Gladia's stored result.
"""

from __future__ import annotations

import os
import tempfile
from collections import deque
from io import FileIO
from pathlib import Path

from bridge.cadence import Cadence
from callscribe.errors import Overloaded, Refused

# 130 calls, which is what a core carries, make about 55 kB of entries a second (0.7 entries a second a call, 0.6 kB
# each): enough for an outage of more than two hours. To append one takes 3 µs, to take one back as much.
LIMIT_BYTES = 512 * 1024 * 1024
_BLOCK_BYTES = 64 * 1024
# What has waited is written at 100 entries a second, all calls together, three times as fast as 45 calls make them. It
# takes a third of a core. At full speed, a hundred calls that catch up at once hold up the audio of all by 80 ms, often
# by 230 ms (measured).
CATCH_UP_INTERVAL_S = 0.01


class Spill:
    """The files of one process, how much all of them may hold, and how fast it is written later."""

    def __init__(self, directory: Path, *, limit_bytes: int = LIMIT_BYTES) -> None:
        """Raises Refused if nothing can be written in `directory`, which is made if it is missing."""
        self.used_bytes = 0
        self.cadence = Cadence(interval_s=CATCH_UP_INTERVAL_S)
        self._directory = directory
        self._limit_bytes = limit_bytes
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self.create().close()
        except OSError as error:
            raise Refused(f"nothing can be kept in {directory}: {error.strerror}") from error

    def open(self) -> SpillFile:
        """Return a file for one writer; the disk knows of it from its first line on."""
        return SpillFile(self)

    def create(self) -> FileIO:
        """Return a new file without a name. Raises OSError."""
        return tempfile.TemporaryFile(dir=self._directory, buffering=0)

    def claim(self, count: int) -> None:
        """Take `count` bytes of what is left. Raises Overloaded if that is less."""
        if self.used_bytes + count > self._limit_bytes:
            raise Overloaded(f"{self.used_bytes} bytes wait on disk")
        self.used_bytes += count

    def free(self, count: int) -> None:
        """Give `count` bytes back."""
        self.used_bytes -= count


class SpillFile:
    """Lines of one writer, given back in the order in which they came.

    Space is free again when the last line has been taken: a writer that catches up does so a hundred times faster than
    a call goes on.
    """

    def __init__(self, spill: Spill) -> None:
        self._spill = spill
        self._file: FileIO | None = None
        self._size = 0
        self._read = 0  # up to here lines have been taken into `_block`
        self._block: deque[bytes] = deque()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, line: bytes) -> None:
        """Write `line`, which holds no line break. Raises Overloaded if the disk can't take it."""
        data = line + b"\n"
        self._spill.claim(len(data))
        try:
            if self._file is None:
                self._file = self._spill.create()
            written = os.pwrite(self._file.fileno(), data, self._size)
        except OSError as error:
            self._spill.free(len(data))
            raise Overloaded(f"the disk takes nothing: {error.strerror}") from error
        if written < len(data):  # the disk is full; the next line overwrites this part
            self._spill.free(len(data))
            raise Overloaded("the disk is full")
        self._size += len(data)
        self._count += 1

    def take(self) -> bytes | None:
        """Return the oldest line, None if there is none.

        Raises OSError if the disk has gone bad; what was in the file is lost then.
        """
        if not self._count:
            return None
        if not self._block:
            self._fill()
        line = self._block.popleft()
        self._count -= 1
        if not self._count:
            self.close()
        return line

    def close(self) -> None:
        """Give the space back, with all that is left in it."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._spill.free(self._size)
        self._size = self._read = self._count = 0
        self._block.clear()

    def _fill(self) -> None:
        assert self._file is not None  # noqa: S101 - there is a line in it
        length = _BLOCK_BYTES
        while True:
            data = os.pread(self._file.fileno(), min(length, self._size - self._read), self._read)
            end = data.rfind(b"\n") + 1
            if end:
                break
            if self._read + length >= self._size:
                raise OSError("a line on disk has no end")
            length *= 2
        self._read += end
        self._block.extend(data[: end - 1].split(b"\n"))
