"""The body of `POST /v2/pre-recorded`: every field with its limits and its default.

Source: Gladia, OpenAPI document, `InitPreRecordedTranscriptionRequest` (2026-08).
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from local.gladia.request import (
    CustomSpellingConfig,
    CustomVocabularyConfig,
    LanguageConfig,
    SummarizationConfig,
    TranslationConfig,
)
from local.gladia.validation import read

Count = Annotated[int, Meta(ge=0)]
SOLARIA_3_LANGUAGES = frozenset({"en", "fr", "de", "es", "it"})


class CallbackConfig(Struct, frozen=True):
    """Whom to tell that the job is over."""

    url: str
    method: Literal["POST", "PUT"] = "POST"


class DiarizationConfig(Struct, frozen=True):
    """Hints on how many speak."""

    number_of_speakers: Annotated[int, Meta(ge=1)] | None = None
    min_speakers: Count | None = None
    max_speakers: Count | None = None


class SubtitlesConfig(Struct, frozen=True):
    """How captions are cut."""

    formats: tuple[Literal["srt", "vtt"], ...] = ("srt",)
    minimum_duration: Annotated[float, Meta(ge=0)] | None = None
    maximum_duration: Annotated[float, Meta(ge=1, le=30)] | None = None
    maximum_characters_per_row: Annotated[int, Meta(ge=1)] | None = None
    maximum_rows_per_caption: Annotated[int, Meta(ge=1, le=5)] | None = None
    style: Literal["default", "compliance"] = "default"


class AudioToLlmConfig(Struct, frozen=True):
    """What a language model is asked about the transcript."""

    prompts: tuple[str, ...]
    model: str = "openai/gpt-5.4-nano"


class PiiRedactionConfig(Struct, frozen=True):
    """What is left out; of the 82 types no list is public here, so any is taken."""

    entity_types: tuple[str, ...] = ()
    processed_text_type: Literal["MARKER", "MASK"] = "MARKER"


class PreRecordedRequest(Struct, frozen=True):
    """What a file is to be made into."""

    audio_url: str
    model: Literal["solaria-1", "solaria-3"] = "solaria-1"
    language_config: LanguageConfig = LanguageConfig()
    diarization: bool = False
    diarization_config: DiarizationConfig | None = None
    subtitles: bool = False
    subtitles_config: SubtitlesConfig | None = None
    translation: bool = False
    translation_config: TranslationConfig | None = None
    summarization: bool = False
    summarization_config: SummarizationConfig | None = None
    custom_vocabulary: bool = False
    custom_vocabulary_config: CustomVocabularyConfig | None = None
    custom_spelling: bool = False
    custom_spelling_config: CustomSpellingConfig | None = None
    named_entity_recognition: bool = False
    sentiment_analysis: bool = False
    sentences: bool = False
    punctuation_enhanced: bool = False
    audio_to_llm: bool = False
    audio_to_llm_config: AudioToLlmConfig | None = None
    pii_redaction: bool = False
    pii_redaction_config: PiiRedactionConfig | None = None
    callback: bool = False
    callback_config: CallbackConfig | None = None
    callback_url: str | None = None  # deprecated, and still taken
    custom_metadata: dict[str, Any] | None = None

    @property
    def told(self) -> CallbackConfig | None:
        """Whom to tell of the end; None for nobody."""
        if self.callback and self.callback_config is not None:
            return self.callback_config
        return CallbackConfig(self.callback_url) if self.callback_url else None


def parse(body: bytes, *, nested_unknowns_refused: bool = False) -> PreRecordedRequest:
    """Return the job that `body` asks for, with the defaults filled in. Raises RequestError 400."""
    return read(body, PreRecordedRequest, across=_across, nested_unknowns_refused=nested_unknowns_refused)


def is_address(url: str) -> bool:
    """Return whether a text is an address over HTTP."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _across(given: dict[str, Any]) -> Iterator[str]:
    """Yield what no field shows alone."""
    if not is_address(given["audio_url"]):
        yield "audio_url must be a URL address"
    if given.get("callback") and "callback_config" not in given:
        yield "callback_config should not be null or undefined"
    url = given.get("callback_config", {}).get("url")
    if url is not None and not is_address(url):
        yield "callback_config.url must be a URL address"
    languages = given.get("language_config", {}).get("languages", [])
    # One copy of the documentation asks for exactly one of the five, another for any of them; the stricter one here.
    if given.get("model") == "solaria-3" and not (len(languages) == 1 and SOLARIA_3_LANGUAGES.issuperset(languages)):
        yield f"language_config.languages must be one of {', '.join(sorted(SOLARIA_3_LANGUAGES))} for solaria-3"
