"""How a client follows a call: entries arrive in any order, twice or late; they come out as in the log."""

from __future__ import annotations

from callscribe.entries import Entry


class Following:
    """One call as one client has seen it."""

    def __init__(self, *, after: int = 0) -> None:
        """Begin after entry number `after`: 0 for the whole log."""
        self._seen = after
        self._early: dict[int, Entry] = {}

    @property
    def seen(self) -> int:
        """The number of the last entry that was given out; resume from here after a lost connection."""
        return self._seen

    @property
    def has_hole(self) -> bool:
        """Whether entries are missing before some that have arrived; ask for a replay after `seen`."""
        return bool(self._early)

    def receive(self, entry: Entry) -> list[Entry]:
        """Take `entry` in and return the entries that can now be given out, in order; none for one already seen."""
        if entry.seq > self._seen:
            self._early[entry.seq] = entry
        ready: list[Entry] = []
        while (following := self._early.pop(self._seen + 1, None)) is not None:
            ready.append(following)
            self._seen += 1
        return ready
