"""What is asked of Gladia's pre-recorded API, and what its answers mean. Shapes as in its OpenAPI document."""

from __future__ import annotations

import json

import pytest

from callscribe.errors import MalformedMessage, Refused, Unavailable
from callscribe.gladia_batch import Multipart, Recorded, Uploaded, decode, fetch, start, upload

URL, KEY = "https://api.gladia.io", "example-key-of-gladia"


def spoken(text, begin, channel=0, **more):
    return {
        "text": text, "start": begin, "end": begin + 1, "confidence": 0.9, "channel": channel, "language": "en",
        "words": [{"word": text, "start": begin, "end": begin + 1, "confidence": 0.9}], **more,
    }  # fmt: skip


def job(*utterances, status="done", **more):
    result = {
        "metadata": {"audio_duration": 12.5, "number_of_distinct_channels": 2, "billing_time": 25},
        "transcription": {"full_transcript": "", "languages": ["en"], "utterances": list(utterances)},
        **more,
    }
    return json.dumps({"id": "J1", "kind": "pre-recorded", "status": status, "result": result}).encode()


def test_an_upload_is_a_form_of_known_length():
    form = Multipart("CA1.wav", boundary="a-boundary")
    exchange = upload(URL, KEY, form, size_bytes=1000)

    assert exchange.request.headers["Content-Length"] == str(len(form.head) + 1000 + len(form.tail))
    assert form.head.startswith(b'--a-boundary\r\nContent-Disposition: form-data; name="audio"; filename="CA1.wav"\r\n')
    assert form.tail == b"\r\n--a-boundary--\r\n"
    answer = b'{"audio_url": "https://api.gladia.io/file/1", "audio_metadata": {"number_of_channels": 2, "size": 1000}}'
    assert exchange.outcome(200, answer) == Uploaded("https://api.gladia.io/file/1", 2, None)


def test_a_job_is_told_its_languages_and_whom_to_call_back():
    exchange = start(
        URL, KEY, "https://api.gladia.io/file/1", languages=["en"], is_mono=True, callback_url="https://c.example.test",
        call_id="CA1",
    )  # fmt: skip

    asked = json.loads(exchange.request.body)
    assert asked["audio_url"] == "https://api.gladia.io/file/1"
    assert asked["language_config"] == {"languages": ["en"], "code_switching": False}
    assert asked["diarization"] is True
    assert asked["callback_config"] == {"url": "https://c.example.test", "method": "POST"}
    assert exchange.outcome(201, b'{"id": "J1", "result_url": "https://api.gladia.io/v2/pre-recorded/J1"}') == "J1"


def test_a_result_is_in_the_order_of_speech_with_its_speakers():
    found = decode(job(spoken("two", 5), spoken("one", 1, channel=1), spoken("three", 9, speaker=1)))

    assert [(each.text, each.channel, each.speaker) for each in found.utterances] == [
        ("one", 1, None),
        ("two", 0, None),
        ("three", 0, 1),
    ]
    assert (found.settled, found.audio_s) == (True, 12.5)


def test_an_utterance_that_makes_no_sense_is_counted_and_left_out():
    found = decode(job(spoken("one", 1), {"text": 5}, None))

    assert ([each.text for each in found.utterances], found.malformed) == (["one"], 2)


def test_a_job_that_is_not_done_is_not_settled():
    assert not decode(b'{"status": "queued", "result": null}').settled
    assert decode(b'{"status": "error", "result": null, "error_code": 400}').error_code == 400


def test_a_job_that_nobody_knows_is_not_waited_for():
    assert fetch(URL, KEY, "J/1").outcome(404, b"") == Recorded("error", error_code=404)
    assert fetch(URL, KEY, "J/1").request.url.endswith("/v2/pre-recorded/J%2F1")


@pytest.mark.parametrize("status", [401, 402, 403, 429, 500, 503])
def test_what_may_pass_or_be_mended_is_tried_again(status):
    with pytest.raises(Unavailable):
        fetch(URL, KEY, "J1").outcome(status, b"")


def test_a_request_that_is_refused_and_answers_that_make_no_sense_are_told_apart():
    with pytest.raises(Refused):
        fetch(URL, KEY, "J1").outcome(400, b"")
    for body in (b"<html>", b"[]", b'{"status": "what"}'):
        with pytest.raises(MalformedMessage):
            fetch(URL, KEY, "J1").outcome(200, body)
    with pytest.raises(MalformedMessage):
        upload(URL, KEY, Multipart("a.wav", boundary="b"), size_bytes=0).outcome(200, b'{"audio_url": "file:///x"}')
