"""The audio of one Gladia session: what of it has certainly arrived, and what was recognised in it."""

from __future__ import annotations

from typing import Any

from bridge import gladia
from bridge.backlog import Backlog
from bridge.finals import Final, Finals


class SessionAudio:
    """Positions are bytes of all channels since the session began, as in Gladia's acknowledgements."""

    def __init__(self, request: dict[str, Any], *, limit_bytes: int) -> None:
        """`request` opens the session; `limit_bytes` bounds what is kept of audio that was not acknowledged."""
        self._frame_bytes = gladia.frame_bytes(request)
        self._backlog = Backlog(limit_bytes=limit_bytes, frame_bytes=self._frame_bytes)
        self._finals = Finals(request)
        self._waits_since: float | None = None  # audio was sent of which nothing has been acknowledged
        self.is_located = True  # whether positions are the session's own
        self.is_parted = False  # another session hears what follows what was acknowledged

    @property
    def sent(self) -> int:
        """The position up to which it went out on a socket at least once."""
        return self._backlog.sent

    @property
    def acknowledged(self) -> int:
        """The position up to which Gladia has it."""
        return self._backlog.acknowledged

    @property
    def end(self) -> int:
        """The position after the last of it."""
        return self._backlog.end

    @property
    def is_uncertain(self) -> bool:
        """Whether some of it was sent, and nobody knows whether it arrived."""
        return not self.is_located or self.acknowledged < self.sent

    @property
    def middle(self) -> int:
        """The position after the older half of what was not acknowledged, a whole sample of every channel."""
        middle = self.acknowledged + (self.end - self.acknowledged) // 2
        return middle - middle % self._frame_bytes

    def take_over(self, audio: bytes, *, acknowledged: int | None) -> None:
        """Go on with what another process had sent; `acknowledged` is None if only Gladia knows how much arrived."""
        self.is_located = acknowledged is not None
        self._backlog.begin(acknowledged or 0)
        self._backlog.append(audio)
        self._backlog.send()  # as far as anyone knows

    def has_room(self, count: int) -> bool:
        """Whether `count` bytes more may be kept."""
        return self._backlog.has_room(count)

    def append(self, audio: bytes) -> None:
        """Keep `audio` until it is acknowledged."""
        self._backlog.append(audio)

    def send(self, now: float) -> None:
        """Take note that all of it has been sent."""
        self._backlog.send()
        if self._waits_since is None and self.is_uncertain:
            self._waits_since = now

    def pieces(self) -> list[bytes]:
        """Return what has to be sent again, in parts that Gladia takes."""
        return [] if self.is_parted else self._backlog.pieces()

    def unacknowledged(self, *, since: int = 0) -> bytes:
        """Return the audio from position `since` on that Gladia does not say it has."""
        return self._backlog.unacknowledged()[max(0, since - self.acknowledged) :]

    def acknowledge(self, end: int, *, now: float) -> None:
        """Take Gladia's word that it has everything up to `end`."""
        if self.is_located:
            self._backlog.acknowledge(end)
            self._waits_since = now if self.is_uncertain else None

    def acknowledge_sent(self) -> None:
        """Take it that all that was sent has arrived."""
        self._backlog.acknowledge(self.sent)

    def locate(self, position: int) -> None:
        """Take Gladia's word for how far the session's audio goes."""
        if not self.is_located:
            self.is_located = True
            self._backlog.begin(position)
            self._backlog.send()
        elif self.acknowledged <= position <= self.sent:
            self._backlog.acknowledge(position)

    def recognise(self, final: Final) -> None:
        """Take in what was recognised, until it is certain where that was said."""
        self._finals.add(final, sent=self.sent)

    def certain(self, *, now: float, patience_s: float) -> list[Final]:
        """Return, once, the finals of which it is certain where they were said.

        Where no acknowledgement has come for `patience_s`, none do, and words stand for them.
        """
        if self._waits_since is not None and now - self._waits_since >= patience_s:
            self._acknowledge_recognised()
        return self._finals.certain(self.acknowledged)

    def settle(self) -> list[Final]:
        """Return, once, the finals that waited: no acknowledgement comes any more, nor a refusal."""
        self._acknowledge_recognised()
        return self.rest()

    def rest(self) -> list[Final]:
        """Return, once, the finals that waited, whatever has arrived."""
        return self._finals.rest()

    def _acknowledge_recognised(self) -> None:
        """Take it that what was recognised has arrived."""
        if self.is_located and not self.is_parted:
            self._backlog.acknowledge(self._finals.until)
