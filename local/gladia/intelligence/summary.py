"""A summary of what was said, made of its own sentences: the first one, and those most like all of it."""

from collections import Counter
from collections.abc import Sequence
from math import sqrt
from typing import Final, Literal

from callscribe.searchable import words
from callscribe.stop_words import STOP_WORDS
from local.gladia.intelligence.wording import Wording
from local.gladia.messages import Utterance

Kind = Literal["general", "bullet_points", "concise"]

SENTENCES: Final[dict[Kind, int]] = {"general": 4, "bullet_points": 5, "concise": 2}
LEAST_WORDS: Final = 3  # telling ones; what has fewer says little by itself


def summary(said: Sequence[Utterance], kind: Kind = "general") -> str:
    """Return a summary of what was said, which is in the order of speech; blank if nothing was."""
    sentences = [wording.text[start:end] for wording in map(Wording, said) for start, end in wording.sentences()]
    telling = [each for each in sentences if sum(_terms(each).values()) >= LEAST_WORDS] or sentences
    chosen = [telling[place] for place in _chosen(telling, SENTENCES[kind])]
    if kind == "bullet_points":
        return "\n".join(f"- {sentence}" for sentence in chosen)
    return " ".join(chosen)


def _chosen(sentences: Sequence[str], most: int) -> list[int]:
    """Return the places of the first sentence and of the most central ones, in order."""
    terms = [_terms(sentence) for sentence in sentences]
    whole: Counter[str] = Counter()
    for each in terms:
        whole.update(each)
    central = sorted(range(1, len(sentences)), key=lambda place: -_centrality(terms[place], whole))
    return sorted([*range(min(1, len(sentences))), *central[: most - 1]])


def _terms(sentence: str) -> Counter[str]:
    return Counter(word for word in words(sentence) if word not in _LITTLE)


def _centrality(one: Counter[str], whole: Counter[str]) -> float:
    """Return how like the whole a sentence is: the cosine of their counts, but for the whole's length."""
    common = sum(count * whole[word] for word, count in one.items())
    return common / sqrt(sum(count * count for count in one.values())) if common else 0.0


_LITTLE: Final = STOP_WORDS["en"]
