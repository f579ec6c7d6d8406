"""Entries that were decided and are not yet written to the log: in memory, then on disk, in order and bounded."""

from __future__ import annotations

from collections import deque

import msgspec
from msgspec import Struct

from bridge.spill import SpillFile
from callscribe.entries import Body, decode_body, encode_body, kind_of
from callscribe.errors import Overloaded

# Some 100 utterances of ten words, which is two minutes of talk; 130 calls hold 8.5 MB at the most, and as much again
# where they read from the disk.
LIMIT_BYTES = 64 * 1024
# What closes a leg is kept even above the bound, which a call exceeds by some hundred bytes then: without it the call
# would never be over for whoever reads the log.
LAST_KINDS = frozenset({"leg.ended", "call.failed"})


class Due(Struct, frozen=True, kw_only=True):
    """One entry as it waits: a line of JSON, in memory as on disk."""

    kind: str
    body: msgspec.Raw
    token: str
    at: str  # as in the log
    since_s: float  # when it was decided, by the event loop's clock

    @classmethod
    def of(cls, body: Body, *, token: str, at: str, since_s: float) -> Due:
        """Return `body` as it waits."""
        return cls(kind=kind_of(body), body=msgspec.Raw(encode_body(body)), token=token, at=at, since_s=since_s)

    def entry(self) -> Body:
        """Return the body that waits."""
        return decode_body(self.kind, bytes(self.body))


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Due).decode


class Unwritten:
    """The entries of one writer: `first` is due, `settle` goes on to the next."""

    def __init__(self, disk: SpillFile | None, *, limit_bytes: int = LIMIT_BYTES) -> None:
        """`limit_bytes` bounds what is held in memory; without a `disk` there is nothing beyond it."""
        self._disk = disk
        self._limit_bytes = limit_bytes
        self._lines: deque[bytes] = deque()
        self._bytes = 0
        self._last: deque[bytes] = deque()
        self._first: Due | None = None
        self.spilled = 0  # entries that went to the disk
        self.lost = 0  # entries that found no place, or whose place went bad

    def __len__(self) -> int:
        return (self._first is not None) + len(self._lines) + len(self._disk or ()) + len(self._last)

    def append(self, due: Due) -> bool:
        """Keep `due` behind all others; return False if there is no place for it."""
        line = _encode(due)
        if not self._disk and (not self._lines or self._bytes + len(line) <= self._limit_bytes):
            self._lines.append(line)
            self._bytes += len(line)
            return True
        try:
            if self._disk is None:
                raise Overloaded("no disk")  # noqa: TRY301 - the same as a full one
            self._disk.append(line)
        except Overloaded:
            if due.kind in LAST_KINDS:
                self._last.append(line)
                return True
            self.lost += 1
            return False
        self.spilled += 1
        return True

    @property
    def first(self) -> Due | None:
        """The entry that is to be written next."""
        if self._first is None and (line := self._next()) is not None:
            self._first = _decode(line)
        return self._first

    def settle(self) -> None:
        """Go on: the first one is written, or never will be."""
        self._first = None

    def close(self) -> int:
        """Give up what is left; return how many entries that is."""
        left = len(self)
        self._first = None
        self._lines.clear()
        self._last.clear()
        if self._disk is not None:
            self._disk.close()
        return left

    def _next(self) -> bytes | None:
        if self._lines:
            line = self._lines.popleft()
            self._bytes -= len(line)
            return line
        if self._disk:
            try:
                return self._disk.take()
            except OSError:
                self.lost += len(self._disk)
                self._disk.close()
        return self._last.popleft() if self._last else None
