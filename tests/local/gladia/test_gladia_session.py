"""The life of one live session, decided without a socket, an ear or a clock."""

import base64
import json
from typing import Any

import pytest

from local.gladia.effects import Close, Effect, Finish, Listen, Send
from local.gladia.recogniser import Finished, Listened, SpeechEnded, SpeechStarted, Spoken, Word
from local.gladia.request import InitRequest, parse
from local.gladia.session import Session
from local.gladia.settings import Settings

NOON = 1_795_608_000.0  # 2026-11-25T12:00:00Z
EVERYTHING = {"receive_partial_transcripts": True, "receive_lifecycle_events": True}
STOP = '{"type": "stop_recording"}'


def request(**changes: Any) -> InitRequest:
    body = {"encoding": "wav/ulaw", "bit_depth": 8, "sample_rate": 8000, "channels": 2, "messages_config": EVERYTHING}
    return parse(json.dumps(body | changes).encode())


def session(*, settings: Settings | None = None, connected: bool = True, **changes: Any) -> Session:
    new = Session(
        session_id="7c1d5b0e",
        token="t0k3n",
        key="k",
        request=request(**changes),
        settings=settings or Settings(),
        now=NOON,
    )
    if connected:
        new.connect()
    return new


def said(effects: list[Effect]) -> list[dict[str, Any]]:
    return [json.loads(effect.text) for effect in effects if isinstance(effect, Send)]


def kinds(effects: list[Effect]) -> list[str]:
    return [message["type"] for message in said(effects)]


def spoken(text: str = " Good morning.", *, number: int = 0, is_final: bool = True, start_s: float = 0.74) -> Spoken:
    words = tuple(
        Word(f" {word}", start_s + 0.25 * place, start_s + 0.25 * (place + 1), 0.9)
        for place, word in enumerate(text.split())
    )
    return Spoken(number, is_final, words, start_s, words[-1].end_s, 0.914, "en")


def finish(live: Session, now: float = NOON) -> list[Effect]:
    return [effect for channel in range(2) for effect in live.heard(channel, Finished(), now=now)]


def test_a_session_begins_with_start_session_which_waits_for_the_socket():
    assert said(session(connected=False).connect()) == [
        {"type": "start_session", "session_id": "7c1d5b0e", "created_at": "2026-11-25T12:00:00.000Z"}
    ]


def test_the_first_audio_starts_the_recording_and_each_message_is_acknowledged():
    live = session()

    first = live.receive(b"aA" * 800, now=NOON + 0.131)
    second = live.receive(b"bB" * 800, now=NOON + 0.2)

    assert kinds(first) == ["start_recording", "audio_chunk"]
    assert said(second) == [
        {
            "type": "audio_chunk",
            "session_id": "7c1d5b0e",
            "created_at": "2026-11-25T12:00:00.200Z",
            "acknowledged": True,
            "error": None,
            "data": {"byte_range": [1600, 3200], "time_range": [0.1, 0.2]},
        }
    ]


def test_each_channel_is_given_its_own_samples():
    assert session().receive(b"aAbB", now=NOON)[-1] == Listen((b"ab", b"AB"))


def test_audio_as_base64_is_audio():
    live = session()
    chunk = base64.b64encode(b"aAbB").decode()

    effects = live.receive(json.dumps({"type": "audio_chunk", "data": {"chunk": chunk}}), now=NOON)

    assert effects[-1] == Listen((b"ab", b"AB"))
    assert said(effects)[-1]["data"]["byte_range"] == [0, 4]


def test_positions_can_be_those_of_the_last_byte():
    live = session(settings=Settings(inclusive_byte_range=True))

    assert said(live.receive(bytes(1600), now=NOON))[-1]["data"]["byte_range"] == [0, 1599]
    assert said(live.receive(bytes(1600), now=NOON))[-1]["data"]["byte_range"] == [1600, 3199]


