"""Gladia's stored result, as its documents and the emulator have it, and as it might come."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callscribe.errors import MalformedMessage, Refused, Unavailable
from callscribe.stored_result import Stored, decode_stored, fetch, is_made


def speech(start: float, end: float, channel: int = 0, text: str = " Hello.") -> dict:
    return {
        "text": text,
        "start": start,
        "end": end,
        "confidence": 0.9,
        "channel": channel,
        "language": "en",
        "words": [{"word": text, "start": start, "end": end, "confidence": 0.9}],
    }


def message(transcript_id: str, utterance: dict, *, is_final: bool = True) -> str:
    data = {"id": transcript_id, "is_final": is_final, "utterance": utterance}
    return json.dumps({"type": "transcript", "session_id": "S", "created_at": "…", "data": data})


def job(status: str = "done", *, utterances: object = None, messages: object = None) -> bytes:
    transcription = {"full_transcript": "", "languages": [], "utterances": utterances}
    return json.dumps(
        {"id": "S", "status": status, "result": {"transcription": transcription, "messages": messages}}
    ).encode()


def ids(body: bytes) -> list[str]:
    return [each.id for each in decode_stored(body).transcripts]


def test_the_result_is_asked_for_by_session_and_key():
    exchange = fetch("https://api.gladia.io", "the key", "S/1")

    assert (exchange.request.method, exchange.request.url) == ("GET", "https://api.gladia.io/v2/live/S%2F1")
    assert exchange.request.headers == {"x-gladia-key": "the key"}
    assert "the key" not in repr(exchange)


def test_utterances_have_the_ids_that_the_socket_gave_them():
    one, two = speech(0.5, 1.0), speech(0.7, 1.4, channel=1)
    messages = [
        '{"type":"start_session"}',
        message("01_0", two),
        message("00_0", one, is_final=False),
        message("00_0", one),
    ]

    assert ids(job(utterances=[one, two], messages=messages)) == ["00_0", "01_0"]


def test_a_final_that_is_repeated_in_the_messages_is_one():
    assert ids(job(messages=[message("00_0", speech(0, 1))] * 2)) == ["00_0"]


@pytest.mark.parametrize("messages", [None, [], [message("00_0", speech(0, 1), is_final=False)]])
def test_utterances_without_messages_have_ids_that_no_socket_gives(messages: object):
    made = ids(job(utterances=[speech(0.5, 1.0), speech(0.5, 1.0, channel=1)], messages=messages))

    assert len(set(made)) == 2
    assert all(map(is_made, made))
    assert not is_made("00_00000000")


def test_an_id_that_was_made_is_the_same_each_time():
    body = job(utterances=[speech(0.5, 1.0)])

    assert ids(body) == ids(body)


def test_an_utterance_that_the_messages_lack_is_added_under_a_made_id():
    heard, late = speech(0, 1), speech(1, 2)

    first, second = ids(job(utterances=[heard, late], messages=[message("00_0", heard)]))
    assert first == "00_0"
    assert is_made(second)


def test_an_utterance_is_not_taken_twice_where_messages_and_transcription_differ_a_little():
    assert ids(job(utterances=[speech(0.1, 1.1)], messages=[message("00_0", speech(0, 1))])) == ["00_0"]


def test_the_same_moment_on_two_channels_is_two_utterances():
    assert (
        len(ids(job(utterances=[speech(0, 1), speech(0, 1, channel=1)], messages=[message("00_0", speech(0, 1))]))) == 2
    )


@pytest.mark.parametrize("status", ["queued", "processing"])
def test_a_session_that_is_not_done_may_have_no_result_yet(status: str):
    stored = decode_stored(json.dumps({"id": "S", "status": status, "result": None}).encode())

    assert stored == Stored(status)
    assert not stored.settled


@pytest.mark.parametrize("status", ["done", "error"])
def test_a_session_that_is_done_or_has_failed_is_settled(status: str):
    assert decode_stored(job(status)).settled


@pytest.mark.parametrize(
    "result",
    [
        None,
        {},
        {"transcription": None, "messages": None},
        {"transcription": {}},
        {"transcription": {"utterances": None}},
    ],
)
def test_what_a_result_leaves_out_is_nothing_said(result: object):
    assert decode_stored(json.dumps({"status": "done", "result": result}).encode()) == Stored("done")


@pytest.mark.parametrize(
    ("metadata", "audio_s"),
    [({"audio_duration": 158.38}, 158.38), ({"audio_duration": None}, None), ({}, None), (None, None)],
)
def test_a_result_tells_how_much_audio_there_was(metadata: object, audio_s: float | None):
    body = json.dumps({"status": "done", "result": {"metadata": metadata}}).encode()

    assert decode_stored(body).audio_s == audio_s


def test_one_odd_utterance_or_message_costs_only_itself():
    odd = ["no JSON", 7, None, message("00_9", speech(-1, 2)), json.dumps({"no": "type"})]
    stored = decode_stored(
        job(utterances=[speech(5, 6), {"text": 1}, None], messages=[*odd, message("00_0", speech(0, 1))])
    )

    assert [each.utterance.start for each in stored.transcripts] == [0, 5]
    assert stored.malformed == 7


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"status":"lost"}',
        b'{"status":"done","result":[]}',
        b'{"status":"done"',
        b"\xff",
        b'{"status":"done","result":{"messages":["\xff"]}}',
        pytest.param(b'{"status":"done","unknown":' + b"[" * 100_000, id="deep"),
    ],
)
def test_an_answer_of_another_shape_is_malformed(body: bytes):
    with pytest.raises(MalformedMessage):
        decode_stored(body)


def test_a_time_beyond_any_session_is_no_time():
    assert decode_stored(job(utterances=[speech(0, 1e300)])).malformed == 1


def test_a_session_that_gladia_does_not_know_has_nothing_to_wait_for():
    assert fetch("", "", "S").outcome(404, b"").settled


def test_a_status_says_whether_to_ask_again():
    with pytest.raises(Unavailable):
        fetch("", "", "S").outcome(503, b"")
    with pytest.raises(Unavailable):
        fetch("", "", "S").outcome(429, b"")
    with pytest.raises(Refused):
        fetch("", "", "S").outcome(401, b"")


def test_hours_of_speech_are_read_at_once():
    said = [speech(2 * place, 2 * place + 1.9) for place in range(6000)]
    messages = [message(f"00_{place}", each) for place, each in enumerate(said)]

    assert len(decode_stored(job(utterances=said, messages=messages)).transcripts) == 6000


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["status", "result", "messages", "utterances"]), inner)
    ),
    max_leaves=10,
)


@given(st.binary() | _json.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_is_a_result_or_malformed(body: bytes):
    try:
        decode_stored(body)
    except MalformedMessage:
        return


@given(utterances=st.lists(_json), messages=st.lists(_json | _json.map(json.dumps)))
def test_whatever_a_result_holds_costs_only_itself(utterances: list, messages: list):
    kept = message("00_0", speech(0, 1))

    assert "00_0" in ids(job(utterances=utterances, messages=[*messages, kept]))


@pytest.mark.parametrize(
    ("summarization", "summary"),
    [
        ({"success": True, "is_empty": False, "results": " A card was lost. ", "exec_time": 1.5, "error": None},
         "A card was lost."),
        ({"success": False, "is_empty": True, "results": None, "exec_time": 0, "error": {"status_code": 500}}, ""),
        ({"success": True, "results": ["not", "a string"]}, ""),
        ("a string", ""),
        (None, ""),
    ],
)  # fmt: skip
def test_a_summary_is_told_where_there_is_one(summarization, summary):
    assert (
        decode_stored(json.dumps({"status": "done", "result": {"summarization": summarization}}).encode()).summary
        == summary
    )
