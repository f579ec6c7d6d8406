"""Packets that came at once, joined where they follow one another: so that what comes after has less to take in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from msgspec import Struct

from bridge.dialects.events import Audio
from callscribe.decoding import NO_MESSAGE


class Media(Protocol):
    """The audio in a message."""

    @property
    def track(self) -> str:
        """What messages call its track."""

    @property
    def timestamp(self) -> int:
        """Milliseconds since the media stream began."""

    @property
    def payload(self) -> bytes:
        """The audio itself."""


class MediaMessage(Protocol):
    """A message that is nothing but audio, in a dialect that numbers messages."""

    @property
    def sequence_number(self) -> int:
        """One more than that of the message before it."""

    @property
    def media(self) -> Media:
        """The audio."""


class _Run(Struct, gc=False):
    """Packets of one length of one track, each of which begins where the one before it ends."""

    track: str
    media_ms: int
    end_ms: int
    size: int
    packets: list[bytes]


def joined(
    messages: Iterable[MediaMessage], tracks: Mapping[str, str], *, newest: int, bytes_a_ms: int
) -> tuple[list[Audio], int]:
    """Return the audio of `messages` up to the first that is not in order, and how many that are.

    In order are those whose numbers follow `newest` one by one, on one of `tracks` (by what messages call them), of
    whole milliseconds; what `messages` can't decode ends them too. None is asked for behind the first that is not: who
    sends many of those must not have each decoded again for each. Pieces come in the order in which they begin.
    """
    runs: list[_Run] = []
    last: dict[str, _Run] = {}  # of each track
    number = newest
    try:
        for message in messages:
            media = message.media
            audio, size, run = media.payload, len(media.payload), last.get(media.track)
            if message.sequence_number != number + 1:
                break
            if run is not None and run.end_ms == media.timestamp and run.size == size:
                run.packets.append(audio)
            elif media.track in tracks and size and not size % bytes_a_ms:
                run = _Run(tracks[media.track], media.timestamp, 0, size, [audio])
                last[media.track] = run
                runs.append(run)
            else:
                break
            run.end_ms = media.timestamp + size // bytes_a_ms
            number += 1
    except NO_MESSAGE:
        pass
    pieces = [Audio(run.track, run.media_ms, b"".join(run.packets), len(run.packets)) for run in runs]
    return pieces, number - newest