def test_positions_go_on_over_a_dropped_socket():
    live = session()
    live.receive(bytes(1600), now=NOON)
    live.disconnect(1006)
    live.connect()

    assert said(live.receive(bytes(320), now=NOON))[-1]["data"]["byte_range"] == [1600, 1920]
    assert live.received_bytes == 1920


def test_a_sample_frame_cut_in_two_is_put_together():
    live = session()
    live.receive(b"aAb", now=NOON)

    effects = live.receive(b"B", now=NOON)

    assert effects[-1] == Listen((b"b", b"B"))
    assert said(effects)[-1]["data"]["byte_range"] == [3, 4]


@pytest.mark.parametrize("message", ['{"type": "audio_chunk", "data": {"chunk": "@@"}}', '{"type": "audio_chunk"}'])
def test_audio_that_cannot_be_decoded_is_refused(message):
    [refusal] = said(session().receive(message, now=NOON))

    assert (refusal["type"], refusal["acknowledged"], refusal["data"]) == ("audio_chunk", False, None)
    assert refusal["error"]["message"].startswith("data.chunk")


@pytest.mark.parametrize(
    "message", ["", "{", "[" * 100_000, "[]", "null", '{"type": "flush"}', '{"type": 3}', '{"data": {}}']
)
def test_what_makes_no_sense_is_ignored_and_counted(message):
    live = session()

    assert live.receive(message, now=NOON) == []
    assert live.ignored == 1


def test_by_default_there_are_acknowledgements_speech_events_and_finals_only():
    live = session(messages_config={})

    assert kinds(live.receive(bytes(320), now=NOON)) == ["audio_chunk"]
    assert kinds(live.heard(1, SpeechStarted(0.7), now=NOON)) == ["speech_start"]
    assert kinds(live.heard(1, spoken(is_final=False), now=NOON)) == []
    assert kinds(live.heard(1, spoken(), now=NOON)) == ["transcript"]


def test_nothing_comes_that_was_switched_off():
    quiet = dict.fromkeys(
        [
            "receive_final_transcripts",
            "receive_speech_events",
            "receive_post_processing_events",
            "receive_acknowledgments",
        ],
        False,
    )
    live = session(messages_config=quiet)

    effects = [
        *live.receive(bytes(320), now=NOON),
        *live.heard(0, SpeechStarted(0.1), now=NOON),
        *live.heard(0, spoken(), now=NOON),
        *live.receive(STOP, now=NOON),
        *finish(live),
    ]

    assert kinds(effects) == []
    assert effects[-1] == Close(1000)
    assert live.result()["transcription"]["full_transcript"] == "Good morning."


def test_a_partial_and_its_final_share_an_id_that_names_channel_and_number():
    live = session()

    partial = said(live.heard(1, spoken(" Good", number=3, is_final=False), now=NOON))[0]["data"]
    final = said(live.heard(1, spoken(number=3), now=NOON))[0]["data"]

    assert (partial["id"], partial["is_final"]) == ("01_00000003", False)
    assert (final["id"], final["is_final"]) == ("01_00000003", True)


def test_an_utterance_keeps_its_leading_spaces_and_times():
    [message] = said(session().heard(1, spoken(), now=NOON))

    assert message["data"]["utterance"] == {
        "text": " Good morning.",
        "start": 0.74,
        "end": 1.24,
        "confidence": 0.91,
        "channel": 1,
        "language": "en",
        "words": [
            {"word": " Good", "start": 0.74, "end": 0.99, "confidence": 0.9},
            {"word": " morning.", "start": 0.99, "end": 1.24, "confidence": 0.9},
        ],
    }


def test_speech_events_carry_time_and_channel():
    live = session()

    assert said(live.heard(1, SpeechStarted(0.74), now=NOON))[0]["data"] == {"time": 0.74, "channel": 1}
    assert said(live.heard(0, SpeechEnded(1.42), now=NOON))[0]["type"] == "speech_end"


def test_finals_come_in_the_order_of_completion_and_are_kept_in_the_order_of_speech():
    live = session()
    live.heard(1, spoken(" Later.", start_s=5.0), now=NOON)
    live.heard(0, spoken(" Earlier.", start_s=1.0), now=NOON)
    finish(live)

    assert live.result()["transcription"]["full_transcript"] == "Earlier. Later."
    assert [final.text for final in live.finals] == [" Later.", " Earlier."]


