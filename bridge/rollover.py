"""When one session hands over to the next, as none may last longer than three hours."""

from __future__ import annotations

from bridge.lull import Lull
from callscribe.audio_format import AudioFormat

# Gladia ends a session after three hours. Ten minutes before, another one is opened.
LIFETIME_S = 3 * 3600 - 600.0
# An open session to which no audio comes is dropped after about 30 s, so a pause in the talk is waited for no longer.
PATIENCE_S = 20.0
AGAIN_S = 60.0  # after a next session that was not granted


class Rollover:
    """The times of one lane's succession of sessions."""

    def __init__(self, channels: int, form: AudioFormat) -> None:
        self._channels = channels
        self._form = form
        self._lull = Lull(channels, form)
        self._due_at: float | None = None
        self.is_opening = False  # the next session has been asked for
        self._switch_by: float | None = None

    @property
    def deadline(self) -> float | None:
        """When to ask `is_due`; None while there is nothing to do."""
        return None if self.is_opening else self._due_at

    def is_due(self, now: float) -> bool:
        """Whether the next session is to be opened now."""
        return self.deadline is not None and self.deadline <= now

    def granted(self, *, now: float) -> None:
        """The current session begins its life."""
        self._due_at = now + LIFETIME_S

    def opening(self) -> None:
        """The next session has been asked for."""
        self.is_opening = True

    def ready(self, *, now: float) -> None:
        """The next session can be given audio."""
        if self._switch_by is None:
            self._switch_by = now + PATIENCE_S

    def failed(self, *, now: float) -> None:
        """The next session came to nothing."""
        self.is_opening, self._switch_by, self._due_at = False, None, now + AGAIN_S

    def switched(self, *, now: float) -> None:
        """The next session is the current one."""
        self.is_opening, self._switch_by, self._due_at = False, None, now + LIFETIME_S
        self._lull = Lull(self._channels, self._form)

    def end(self) -> None:
        """No audio comes any more."""
        self._due_at = self._switch_by = None

    def hear(self, chunk: bytes, *, now: float) -> bool:
        """Take the next chunk; return whether it should be the first of the next session."""
        if not self.is_opening:
            return False
        self._lull.hear(chunk)
        return self._switch_by is not None and (self._lull.is_now or now >= self._switch_by)
