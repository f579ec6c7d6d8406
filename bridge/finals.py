"""What a session has recognised, until it is certain where in its audio that was said."""

from __future__ import annotations

from typing import Any, TypeAlias

from bridge import gladia
from bridge.gladia_analysis import Analysis
from callscribe.gladia_transcript import Transcript

Final: TypeAlias = Transcript | Analysis
"""A final, or what an add-on found in one, which comes after it and is told after it."""


class Finals:
    """The finals of audio that Gladia has not acknowledged yet.

    A session that did not take a chunk of audio gives all words after it an earlier time, and another session hears
    that audio again. The refusal comes in the acknowledgement's stead: until then a final is not to be told.
    Acknowledgements come at once, and words after them, so that nothing waits but what has to.
    """

    def __init__(self, request: dict[str, Any]) -> None:
        """`request` has opened the session."""
        self._request = request
        self._held: list[tuple[int, Final]] = []
        self.until = 0  # finals came up to this position of the session's audio

    def add(self, final: Final, *, sent: int) -> None:
        """Take in a final of a session that was sent its audio up to position `sent`."""
        position = min(gladia.position(final.utterance.end, self._request), sent)
        self.until = max(self.until, position)
        self._held.append((position, final))

    def certain(self, acknowledged: int) -> list[Final]:
        """Return, once, those whose audio was acknowledged, in the order in which they came."""
        if not self._held:
            return []
        certain = [final for position, final in self._held if position <= acknowledged]
        self._held = [(position, final) for position, final in self._held if position > acknowledged]
        return certain

    def rest(self) -> list[Final]:
        """Return, once, all others: no acknowledgement comes any more, nor a refusal."""
        rest = [final for _, final in self._held]
        self._held.clear()
        return rest