def test_stopping_tells_what_is_left_to_hear_and_lets_the_ears_finish():
    live = session()
    live.receive(bytes(32000), now=NOON)
    live.heard(0, Listened(2.0), now=NOON)
    live.heard(1, Listened(1.5), now=NOON)

    effects = live.receive(STOP, now=NOON)

    assert said(effects)[0]["data"] == {"recording_duration": 2.0, "recording_left_to_process": 0.5}
    assert effects[-1] == Finish()


def test_the_session_ends_only_when_every_ear_has_finished():
    live = session()
    live.receive(STOP, now=NOON)

    assert live.heard(0, Finished(), now=NOON) == []
    assert live.heard(1, Finished(), now=NOON)[-1] == Close(1000)


def test_the_end_has_its_order():
    live = session(post_processing={"summarization": True})
    live.receive(bytes(320), now=NOON)

    effects = [
        *live.receive(STOP, now=NOON),
        *live.heard(0, SpeechEnded(1.0), now=NOON),
        *live.heard(0, spoken(), now=NOON),
        *finish(live),
    ]

    assert kinds(effects) == [
        "stop_recording",
        "speech_end",
        "transcript",
        "end_recording",
        "post_transcript",
        "post_summarization",
        "post_final_transcript",
        "end_session",
    ]
    assert effects[-1] == Close(1000)


def test_stopping_twice_is_acknowledged_twice_and_ends_once():
    live = session()
    live.receive(STOP, now=NOON)

    effects = live.receive(STOP, now=NOON)

    assert kinds(effects) == ["stop_recording"]
    assert Finish() not in effects


def test_audio_after_the_stop_is_refused_and_not_counted():
    live = session()
    live.receive(STOP, now=NOON)

    [refusal] = said(live.receive(bytes(320), now=NOON))

    assert not refusal["acknowledged"]
    assert live.received_bytes == 0


def test_the_last_message_holds_the_whole_result():
    live = session()
    live.receive(bytes(16000), now=NOON + 1)
    live.heard(0, spoken(), now=NOON + 2)
    live.receive(STOP, now=NOON + 3)

    result = next(m["data"] for m in said(finish(live, NOON + 3.5)) if m["type"] == "post_final_transcript")

    assert result["metadata"] == {
        "audio_duration": 1.0,
        "number_of_distinct_channels": 2,
        "billing_time": 2.0,
        "transcription_time": 2.5,
    }
    assert result["transcription"]["languages"] == ["en"]
    assert result["transcription"]["utterances"][0]["text"] == " Good morning."


def test_an_add_on_without_a_model_fails_aloud_instead_of_inventing():
    live = session(realtime_processing={"translation": True})

    effects = live.heard(0, spoken(), now=NOON)
    finish(live)

    assert kinds(effects) == ["transcript", "translation"]
    assert said(effects)[1]["data"] is None
    assert said(effects)[1]["error"]["message"]
    assert live.result()["translation"]["error"]["status_code"] == 501


def test_it_has_failed_even_where_nothing_was_said():
    live = session(realtime_processing={"translation": True})
    finish(live)
    assert not live.result()["translation"]["success"]


ADD_ONS = {"named_entity_recognition": True, "sentiment_analysis": True}


def test_entities_and_sentiments_follow_the_final_that_they_are_about():
    live = session(realtime_processing=ADD_ONS)

    transcript, entities, sentiment = said(live.heard(1, spoken(" I am Maya. Great!", number=3), now=NOON))

    assert (entities["type"], entities["error"]) == ("named_entity_recognition", None)
    assert entities["data"] == {
        "utterance_id": "01_00000003",
        "utterance": transcript["data"]["utterance"],
        "results": [{"entity_type": "NAME_GIVEN", "text": "Maya", "start": 1.24, "end": 1.49}],
    }
    assert (sentiment["type"], sentiment["error"]) == ("sentiment_analysis", None)
    assert sentiment["data"]["results"] == [
        {
            "sentiment": "neutral", "emotion": "neutral", "text": "I am Maya.",
            "start": 0.74, "end": 1.49, "channel": 1,
        },
        {
            "sentiment": "positive", "emotion": "contentment", "text": "Great!",
            "start": 1.49, "end": 1.74, "channel": 1,
        },
    ]  # fmt: skip


