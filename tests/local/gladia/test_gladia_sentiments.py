"""How sentences sound, by their words."""

import msgspec
import pytest

from local.gladia.intelligence.sentiment import Sentiment, sentiments
from tests.local.gladia.test_gladia_entities import utterance

# Gladia, documentation, "Sentiment and Emotion Analysis", "Possible values".
EMOTIONS = {
    "adoration", "amusement", "anger", "awe", "confusion", "contempt", "contentment", "desire", "disappointment",
    "disgust", "distress", "ecstatic", "elation", "embarrassment", "fear", "interest", "pain", "realization", "relief",
    "sadness", "negative_surprise", "positive_surprise", "sympathy", "triumph", "neutral",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "sentiment", "emotion"),
    [
        ("That is great, thank you.", "positive", "contentment"),
        ("I love it!", "positive", "adoration"),
        ("I am furious.", "negative", "anger"),
        ("It is broken and I am frustrated and stuck.", "negative", "distress"),
        ("I'm not happy with this.", "negative", "disappointment"),
        ("Not bad at all.", "positive", "contentment"),
        ("I like the room, it's lovely, but the food was awful.", "mixed", "contentment"),
        ("My number is five.", "neutral", "neutral"),
        ("Good morning, how can I help you?", "neutral", "neutral"),
    ],
)
def test_a_sentence_sounds_as_its_words_do(text, sentiment, emotion):
    [found] = sentiments(utterance(text))
    assert (found.sentiment, found.emotion) == (sentiment, emotion)


def test_each_sentence_is_told_by_itself_with_its_own_times():
    found = sentiments(utterance("Mr. Smith is angry. It costs 3.50 euros! Thanks."))

    assert found == [
        Sentiment("negative", "anger", "Mr. Smith is angry.", 10.0, 12.0, 1),
        Sentiment("neutral", "neutral", "It costs 3.50 euros!", 12.0, 14.0, 1),
        Sentiment("positive", "contentment", "Thanks.", 14.0, 14.5, 1),
    ]


def test_a_language_without_a_list_is_said_to_be_unknown():
    [found] = sentiments(utterance("Je suis très great.", "fr"))
    assert (found.sentiment, found.emotion) == ("unknown", "neutral")


def test_the_speaker_is_told_only_where_voices_were_told_apart():
    said = utterance("Thanks.")
    live, recorded = (msgspec.to_builtins(sentiments(said, speaker)[0]) for speaker in (None, 0))
    assert "speaker" not in live
    assert recorded["speaker"] == 0


def test_only_gladias_own_emotions_are_named():
    from local.gladia.intelligence import sentiment  # noqa: PLC0415 - its lists are its own affair

    named = {emotion for _, emotion in (*sentiment._FEELINGS.values(), *sentiment._TURNED.values())}
    assert named <= EMOTIONS
