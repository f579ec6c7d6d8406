"""The words of an utterance as one text, with the time of every part of it, and cut into sentences."""

import re
from collections.abc import Iterator

from local.gladia.messages import Utterance

# Between sentences: after what ends one, unless that is the point of a title or of a single letter.
_BETWEEN = re.compile(r"(?<=[.!?…])(?<!\bMr\.)(?<!\bMs\.)(?<!\bDr\.)(?<!\bSt\.)(?<!\bMrs\.)(?<!\b[A-Za-z]\.)\s+(?=\S)")


class Wording:
    """What an utterance says, without the space that leads it."""

    def __init__(self, utterance: Utterance) -> None:
        self.utterance = utterance
        joined = "".join(word.word for word in utterance.words) or utterance.text
        self.text = joined.strip()
        self._ends: list[int] = []  # of each word, in characters of the text
        end = len(joined.lstrip()) - len(joined)
        for word in utterance.words:
            end += len(word.word)
            self._ends.append(end)

    def times(self, start: int, end: int) -> tuple[float, float]:
        """Return from when to when the characters from `start` to `end` were said: whole words, in seconds.

        An utterance that tells no words is one long word.
        """
        said = [
            word
            for word, begins, ends in zip(self.utterance.words, [0, *self._ends], self._ends, strict=False)
            if begins < end and ends > start
        ]
        if not said:
            return self.utterance.start, self.utterance.end
        return said[0].start, said[-1].end

    def sentences(self) -> Iterator[tuple[int, int]]:
        """Yield where each sentence begins and ends."""
        start = 0
        for gap in _BETWEEN.finditer(self.text):
            yield start, gap.start()
            start = gap.end()
        if start < len(self.text):
            yield start, len(self.text)