def test_a_partial_has_no_add_ons():
    live = session(realtime_processing=ADD_ONS)
    assert kinds(live.heard(0, spoken(is_final=False), now=NOON)) == ["transcript"]


def test_add_ons_are_made_whether_or_not_the_socket_wants_them():
    live = session(
        realtime_processing=ADD_ONS, messages_config=EVERYTHING | {"receive_realtime_processing_events": False}
    )

    assert kinds(live.heard(0, spoken(" I am Maya."), now=NOON)) == ["transcript"]
    finish(live)
    assert live.result()["named_entity_recognition"]["results"][0].text == "Maya"


def test_the_result_has_them_in_the_order_of_speech():
    live = session(realtime_processing=ADD_ONS, post_processing={"summarization": True})
    live.heard(1, spoken(" I am Omar.", start_s=5.0), now=NOON)
    live.heard(0, spoken(" I am Maya. Thanks.", start_s=1.0), now=NOON)
    finish(live)
    result = live.result()

    assert [each.text for each in result["named_entity_recognition"]["results"]] == ["Maya", "Omar"]
    sentiments = json.loads(result["sentiment_analysis"]["results"])  # a text, as Gladia's OpenAPI document has it
    assert [each["text"] for each in sentiments] == ["I am Maya.", "Thanks.", "I am Omar."]
    assert result["summarization"] == {
        "success": True, "is_empty": False, "exec_time": 0, "error": None, "results": "I am Maya. Thanks. I am Omar.",
    }  # fmt: skip


def test_sentiments_may_be_a_list_in_the_result():
    live = session(realtime_processing=ADD_ONS, settings=Settings(sentiments_as_list=True))
    live.heard(0, spoken(" Thanks."), now=NOON)
    finish(live)
    assert live.result()["sentiment_analysis"]["results"][0].sentiment == "positive"


@pytest.mark.parametrize(("empty_add_ons", "messages"), [(True, 1), (False, 0)])
def test_a_final_without_entities_has_a_message_without_any_or_none(empty_add_ons, messages):
    live = session(
        realtime_processing={"named_entity_recognition": True}, settings=Settings(empty_add_ons=empty_add_ons)
    )

    told = said(live.heard(0, spoken(), now=NOON))[1:]
    finish(live)

    assert [each["data"]["results"] for each in told] == [[]] * messages
    assert live.result()["named_entity_recognition"]["is_empty"]


@pytest.mark.parametrize(("kind", "begins"), [("general", "Please block"), ("bullet_points", "- Please block")])
def test_the_summary_is_told_at_the_end_and_is_the_results(kind, begins):
    live = session(post_processing={"summarization": True, "summarization_config": {"type": kind}})
    live.heard(0, spoken(" Please block my lost credit card."), now=NOON)

    summary = next(each for each in said(finish(live)) if each["type"] == "post_summarization")

    assert summary["error"] is None
    assert summary["data"]["results"].startswith(begins)
    assert live.result()["summarization"]["results"] == summary["data"]["results"]


def test_nothing_said_has_an_empty_summary():
    live = session(post_processing={"summarization": True})
    finish(live)
    assert (live.result()["summarization"]["is_empty"], live.result()["summarization"]["results"]) == (True, "")


def test_what_is_said_while_the_socket_is_away_waits_for_the_next():
    live = session()
    live.disconnect(1006)

    assert live.heard(0, spoken(), now=NOON) == []
    assert kinds(live.connect()) == ["transcript"]
    assert live.connect() == []


