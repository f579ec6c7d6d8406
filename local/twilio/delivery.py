"""What one media stream puts on its socket: the call's frames, as the faults in its script leave them.

Sans-I/O: frames in, effects out. Without a script each frame is one message at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

from local.twilio.admission import Track
from local.twilio.faults import (
    Death,
    Drift,
    Ending,
    Fault,
    Gap,
    Jump,
    Late,
    Malformed,
    Parting,
    Recut,
    Repeat,
    Script,
    SecondStream,
    Stall,
    stamp_ms,
)
from local.twilio.line import FRAME_BYTES, FRAME_MS
from local.twilio.malformed import malformed
from local.twilio.mediastream import MediaStream
from local.twilio.spans import Span, united

_BYTES_A_MS = FRAME_BYTES // FRAME_MS


@dataclass(frozen=True, slots=True)
class Piece:
    """Audio for one message; usually a frame."""

    track: Track
    span: Span
    audio: bytes


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message now."""

    text: str
    piece: Piece | None  # the audio in it, if it holds any of the call's


@dataclass(frozen=True, slots=True)
class Part:
    """End the connection, or leave it."""

    how: Parting


@dataclass(frozen=True, slots=True)
class StartAnother:
    """Open another media stream like this one."""


Effect = Send | Part | StartAnother
_Timed = Malformed | SecondStream | Death


class Delivery:
    """The messages of one media stream in the order they are sent, after `opening`."""

    def __init__(self, messages: MediaStream, tracks: tuple[Track, ...], script: Script = ()) -> None:
        self._messages = messages
        self._tracks = tracks
        self._script = script
        self._injected: set[Fault] = set()
        self._timed = sorted((f for f in script if isinstance(f, Malformed | SecondStream | Death)), key=_at_ms)
        self._cutters = {track: _Cutter(track) for track in tracks}
        self._late: list[tuple[int, Send | Piece]] = []  # due from this media time on; a Piece is numbered then
        self._stalled: list[Send] = []
        self._dead = False

    @property
    def injected(self) -> Script:
        """The faults that have come to pass, in the order of the script."""
        return tuple(fault for fault in self._script if fault in self._injected)

    def hear(self, media_ms: int, audio: Mapping[Track, bytes]) -> list[Effect]:
        """Return what to do when a frame of each track was heard at `media_ms`."""
        if self._dead:
            return []
        if not self._script:
            return [
                self._spell(Piece(track, Span(media_ms, media_ms + FRAME_MS), audio[track])) for track in self._tracks
            ]
        effects: list[Effect] = []
        while self._timed and self._timed[0].at_ms <= media_ms:
            effects += self._befall(self._timed.pop(0), media_ms)
            if self._dead:
                return effects
        for track in self._tracks:
            for piece in self._pieces(track, media_ms, audio[track]):
                effects += self._disturb(piece)
        effects += self._overdue(media_ms)
        if self._is_stalled(media_ms):
            self._stalled += [effect for effect in effects if isinstance(effect, Send)]
            return [effect for effect in effects if not isinstance(effect, Send)]
        held, self._stalled = self._stalled, []
        return [*held, *effects]

    def end(self) -> list[Effect]:
        """Return what to do at the media stream's end: all that was held back, `stop`, a close."""
        if self._dead:
            return [Part("nothing")]  # it was left open, and still is
        effects: list[Effect] = [*self._stalled]
        for cutter in self._cutters.values():
            for piece in cutter.flush():
                effects += self._disturb(piece)
        effects += self._overdue(None)
        how = next((fault.how for fault in self._script if isinstance(fault, Ending)), None)
        self._injected.update(fault for fault in self._script if isinstance(fault, Ending))
        self._dead = True
        match how:
            case None:
                return [*effects, Send(self._messages.stop(), None), Part("close")]
            case "stop_twice":
                stops = [Send(self._messages.stop(), None) for _ in range(2)]
                return [*effects, *stops, Part("close")]
            case _:
                return [*effects, Part(how)]

    def as_stamped(self, lost: Sequence[Span], *, end_ms: int) -> tuple[Span, ...]:
        """Return the spans of `lost` as timestamps show them, less the first, with the holes that jumps have left."""
        origin_ms = self._stamp_ms(0)
        shown = [Span(self._stamp_ms(span.start_ms), self._stamp_ms(span.end_ms)) for span in lost]
        for fault in self._script:
            if isinstance(fault, Jump) and 0 < fault.at_ms < end_ms:
                after_ms = self._stamp_ms(fault.at_ms)
                shown.append(Span(after_ms - fault.by_ms, after_ms))
        return united(span.shifted(-origin_ms) for span in shown)

    def _stamp_ms(self, media_ms: int) -> int:
        return stamp_ms(media_ms, self._script) if self._script else media_ms

    def _spell(self, piece: Piece) -> Send:
        at_ms = self._stamp_ms(piece.span.start_ms)
        return Send(self._messages.media(piece.track, at_ms, piece.audio), piece)

    def _befall(self, fault: _Timed, media_ms: int) -> list[Effect]:
        self._injected.add(fault)
        match fault:
            case Malformed(kind=kind):
                return [Send(malformed(kind, self._messages, self._tracks[0], self._stamp_ms(media_ms)), None)]
            case SecondStream():
                return [StartAnother()]
            case Death(how=how):
                self._dead = True
                return [Part(how)]

    def _pieces(self, track: Track, media_ms: int, audio: bytes) -> Iterator[Piece]:
        """Yield the audio that is ready to be sent, if it is to be sent at all."""
        cutter, sizes_ms = self._cutters[track], None
        for fault in self._script:
            match fault:
                case Gap() if fault.covers(track, media_ms):
                    self._injected.add(fault)
                    yield from cutter.flush()
                    return
                case Recut() if fault.covers(track, media_ms):
                    self._injected.add(fault)
                    sizes_ms = fault.sizes_ms
                case Drift():
                    self._injected.add(fault)
                case Jump(at_ms=at_ms) if at_ms <= media_ms:
                    self._injected.add(fault)
                    if media_ms - FRAME_MS < at_ms:
                        yield from cutter.flush()  # one timestamp can't tell of a jump in the middle of a message
                case _:
                    pass
        yield from cutter.cut(media_ms, audio, sizes_ms)

    def _disturb(self, piece: Piece) -> list[Effect]:
        """Return `piece` as a message, as several, or keep it for later."""
        for fault in self._script:
            if not isinstance(fault, Late | Repeat) or fault.track != piece.track:
                continue
            if not piece.span.start_ms <= fault.at_ms < piece.span.end_ms:
                continue
            self._injected.add(fault)
            if isinstance(fault, Late):
                self._late.append((fault.at_ms + fault.by_ms, piece if fault.renumbered else self._spell(piece)))
                return []
            first = self._spell(piece)
            return [first, *(self._spell(piece) if fault.renumbered else first for _ in range(fault.times))]
        return [self._spell(piece)]

    def _overdue(self, media_ms: int | None) -> list[Effect]:
        """Return what was late and is due at `media_ms`, or all of it."""
        due = [what for due_ms, what in self._late if media_ms is None or due_ms <= media_ms]
        self._late = [(due_ms, what) for due_ms, what in self._late if media_ms is not None and due_ms > media_ms]
        return [self._spell(what) if isinstance(what, Piece) else what for what in due]

    def _is_stalled(self, media_ms: int) -> bool:
        stalls = [f for f in self._script if isinstance(f, Stall) and f.at_ms <= media_ms < f.at_ms + f.length_ms]
        self._injected.update(stalls)
        return bool(stalls)


