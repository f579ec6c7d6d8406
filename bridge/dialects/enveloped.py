"""What is alike in dialects whose audio comes as base64 in JSON: a start, media of named tracks, digits, a stop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from bridge.dialects.events import Audio, Digit, Started, Stopped
from bridge.dialects.runs import MediaMessage, joined
from bridge.dialects.sequence import Sequence
from bridge.dialects.untimed import Question, is_name
from callscribe.errors import MalformedMessage, Refused


class Enveloped:
    """The order, the tracks and the audio of one media stream's messages, of which the dialect knows the shapes."""

    def __init__(self, dialect: str) -> None:
        """`dialect` is what errors name it."""
        self._dialect = dialect
        self._tracks: Mapping[str, str] = {}
        self._bytes_a_ms = 0  # once it has begun
        self._sequence = Sequence()
        self._stage: Literal["before", "streaming", "after"] = "before"

    def begin(self, started: Started, *, tracks: Mapping[str, str], number: int = 0) -> Started:
        """Return `started`, once. `tracks` are its tracks by what messages call them. Raises of kind `order`."""
        if self._stage != "before":
            raise self._malformed(f"start {self._stage} it", "order")
        self._sequence.begin(number)
        self._tracks = tracks
        self._bytes_a_ms = started.form.bytes_a_ms
        self._stage = "streaming"
        return started

    def note(self, what: str, number: int | None) -> None:
        """Take note that `what` came, which says nothing else. `number` is its own, if such have one.

        Raises MalformedMessage of kind `order`, as do all that take one.
        """
        if self._stage != "streaming":
            raise self._malformed(f"{what} {self._stage} it", "order")
        if number is not None and not self._sequence.is_new(number):
            raise self._malformed("a sequence number came again, or from afar", "order")

    def hear(self, track: str, media_ms: int, audio: bytes, *, number: int | None = None) -> Audio:
        """Return the audio of a message. Raises MalformedMessage of kind `order`, `track` or `length`."""
        self.note("media", number)
        party = self._tracks.get(track)
        if party is None:
            raise self._unannounced()
        if not audio or len(audio) % self._bytes_a_ms:
            # Carriers send whole milliseconds; anything else would shift all that follows.
            raise self._malformed(f"a frame of {len(audio)} bytes", "length")
        return Audio(party, media_ms, audio)

    def hear_run(self, messages: Iterable[MediaMessage]) -> tuple[list[Audio], int]:
        """Return the audio of the first of `messages`, and how many those are; what follows is for `hear`."""
        if self._stage != "streaming":
            return [], 0
        newest = self._sequence.newest
        pieces, count = joined(messages, self._tracks, newest=newest, bytes_a_ms=self._bytes_a_ms)
        self._sequence.newest = newest + count
        return pieces, count

    def press(self, track: str, digit: str, *, number: int | None = None) -> Digit:
        """Return the key that was pressed; no `track` stands for the first."""
        self.note("dtmf", number)
        party = self._tracks.get(track or next(iter(self._tracks)))
        if party is None:
            raise self._unannounced()
        return Digit(party, digit)

    def stop(self, *, number: int | None = None) -> Stopped:
        """Return that the carrier says it is over."""
        self.note("stop", number)
        self._stage = "after"
        return Stopped("stop")

    def cut(self, code: int | None) -> Stopped:
        """Return that the socket is over: before a stop, this is no proper end."""
        return Stopped("the media socket closed" if code is None else "the carrier closed the media socket")

    def _unannounced(self) -> MalformedMessage:
        return self._malformed("a track that was not announced", "track")

    def _malformed(self, what: str, kind: str) -> MalformedMessage:
        return MalformedMessage(f"{self._dialect}: {what}", kind=kind)


def call_of(question: Question, told: str, media_stream: str, *, dialect: str) -> str:
    """Return the call's name: the address's, or what the dialect has `told`. Raises Refused for what is no name."""
    call = question.call or told
    if not is_name(call) or not is_name(media_stream):
        raise Refused(f"{dialect}: what the call or its media stream is called is no name: give the address a call=")
    return call


def parties_of(announced: Iterable[str], question: Question, *, dialect: str) -> dict[str, str]:
    """Return who is heard on which of the tracks `announced`: as the address says, else by the track's own name.

    Raises Refused if the address names another number of them, MalformedMessage of kind `track` for unknown tracks.
    """
    found = list(announced)
    tracks = [track for track in ("inbound", "outbound") if track in found]
    if not found or sorted(found) != sorted(tracks):
        raise MalformedMessage(f"{dialect}: unknown tracks, or one twice", kind="track")
    parties = question.parties or tuple(tracks)
    if len(parties) != len(tracks):
        raise Refused(f"{dialect}: {' and '.join(tracks)} come, and the address names {len(parties)} in party=")
    return dict(zip(tracks, parties, strict=True))
