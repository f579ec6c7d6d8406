"""Recordings of calls: what was heard on the line from the moment they began.

Source: Twilio, Voice API, "Recordings resource". That their WAV is 16-bit PCM at 8000 Hz is what was seen.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from local.audio import RATE_HZ, Samples, mulaw_decode
from local.twilio.account import new_sid

SOURCE = "StartCallRecordingAPI"
EVENTS = frozenset({"in-progress", "completed", "absent"})
Status = Literal["in-progress", "processing", "completed", "absent"]

_PIECE_BYTES = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFaults:
    """What goes wrong with recordings, on demand; nothing by itself."""

    becomes: Status = "completed"
    """What a recording is once its call is over; `processing` for ever."""

    is_empty: bool = False
    """Its file has no byte."""

    other: tuple[bytes, bytes] | None = None
    """The tracks of another call, mu-law, which are in its file instead."""

    not_found_first: int = 0
    """How often its file is not there at first, though it is said to be."""

    callbacks: int = 1
    """How often its end is told: 0 for never."""


@dataclass(frozen=True, slots=True)
class RecordingRequest:
    """What a recording is asked to be."""

    channels: Literal[1, 2] = 1
    track: Literal["inbound", "outbound", "both"] = "both"
    status_callback: str | None = None
    status_callback_method: Literal["GET", "POST"] = "POST"
    events: frozenset[str] = frozenset({"completed"})


@dataclass(slots=True)
class Recording:
    """A recording of one call. Inbound is the parent call, and on the first channel of two."""

    call_sid: str
    request: RecordingRequest
    started_at_s: float
    faults: RecordingFaults = RecordingFaults()
    sid: str = field(default_factory=lambda: new_sid("RE"))
    status: Status = "in-progress"
    fetched: int = 0  # how often its file was asked for
    _inbound: bytearray = field(default_factory=bytearray)
    _outbound: bytearray = field(default_factory=bytearray)

    def hear(self, inbound: bytes, outbound: bytes) -> None:
        """Record a frame of each track."""
        self._inbound += inbound
        self._outbound += outbound

    def end(self) -> None:
        """The call is over."""
        self.status = self.faults.becomes

    @property
    def duration_s(self) -> int | None:
        """Whole seconds; None until it is over."""
        return round(len(self._inbound) / RATE_HZ) if self.status in ("processing", "completed") else None

    def wav(self, channels: Literal[1, 2]) -> tuple[int, Iterator[bytes]]:
        """Return the size of the file and its bytes, piece by piece."""
        if self.faults.is_empty:
            return 0, iter(())
        inbound, outbound = self.faults.other or (bytes(self._inbound), bytes(self._outbound))
        frames = max(len(inbound), len(outbound))
        size = frames * 2 * channels
        return 44 + size, _wav(inbound, outbound, channels=channels, size=size)

    def tells(self, event: str) -> int:
        """Return how often `event` is told to whoever asked for it."""
        if not self.request.status_callback or event not in self.request.events:
            return 0
        return 1 if event == "in-progress" else self.faults.callbacks


def requested_recording(form: Mapping[str, str]) -> RecordingRequest | None:
    """Return what a form asks for; None if a value in it is none of those there are."""
    channels = {"mono": 1, "dual": 2}.get(form.get("RecordingChannels") or "mono")
    track = form.get("RecordingTrack") or "both"
    trim = form.get("Trim") or "do-not-trim"
    events = frozenset((form.get("RecordingStatusCallbackEvent") or "completed").split())
    known = track in ("inbound", "outbound", "both") and trim in ("trim-silence", "do-not-trim") and events <= EVENTS
    if channels is None or not known:
        return None
    return RecordingRequest(
        channels=channels,  # type: ignore[arg-type]  # of the two above
        track=track,  # type: ignore[arg-type]
        status_callback=form.get("RecordingStatusCallback") or None,
        status_callback_method="GET" if form.get("RecordingStatusCallbackMethod", "").upper() == "GET" else "POST",
        events=events,
    )


def _wav(inbound: bytes, outbound: bytes, *, channels: int, size: int) -> Iterator[bytes]:
    width = 2 * channels
    yield b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt "
    yield struct.pack("<IHHIIHH", 16, 1, channels, RATE_HZ, RATE_HZ * width, width, 16)
    yield b"data" + struct.pack("<I", size)
    for at in range(0, max(len(inbound), len(outbound)), _PIECE_BYTES):
        end = min(at + _PIECE_BYTES, max(len(inbound), len(outbound)))
        first, second = (mulaw_decode(track[at:end].ljust(end - at, b"\xff")) for track in (inbound, outbound))
        yield _interleaved(first, second) if channels == 2 else _mixed(first, second)


def _interleaved(first: Samples, second: Samples) -> bytes:
    return np.stack([first, second], axis=1).astype("<i2").tobytes()


def _mixed(first: Samples, second: Samples) -> bytes:
    mixed: bytes = np.clip(first.astype(np.int32) + second, -32768, 32767).astype("<i2").tobytes()
    return mixed


class Recordings:
    """The recordings of an account's calls, in the order in which they began."""

    def __init__(self) -> None:
        self.faults = RecordingFaults()
        self._recordings: dict[str, Recording] = {}

    def start(self, call_sid: str, request: RecordingRequest, *, now_s: float) -> Recording:
        """Return a new recording, to be told what is heard from now on."""
        recording = Recording(call_sid, request, now_s, faults=self.faults)
        self._recordings[recording.sid] = recording
        return recording

    def get(self, sid: str) -> Recording | None:
        """Return the recording of that name."""
        return self._recordings.get(sid)

    def of(self, call_sid: str | None) -> list[Recording]:
        """Return the recordings of a call, or of all, the newest first."""
        return [each for each in reversed(self._recordings.values()) if call_sid in (None, each.call_sid)]

    def delete(self, sid: str) -> bool:
        """Forget a recording; return whether there was one."""
        return self._recordings.pop(sid, None) is not None
