"""What senders do on bad days, by a seed: each kind its own, as seen on the wire or told in its issues."""

from __future__ import annotations

import random
from collections.abc import Sequence
from enum import Flag, auto
from typing import Final

from local.audio import mulaw_silence
from local.peers.call import Kind
from local.peers.peer import Message, Peer, text

_SILENT: Final = mulaw_silence(20)
# Audio that may come before the text that says what it is, in frames; about a second of it is kept.
_MOST_EARLY = 20


class Quirk(Flag):
    """One of them."""

    CUT = auto()  # messages of any length, whole samples
    EARLY = auto()  # audio before the text that begins the stream
    HOLES = auto()  # nothing at all while nobody speaks
    NOISE = auto()  # messages that make no sense, or are of no use, in between
    SWAPPED = auto()  # a message overtaken by the next one
    TWICE = auto()  # a message that comes again


_FORK = Quirk.HOLES | Quirk.NOISE
_NUMBERED = Quirk.NOISE | Quirk.SWAPPED | Quirk.TWICE
QUIRKS: Final[dict[Kind, Quirk]] = {
    Kind.ASTERISK: _FORK | Quirk.CUT | Quirk.EARLY,
    Kind.FREESWITCH: _FORK | Quirk.CUT | Quirk.EARLY,
    Kind.JAMBONZ: _FORK | Quirk.CUT,
    Kind.VONAGE: Quirk.HOLES | Quirk.NOISE,
    Kind.TELNYX: _NUMBERED,
    Kind.PLIVO: _NUMBERED,
    Kind.SIGNALWIRE: _NUMBERED,
    Kind.EXOTEL: Quirk.NOISE,
    Kind.BANDWIDTH: Quirk.NOISE,
    Kind.AUDIOHOOK: Quirk.NOISE,
}
# Texts that a bridge has to live with: of no use, cut off, or of another shape.
_NOISE: Final = ('{"event":"MEDIA_XOFF"}', "{", "[]", "null", '{"event":"media"}', "", '{"type":7}', "caf\u00e9")


class Quirky:
    """A sender with its kind's quirks."""

    def __init__(self, peer: Peer, quirks: Quirk, seed: int) -> None:
        self.target = peer.target
        self.noise = 0  # messages of no use that were sent
        self._peer = peer
        self._chance = random.Random(seed)  # noqa: S311 - a simulated peer's
        self._quirks = Quirk(0)
        for quirk in quirks:
            if self._chance.random() < 0.7:
                self._quirks |= quirk
        self._sample_bytes = 2 * max(1, len(getattr(peer, "parties", ())))
        self._late: Sequence[Message] = ()  # what begins the stream, while audio comes first
        self._early = 0
        self._cut = b""
        self._held: Message | None = None

    def opening(self) -> Sequence[Message]:
        """Return what it begins with: nothing, if audio comes first."""
        opening = self._peer.opening()
        if Quirk.EARLY in self._quirks:
            self._late, self._early = opening, self._chance.randrange(1, _MOST_EARLY)
            return ()
        return opening

    def answered(self, content: str) -> Sequence[Message]:
        """Return what it answers."""
        return self._peer.answered(content)

    def frame(self, media_ms: int, sides: Sequence[bytes]) -> Sequence[Message]:
        """Return what is sent of 20 ms of each side."""
        if Quirk.HOLES in self._quirks and not self._late and all(side == _SILENT for side in sides):
            return [*self._rest(), *self._noise()]
        messages = self._bent(self._peer.frame(media_ms, sides))
        if self._late and media_ms >= 20 * self._early:
            messages = [*self._late, *messages]
            self._late = ()
        return [*messages, *self._noise()]

    def closing(self) -> Sequence[Message]:
        """Return what it ends with."""
        return [*self._late, *self._rest(), *self._peer.closing()]

    def _bent(self, messages: Sequence[Message]) -> list[Message]:
        if Quirk.CUT in self._quirks:
            self._cut += b"".join(message.content for message in messages)
            pieces = []
            while len(self._cut) >= (length := self._chance.randrange(20, 240) * self._sample_bytes):
                pieces.append(Message(self._cut[:length]))
                self._cut = self._cut[length:]
            return pieces
        out: list[Message] = []
        for message in messages:
            if self._held is not None:
                out += [message, self._held]
                self._held = None
            elif Quirk.SWAPPED in self._quirks and self._chance.random() < 0.1:
                self._held = message
            else:
                out.append(message)
            if Quirk.TWICE in self._quirks and out and self._chance.random() < 0.05:
                out.append(out[-1])
        return out

    def _rest(self) -> list[Message]:
        """Return what was held back."""
        held = [] if self._held is None else [self._held]
        cut = [Message(self._cut)] if self._cut else []
        self._held, self._cut = None, b""
        return [*held, *cut]

    def _noise(self) -> list[Message]:
        if Quirk.NOISE not in self._quirks or self._late or self._chance.random() >= 0.05:
            return []
        self.noise += 1
        return [text(self._chance.choice(_NOISE))]
