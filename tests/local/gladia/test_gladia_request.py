"""What `POST /v2/live` takes, field by field, and how it words what it does not take."""

import msgspec
import pytest

from local.gladia.errors import RequestError
from local.gladia.request import LANGUAGES, CallbackConfig, InitRequest, MessagesConfig, parse


def faults(body: object, **kwargs: bool) -> list[str]:
    with pytest.raises(RequestError) as caught:
        parse(msgspec.json.encode(body), **kwargs)
    assert caught.value.status == 400
    return list(caught.value.validation_errors)


def test_an_empty_object_asks_for_the_defaults():
    request = parse(b"{}")

    assert request == InitRequest()
    assert (request.encoding, request.bit_depth, request.sample_rate, request.channels) == ("wav/pcm", 16, 16000, 1)
    assert (request.model, request.endpointing, request.maximum_duration_without_endpointing) == ("solaria-1", 0.05, 5)
    assert request.language_config.languages == ()
    assert request.pre_processing.speech_threshold == 0.6


def test_no_body_at_all_asks_for_the_defaults():
    assert parse(b"") == InitRequest()


def test_neither_partials_nor_lifecycle_events_come_unasked_on_the_socket():
    assert [name for name, on in msgspec.structs.asdict(MessagesConfig()).items() if not on] == [
        "receive_partial_transcripts",
        "receive_lifecycle_events",
    ]


def test_callbacks_have_defaults_of_their_own():
    assert [name for name, on in msgspec.structs.asdict(CallbackConfig()).items() if on is True] == [
        "receive_final_transcripts",
        "receive_pre_processing_events",
        "receive_realtime_processing_events",
        "receive_post_processing_events",
        "receive_lifecycle_events",
    ]


def test_there_are_99_languages_and_none_has_a_region():
    assert len(LANGUAGES) == 99
    assert not [code for code in LANGUAGES if "-" in code]


def test_every_field_is_taken():
    body = {
        "encoding": "wav/ulaw",
        "bit_depth": 8,
        "sample_rate": 8000,
        "channels": 2,
        "model": "solaria-1",
        "endpointing": 0.3,
        "maximum_duration_without_endpointing": 15,
        "language_config": {"languages": ["en", "haw"], "code_switching": True},
        "pre_processing": {"audio_enhancer": True, "speech_threshold": 1},
        "realtime_processing": {
            "custom_vocabulary": True,
            "custom_vocabulary_config": {
                "vocabulary": ["Gladia", {"value": "Twilio", "intensity": 0.4, "pronunciations": ["twill"]}],
                "default_intensity": 0.4,
            },
            "custom_spelling": True,
            "custom_spelling_config": {"spelling_dictionary": {"SQL": ["sequel"]}},
            "translation": True,
            "translation_config": {"target_languages": ["fr", "wo"], "model": "batch", "context": "a call"},
            "named_entity_recognition": True,
            "sentiment_analysis": True,
        },
        "post_processing": {
            "summarization": True,
            "summarization_config": {"type": "bullet_points"},
            "chapterization": True,
        },
        "messages_config": {"receive_partial_transcripts": True},
        "callback": True,
        "callback_config": {"url": "https://example.com/hook"},
        "custom_metadata": {"call_id": "CA0", "nested": [None, {"a": None}]},
    }

    request = parse(msgspec.json.encode(body))

    assert request.channels == 2
    assert request.language_config.languages == ("en", "haw")
    assert request.realtime_processing.translation_config.target_languages == ("fr", "wo")
    assert request.realtime_processing.custom_vocabulary_config.vocabulary[1].value == "Twilio"
    assert request.custom_metadata == body["custom_metadata"]


