"""The body of `POST /v2/live`: every field with its limits and its default.

Source: Gladia, OpenAPI document, `StreamingRequest` (2026-08); validation.py turns these declarations into errors.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

from msgspec import Meta, Struct

from local.gladia.validation import read

Encoding = Literal["wav/pcm", "wav/alaw", "wav/ulaw"]
Probability = Annotated[float, Meta(ge=0, le=1)]
# fmt: off
Language = Literal[
    "af", "am", "ar", "as", "az", "ba", "be", "bg", "bn", "bo", "br", "bs", "ca", "cs", "cy", "da", "de", "el", "en",
    "es", "et", "eu", "fa", "fi", "fo", "fr", "gl", "gu", "ha", "haw", "he", "hi", "hr", "ht", "hu", "hy", "id", "is",
    "it", "ja", "jw", "ka", "kk", "km", "kn", "ko", "la", "lb", "ln", "lo", "lt", "lv", "mg", "mi", "mk", "ml", "mn",
    "mr", "ms", "mt", "my", "ne", "nl", "nn", "no", "oc", "pa", "pl", "ps", "pt", "ro", "ru", "sa", "sd", "si", "sk",
    "sl", "sn", "so", "sq", "sr", "su", "sv", "sw", "ta", "te", "tg", "th", "tk", "tl", "tr", "tt", "uk", "ur", "uz",
    "vi", "yi", "yo", "zh",
]
# fmt: on
TranslationLanguage = Literal[Language, "wo"]
LANGUAGES: tuple[str, ...] = get_args(Language)


class LanguageConfig(Struct, frozen=True):
    """One language is used as it is; none or several are detected."""

    languages: tuple[Language, ...] = ()
    code_switching: bool = False


class PreProcessing(Struct, frozen=True):
    """What is done to the audio first."""

    audio_enhancer: bool = False
    speech_threshold: Probability = 0.6


class VocabularyEntry(Struct, frozen=True):
    """A word to listen for, and how it sounds."""

    value: str
    intensity: Probability | None = None
    pronunciations: tuple[str, ...] | None = None
    language: Language | None = None


class CustomVocabularyConfig(Struct, frozen=True):
    """Words to listen for."""

    vocabulary: tuple[str | VocabularyEntry, ...]
    default_intensity: Probability = 0.5


class CustomSpellingConfig(Struct, frozen=True):
    """Correct form to the variants it replaces."""

    spelling_dictionary: dict[str, tuple[str, ...]]


class TranslationConfig(Struct, frozen=True):
    """Languages to translate finals to."""

    target_languages: Annotated[tuple[TranslationLanguage, ...], Meta(min_length=1)]
    model: Literal["base", "batch", "enhanced"] = "base"
    match_original_utterances: bool = True
    lipsync: bool = True
    context_adaptation: bool = True
    context: str | None = None
    informal: bool = False


class RealtimeProcessing(Struct, frozen=True):
    """Add-ons run on each final."""

    custom_vocabulary: bool = False
    custom_vocabulary_config: CustomVocabularyConfig | None = None
    custom_spelling: bool = False
    custom_spelling_config: CustomSpellingConfig | None = None
    translation: bool = False
    translation_config: TranslationConfig | None = None
    named_entity_recognition: bool = False
    sentiment_analysis: bool = False


class SummarizationConfig(Struct, frozen=True):
    """The kind of summary."""

    type: Literal["general", "bullet_points", "concise"] = "general"


class PostProcessing(Struct, frozen=True):
    """Add-ons run on the whole session; chapterization is accepted and ignored, as Gladia does."""

    summarization: bool = False
    summarization_config: SummarizationConfig | None = None
    chapterization: bool = False


class MessagesConfig(Struct, frozen=True):
    """Which messages the socket gets. Neither partials nor lifecycle events, unless asked for."""

    receive_partial_transcripts: bool = False
    receive_final_transcripts: bool = True
    receive_speech_events: bool = True
    receive_pre_processing_events: bool = True
    receive_realtime_processing_events: bool = True
    receive_post_processing_events: bool = True
    receive_acknowledgments: bool = True
    receive_errors: bool = True
    receive_lifecycle_events: bool = False


class CallbackConfig(Struct, frozen=True):
    """Which messages are also POSTed, and where; its defaults differ from those of the socket."""

    url: str | None = None
    receive_partial_transcripts: bool = False
    receive_final_transcripts: bool = True
    receive_speech_events: bool = False
    receive_pre_processing_events: bool = True
    receive_realtime_processing_events: bool = True
    receive_post_processing_events: bool = True
    receive_acknowledgments: bool = False
    receive_errors: bool = False
    receive_lifecycle_events: bool = True


class InitRequest(Struct, frozen=True):
    """What a session is asked to be; an empty object is a valid one."""

    encoding: Encoding = "wav/pcm"
    bit_depth: Literal[8, 16, 24, 32] = 16
    sample_rate: Literal[8000, 16000, 32000, 44100, 48000] = 16000
    channels: Annotated[int, Meta(ge=1, le=8)] = 1
    custom_metadata: dict[str, Any] | None = None
    model: Literal["solaria-1"] = "solaria-1"
    endpointing: Annotated[float, Meta(ge=0.01, le=10)] = 0.05
    maximum_duration_without_endpointing: Annotated[float, Meta(ge=5, le=60)] = 5.0
    language_config: LanguageConfig = LanguageConfig()
    pre_processing: PreProcessing = PreProcessing()
    realtime_processing: RealtimeProcessing = RealtimeProcessing()
    post_processing: PostProcessing = PostProcessing()
    messages_config: MessagesConfig = MessagesConfig()
    callback: bool = False
    callback_config: CallbackConfig | None = None


def parse(body: bytes, *, nested_unknowns_refused: bool = False) -> InitRequest:
    """Return the session that `body` asks for, with the defaults filled in. Raises RequestError 400."""
    return read(body, InitRequest, across=_across, nested_unknowns_refused=nested_unknowns_refused)


def _across(given: dict[str, Any]) -> Iterator[str]:
    """Yield what no field shows alone."""
    encoding = given.get("encoding")
    if encoding in ("wav/ulaw", "wav/alaw") and given.get("bit_depth", 16) != 8:
        yield f"bit_depth must be 8 when encoding is {encoding}"