def test_what_is_said_while_the_socket_is_away_can_be_lost():
    live = session(settings=Settings(keep_while_away=False))
    live.disconnect(1006)
    live.heard(0, spoken(), now=NOON)

    assert live.connect() == []


@pytest.mark.parametrize("code", [None, 1001, 1006, 1009, 1011])
def test_a_socket_that_goes_does_not_end_the_session(code):
    live = session()

    assert live.disconnect(code) == []
    assert live.status == "queued"


def test_a_client_that_closes_with_1000_gets_its_result_by_get():
    live = session()
    live.receive(bytes(320), now=NOON)

    assert live.disconnect(1000) == [Finish()]
    assert live.status == "processing"
    assert finish(live) == []
    assert live.status == "done"
    assert live.result() is not None


def test_a_client_that_comes_back_while_the_ears_finish_gets_the_end():
    live = session()
    live.receive(STOP, now=NOON)
    live.disconnect(1006)
    live.heard(0, spoken(), now=NOON)

    assert kinds(live.connect()) == ["transcript"]
    assert finish(live)[-1] == Close(1000)


def test_a_client_that_comes_back_after_the_end_is_told_4403():
    live = session()
    live.receive(STOP, now=NOON)
    finish(live)

    assert live.connect() == [Close(4403, "session already ended")]


def test_a_job_is_queued_until_the_first_audio_and_done_after_the_last_word():
    live = session()
    states = [live.status]
    live.receive(bytes(320), now=NOON)
    states.append(live.status)
    live.receive(STOP, now=NOON)
    states.append(live.status)
    assert live.result() is None
    finish(live)

    assert [*states, live.status] == ["queued", "processing", "processing", "done"]


def test_too_long_without_audio_closes_the_socket_and_ends_the_session():
    live = session()
    live.receive(bytes(320), now=NOON + 10)

    assert live.deadline_s == NOON + 40
    assert live.tick(now=NOON + 39) == []
    assert live.tick(now=NOON + 40) == [Close(4408, "no audio received"), Finish()]
    assert finish(live) == []
    assert live.status == "done"


def test_an_empty_chunk_keeps_a_session_alive():
    live = session()
    live.receive('{"type": "audio_chunk", "data": {"chunk": ""}}', now=NOON + 20)

    assert live.deadline_s == NOON + 50
    assert live.status == "queued"


def test_an_empty_chunk_can_count_for_nothing():
    live = session(settings=Settings(empty_chunks_are_audio=False))
    live.receive(b"", now=NOON + 20)

    assert live.deadline_s == NOON + 30


def test_the_idle_clock_can_wait_for_the_first_audio():
    live = session(settings=Settings(idle_from_creation=False))
    assert live.deadline_s == NOON + 3 * 3600

    live.receive(bytes(320), now=NOON + 100)

    assert live.deadline_s == NOON + 130


def test_a_session_that_nobody_connects_to_ends_as_well():
    live = session(connected=False)

    assert live.tick(now=NOON + 30) == [Finish()]


def test_after_three_hours_a_session_ends_with_its_results():
    live = session()
    live.receive(bytes(320), now=NOON + 3 * 3600 - 1)

    assert live.tick(now=NOON + 3 * 3600) == [Finish()]
    assert kinds(effects := finish(live))[-1] == "end_session"
    assert effects[-1] == Close(1000)


def test_the_messages_are_kept_for_the_result_but_for_the_acknowledgements_of_audio():
    live = session()
    live.receive(bytes(320), now=NOON)
    live.receive(STOP, now=NOON)

    assert [json.loads(text)["type"] for text in live.messages] == [
        "start_session",
        "start_recording",
        "stop_recording",
    ]


def test_the_audio_is_kept_as_it_came_without_a_header():
    live = session()
    sent = bytes(range(200))
    live.receive(live.audio_format.wav(sent), now=NOON)

    assert bytes(live.audio) == sent
    assert live.duration_s == 100 / 8000


def test_partials_are_decoded_only_for_those_who_want_them():
    assert all(track.wants_partials for track in session().tracks())
    assert not any(track.wants_partials for track in session(messages_config={}).tracks())