class _Cutter:
    """Cuts one track's frames into pieces of other sizes."""

    def __init__(self, track: Track) -> None:
        self._track = track
        self._audio = b""
        self._start_ms = 0
        self._sizes: tuple[int, ...] | None = None
        self._next = iter(cycle((0,)))
        self._size_ms = 0

    def cut(self, media_ms: int, audio: bytes, sizes_ms: tuple[int, ...] | None) -> Iterator[Piece]:
        """Yield the pieces that `audio` completes; frames stay as they are without `sizes_ms`."""
        if sizes_ms != self._sizes or self._start_ms + len(self._audio) // _BYTES_A_MS != media_ms:
            yield from self.flush()
        if sizes_ms is None:
            self._sizes = None
            yield Piece(self._track, Span(media_ms, media_ms + FRAME_MS), audio)
            return
        if sizes_ms != self._sizes:
            self._sizes, self._next = sizes_ms, cycle(sizes_ms)
            self._size_ms = next(self._next)
        if not self._audio:
            self._start_ms = media_ms
        self._audio += audio
        while len(self._audio) >= self._size_ms * _BYTES_A_MS:
            yield self._take(self._size_ms * _BYTES_A_MS)
            self._size_ms = next(self._next)

    def flush(self) -> Iterator[Piece]:
        """Yield what waits for more."""
        if self._audio:
            yield self._take(len(self._audio))

    def _take(self, count: int) -> Piece:
        start_ms, audio, self._audio = self._start_ms, self._audio[:count], self._audio[count:]
        self._start_ms += count // _BYTES_A_MS
        return Piece(self._track, Span(start_ms, self._start_ms), audio)


def _at_ms(fault: _Timed) -> int:
    return fault.at_ms
