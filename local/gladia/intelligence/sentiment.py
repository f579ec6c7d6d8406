"""How each sentence of an utterance sounds, by a list of words that are glad or not.

The words for it are Gladia's. Source: Gladia, documentation, "Sentiment and Emotion Analysis".
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final, Literal

from msgspec import UNSET, Struct, UnsetType

from local.gladia.intelligence.wording import Wording
from local.gladia.messages import Utterance

LANGUAGE: Final = "en"  # of the list
Sound = Literal["positive", "negative", "neutral", "mixed", "unknown"]


class Sentiment(Struct, frozen=True):
    """How one sentence sounds; times in seconds. Who says it is known only where voices were told apart."""

    sentiment: Sound
    emotion: str
    text: str
    start: float
    end: float
    channel: int
    speaker: int | UnsetType = UNSET


_GLAD: Final = {
    "adoration": "love loves loved adore adorable",
    "amusement": "funny hilarious fun laughing",
    "awe": "amazing incredible awesome stunning magnificent",
    "contentment": (
        "good great fine nice happy pleased glad satisfied perfect excellent wonderful lovely pleasant comfortable "
        "helpful thank thanks grateful appreciate appreciated welcome"
    ),
    "ecstatic": "ecstatic thrilled overjoyed",
    "elation": "delighted excited fantastic brilliant superb best",
    "interest": "interesting interested curious",
    "relief": "relieved relief solved fixed sorted resolved",
    "positive_surprise": "wow surprisingly",
    "sympathy": "sympathise sympathize condolences",
    "triumph": "won victory congratulations",
}
_SAD: Final = {
    "anger": "angry furious outrageous unacceptable ridiculous annoyed annoying mad hate hated",
    "confusion": "confused confusing unclear",
    "contempt": "useless pathetic incompetent joke",
    "disappointment": (
        "disappointed disappointing disappointment bad poor worse worst unhappy unfortunately dissatisfied broken "
        "fails failed failing late delayed missing wrong problem problems trouble complaint complain refused"
    ),
    "disgust": "disgusting disgusted awful horrible terrible nasty",
    "distress": "frustrated frustrating upset stressed desperate stuck lost stolen urgent emergency",
    "embarrassment": "embarrassed embarrassing ashamed",
    "fear": "afraid scared worried worry worrying frightened anxious",
    "pain": "pain painful hurt hurts hurting",
    "sadness": "sad unhappily crying died lonely",
    "negative_surprise": "shocked shocking unbelievable",
}
_FEELINGS: Final = {word: (-1, emotion) for emotion, words in _SAD.items() for word in words.split()} | {
    word: (1, emotion) for emotion, words in _GLAD.items() for word in words.split()
}
# "Not happy" is disappointed, "no problem" and "not bad" are content.
_TURNED: Final = {1: (-1, "disappointment"), -1: (1, "contentment")}
_NOT: Final = frozenset(
    {"not", "no", "never", "without", "isn't", "wasn't", "aren't", "don't", "doesn't", "didn't", "can't", "won't"}
)
_REACH: Final = 3  # how many words before a feeling may turn it
_GREETING: Final = re.compile(r"\bgood (?:morning|afternoon|evening|night|day|bye)\b")
_WORD: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def sentiments(utterance: Utterance, speaker: int | None = None) -> list[Sentiment]:
    """Return how an utterance sounds, sentence by sentence."""
    wording = Wording(utterance)
    found = []
    for start, end in wording.sentences():
        text = wording.text[start:end]
        sentiment, emotion = _sound(text, utterance.language)
        begins, ends = wording.times(start, end)
        who = UNSET if speaker is None else speaker
        found.append(Sentiment(sentiment, emotion, text, begins, ends, utterance.channel, who))
    return found


def _sound(text: str, language: str) -> tuple[Sound, str]:
    """Return how a sentence sounds, and the feeling that most of its words have; the first one of those there are."""
    if language != LANGUAGE:
        return "unknown", "neutral"
    plain = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    felt = list(_feelings(_WORD.findall(_GREETING.sub("", plain))))
    if not felt:
        return "neutral", "neutral"
    signs = {sign for sign, _ in felt}
    ((emotion, _),) = Counter(emotion for _, emotion in felt).most_common(1)
    if len(signs) == 2:
        return "mixed", emotion
    return ("positive" if signs == {1} else "negative"), emotion


def _feelings(words: list[str]) -> Iterator[tuple[int, str]]:
    for place, word in enumerate(words):
        if word in _FEELINGS:
            sign, emotion = _FEELINGS[word]
            is_turned = not _NOT.isdisjoint(words[max(0, place - _REACH) : place])
            yield _TURNED[sign] if is_turned else (sign, emotion)