def test_a_whole_number_may_be_written_with_a_point_and_a_null_counts_as_absent():
    request = parse(b'{"channels": 2.0, "endpointing": null, "messages_config": {"receive_errors": null}}')

    assert (request.channels, request.endpointing, request.messages_config.receive_errors) == (2, 0.05, True)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"encoding": "opus"}, "encoding must be one of the following values: wav/alaw, wav/pcm, wav/ulaw"),
        ({"bit_depth": 12}, "bit_depth must be one of the following values: 8, 16, 24, 32"),
        (
            {"sample_rate": 22050},
            "sample_rate must be one of the following values: 8000, 16000, 32000, 44100, 48000",
        ),
        ({"channels": 0}, "channels must not be less than 1"),
        ({"channels": 9}, "channels must not be greater than 8"),
        ({"channels": 1.5}, "channels must be an integer number"),
        ({"channels": True}, "channels must be an integer number"),
        ({"model": "solaria-3"}, "model must be one of the following values: solaria-1"),
        ({"endpointing": 0.001}, "endpointing must not be less than 0.01"),
        ({"endpointing": 11}, "endpointing must not be greater than 10"),
        ({"endpointing": "0.3"}, "endpointing must be a number conforming to the specified constraints"),
        ({"maximum_duration_without_endpointing": 4}, "maximum_duration_without_endpointing must not be less than 5"),
        (
            {"maximum_duration_without_endpointing": 61},
            "maximum_duration_without_endpointing must not be greater than 60",
        ),
        ({"language_config": {"code_switching": 1}}, "language_config.code_switching must be a boolean value"),
        ({"language_config": {"languages": "en"}}, "language_config.languages must be an array"),
        ({"pre_processing": {"speech_threshold": 1.1}}, "pre_processing.speech_threshold must not be greater than 1"),
        (
            {"realtime_processing": {"translation_config": {"target_languages": []}}},
            "realtime_processing.translation_config.target_languages must contain at least 1 elements",
        ),
        (
            {"realtime_processing": {"translation_config": {}}},
            "realtime_processing.translation_config.target_languages should not be null or undefined",
        ),
        (
            {"realtime_processing": {"custom_vocabulary_config": {"vocabulary": [{"value": "a", "intensity": 2}]}}},
            "realtime_processing.custom_vocabulary_config.vocabulary.0.intensity must not be greater than 1",
        ),
        (
            {"realtime_processing": {"custom_spelling_config": {"spelling_dictionary": {"SQL": "sequel"}}}},
            "realtime_processing.custom_spelling_config.spelling_dictionary.SQL must be an array",
        ),
        (
            {"post_processing": {"summarization_config": {"type": "long"}}},
            (
                "post_processing.summarization_config.type must be one of the following values: "
                "bullet_points, concise, general"
            ),
        ),
        ({"messages_config": []}, "messages_config must be an object"),
        ({"callback_config": {"url": 1}}, "callback_config.url must be a string"),
        ({"custom_metadata": "x"}, "custom_metadata must be an object"),
        ({"region": "eu-west"}, "property region should not exist"),
        ({"diarization": True}, "property diarization should not exist"),
        ({"encoding": "wav/ulaw", "bit_depth": 16}, "bit_depth must be 8 when encoding is wav/ulaw"),
        ({"encoding": "wav/alaw"}, "bit_depth must be 8 when encoding is wav/alaw"),
        (
            {"custom_metadata": {"text": "x" * 2000}},
            "custom_metadata must be shorter than or equal to 2000 characters",
        ),
        ([], "body must be an object"),
    ],
)
def test_what_is_wrong_is_named(body, fault):
    assert faults(body) == [fault]


def test_a_language_with_a_region_is_none():
    assert faults({"language_config": {"languages": ["en-US"]}})[0].startswith(
        "language_config.languages.0 must be one of the following values: af, am, ar, "
    )


def test_all_faults_are_named_at_once():
    assert len(faults({"region": "eu-west", "channels": 9, "sample_rate": 1, "endpointing": "a"})) == 4


@pytest.mark.parametrize(
    "body", [b"{", b"\xff", b'{"custom_metadata": {"a": "\xff"}}', b'{"custom_metadata": {"a": "\\ud800"}}', b"1e400"]
)
def test_what_is_no_json_is_a_fault(body):
    with pytest.raises(RequestError, match="Invalid parameter") as caught:
        parse(body)
    assert caught.value.validation_errors[0].startswith("body is not JSON")


@pytest.mark.parametrize("start", [b"[", b'{"custom_metadata":[', b'{"callback_config":{"url":'])
def test_what_is_nested_beyond_reason_is_a_fault(start):
    with pytest.raises(RequestError) as caught:
        parse(start + b"[" * 100_000)
    assert caught.value.validation_errors == ("body is nested too deeply",)


def test_an_unknown_property_below_the_top_is_let_through_unless_asked_otherwise():
    body = {"realtime_processing": {"words_accurate_timestamps": True}}

    assert parse(msgspec.json.encode(body)) == InitRequest()
    assert faults(body, nested_unknowns_refused=True) == [
        "property realtime_processing.words_accurate_timestamps should not exist"
    ]
