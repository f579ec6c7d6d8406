"""Which speech is the same as some that is known, told by its channel and time."""

from __future__ import annotations

from bisect import bisect_right, insort

from callscribe.gladia_transcript import Speech


def same_speech(one: Speech, other: Speech) -> bool:
    """Return whether both are the same words of the same party: they share at least half of the shorter one's time.

    Utterances of one channel follow each other, so that two of them share no more than the inaccuracy of their ends.
    """
    if one.channel != other.channel:
        return False
    shared_s = min(one.end, other.end) - max(one.start, other.start)
    return shared_s >= 0 and shared_s >= min(one.end - one.start, other.end - other.start) / 2


class Spoken:
    """Speech that is known; each is only held to its neighbours, as a call of three hours has thousands."""

    def __init__(self) -> None:
        self._by_channel: dict[int, list[tuple[float, int]]] = {}
        self._all: list[Speech] = []
        self._longest_s = 0.0

    def add(self, speech: Speech) -> None:
        """Know `speech` from now on."""
        insort(self._by_channel.setdefault(speech.channel, []), (speech.start, len(self._all)))
        self._all.append(speech)
        self._longest_s = max(self._longest_s, speech.end - speech.start)

    def __contains__(self, speech: Speech) -> bool:
        """Return whether `speech` is the same as some that is known."""
        starts = self._by_channel.get(speech.channel, [])
        for start, number in reversed(starts[: bisect_right(starts, (speech.end, len(self._all)))]):
            if start < speech.start - self._longest_s:
                return False
            if same_speech(speech, self._all[number]):
                return True
        return False
