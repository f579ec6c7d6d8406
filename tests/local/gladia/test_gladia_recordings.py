"""Recordings at the emulated Gladia, with Gladia's own client as the judge of it, and ours beside it."""

from __future__ import annotations

import asyncio
import io
import json
import struct
from collections.abc import AsyncIterator

import aiohttp
import numpy as np
import pytest
from aiohttp import web
from gladiaio_sdk import GladiaClient
from gladiaio_sdk.v2.prerecorded.core import PreRecordedV2TranscriptionOptions

from callscribe.gladia_batch import Multipart, fetch, start, upload
from functions.exchange import perform
from local.audio import mulaw_decode, recorded_call
from local.gladia.audio import AudioFormat
from local.gladia.messages import Utterance
from local.gladia.plan import Faults
from local.gladia.prerecorded.faults import PreRecordedFaults
from local.gladia.prerecorded.files import File, sound_of
from local.gladia.prerecorded.hearing import hear
from local.gladia.prerecorded.request import PreRecordedRequest, parse
from local.gladia.prerecorded.speakers import speakers
from local.gladia.scripted import ScriptedRecogniser, silence, spoken
from local.gladia.server import EmulatedGladia
from local.gladia.settings import Settings

LEFT = spoken("hello how can I help you") + silence(3000)
RIGHT = (silence(2500) + spoken("good morning I have lost my card")).ljust(len(LEFT), b"\xff")


def wav(*tracks: bytes) -> bytes:
    """Return tracks of mu-law as a file of 16-bit samples, a channel each, as Twilio writes recordings."""
    size = max(map(len, tracks))
    samples = np.stack([mulaw_decode(track.ljust(size, b"\xff")) for track in tracks], axis=1)
    return AudioFormat("wav/pcm", 16, 8000, len(tracks)).wav(samples.astype("<i2").tobytes())


CALL = wav(LEFT, RIGHT)


@pytest.fixture
async def gladia() -> AsyncIterator[EmulatedGladia]:
    async with EmulatedGladia(ScriptedRecogniser()) as running:
        yield running


def faulty(**faults) -> EmulatedGladia:
    return EmulatedGladia(
        ScriptedRecogniser(), settings=Settings(faults=Faults(prerecorded=PreRecordedFaults(**faults)))
    )


def client(gladia: EmulatedGladia):
    return GladiaClient(api_key="k", api_url=gladia.url).prerecorded()


def named(content: bytes, name: str = "call.wav") -> io.BytesIO:
    file = io.BytesIO(content)
    file.name = name
    return file


async def transcribed(gladia: EmulatedGladia, content: bytes = CALL, **options):
    options = PreRecordedV2TranscriptionOptions(**options)
    return await asyncio.to_thread(client(gladia).transcribe, named(content), options, interval=0.02, timeout=20)


async def test_gladias_own_client_has_a_call_transcribed(gladia):
    done = await transcribed(gladia, custom_metadata={"call_id": "CA1"})

    assert (done.kind, done.status, done.custom_metadata) == ("pre-recorded", "done", {"call_id": "CA1"})
    assert (done.file.filename, done.file.number_of_channels) == ("call.wav", 2)
    assert done.result.metadata.number_of_distinct_channels == 2
    assert done.result.metadata.billing_time == pytest.approx(2 * done.result.metadata.audio_duration, abs=0.01)
    said = done.result.transcription.utterances
    assert [(each.channel, each.text.strip()) for each in said] == [
        (0, "hello how can I help you"),
        (1, "good morning I have lost my card"),
    ]
    assert said[1].start == pytest.approx(2.5, abs=0.001)
    assert [word.word.strip() for word in said[0].words] == ["hello", "how", "can", "I", "help", "you"]
    assert said[0].speaker is None


async def test_so_does_its_asynchronous_one(gladia):
    own = GladiaClient(api_key="k", api_url=gladia.url).prerecorded_async()
    uploaded = await own.upload_file(named(CALL))
    assert uploaded.audio_metadata.number_of_channels == 2
    assert uploaded.audio_metadata.size == len(CALL)

    created = await own.create({"audio_url": uploaded.audio_url})
    done = await own.poll(created.id, interval=0.02, timeout=20)

    assert len(done.result.transcription.utterances) == 2
    assert created.result_url.endswith(f"/v2/pre-recorded/{created.id}")


ANALYSED = {"named_entity_recognition": True, "sentiment_analysis": True, "summarization": True, "translation": True,
            "translation_config": {"target_languages": ["fr"]}}  # fmt: skip
UNHAPPY = wav(
    spoken("My name is Maya Lopez.") + silence(3000) + spoken("I am not happy."),
    silence(2000) + spoken("It costs 15 dollars."),
)


async def analysed(gladia: EmulatedGladia, **options):
    own = GladiaClient(api_key="k", api_url=gladia.url).prerecorded_async()
    url = (await own.upload_file(named(UNHAPPY))).audio_url
    created = await own.create({"audio_url": url} | ANALYSED | options)
    return (await own.poll(created.id, interval=0.02, timeout=20)).result


async def test_the_add_ons_are_of_the_whole_call_in_the_order_of_speech(gladia):
    result = await analysed(gladia)

    assert [each.text for each in result.named_entity_recognition.results] == ["Maya Lopez", "15 dollars"]
    sentiments = json.loads(result.sentiment_analysis.results)
    assert [(each["channel"], each["sentiment"]) for each in sentiments] == [
        (0, "neutral"), (1, "neutral"), (0, "negative"),
    ]  # fmt: skip
    assert "speaker" not in sentiments[0]
    assert result.summarization.success
    assert "15 dollars" in result.summarization.results
    assert (result.translation.success, result.translation.error.status_code) == (False, 501)


async def test_where_voices_are_told_apart_sentiments_have_a_speaker(gladia):
    sentiments = json.loads((await analysed(gladia, diarization=True)).sentiment_analysis.results)
    assert sentiments[0]["speaker"] == 0


async def test_a_summary_is_of_the_kind_that_was_asked_for(gladia):
    result = await analysed(gladia, summarization_config={"type": "bullet_points"})
    assert result.summarization.results.startswith("- My name is Maya Lopez.\n- ")


async def test_add_ons_fail_on_demand():
    async with faulty(failing_add_ons=("sentiment_analysis", "summarization")) as gladia:
        result = await analysed(gladia)
    assert (result.sentiment_analysis.success, result.sentiment_analysis.results) == (False, "")
    assert (result.summarization.success, result.summarization.error.status_code) == (False, 500)
    assert result.named_entity_recognition.success


async def test_jobs_are_listed_fetched_and_deleted(gladia):
    done = await transcribed(gladia)
    own = client(gladia)

    listed = await asyncio.to_thread(own.list, {"status": ["done"]})
    assert [each.id for each in listed.items] == [done.id]
    assert await asyncio.to_thread(own.get_file, done.id) == CALL
    assert await asyncio.to_thread(own.delete, done.id)
    assert (await asyncio.to_thread(own.list)).items == []
    with pytest.raises(Exception, match="404"):
        await asyncio.to_thread(own.get, done.id)


async def test_our_own_client_reads_the_same(gladia):
    form = Multipart("CA1.wav", boundary="a-boundary")
    exchange = upload(gladia.url, "k", form, size_bytes=len(CALL))
    async with aiohttp.ClientSession() as http:
        body = form.head + CALL + form.tail
        answer = await http.post(exchange.request.url, headers=dict(exchange.request.headers), data=body)
        uploaded = exchange.outcome(answer.status, await answer.read())
    assert (uploaded.channels, uploaded.audio_s) == (2, pytest.approx(len(LEFT) / 8000, abs=0.3))

    asked = {"languages": ["en"], "is_mono": False, "callback_url": "", "call_id": "CA1"}
    job = await asyncio.to_thread(perform, start(gladia.url, "k", uploaded.audio_url, **asked))
    while not (found := await asyncio.to_thread(perform, fetch(gladia.url, "k", job))).settled:
        pass
    assert [(each.channel, each.text.strip()) for each in found.utterances] == [
        (0, "hello how can I help you"),
        (1, "good morning I have lost my card"),
    ]
    assert (found.channels, found.malformed) == (2, 0)
    gone = await asyncio.to_thread(perform, fetch(gladia.url, "k", "no-such-job"))
    assert (gone.status, gone.error_code) == ("error", 404)


async def test_a_job_may_be_about_a_file_from_elsewhere(gladia):
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=CALL)

    async with Serving(answer) as url:
        own = GladiaClient(api_key="k", api_url=gladia.url).prerecorded_async()
        created = await own.create({"audio_url": f"{url}/elsewhere.wav"})
        done = await own.poll(created.id, interval=0.02, timeout=20)

        assert done.file.source == f"{url}/elsewhere.wav"
        assert len(done.result.transcription.utterances) == 2


class Serving:
    """Serves `handler` at any path while inside, and keeps what it is asked."""

    def __init__(self, handler) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        self._runner = web.AppRunner(app)

    async def __aenter__(self) -> str:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def __aexit__(self, *_) -> None:
        await self._runner.cleanup()


@pytest.mark.parametrize(("callbacks", "method"), [(1, "POST"), (2, "POST"), (1, "PUT")])
async def test_whoever_asked_for_it_is_told_of_the_end(callbacks, method):
    heard: asyncio.Queue = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        await heard.put((request.method, await request.json()))
        return web.Response()

    async with faulty(callbacks=callbacks) as gladia, Serving(take) as url:
        config = {"url": f"{url}/told", "method": method}
        done = await transcribed(gladia, callback=True, callback_config=config, custom_metadata={"call_id": "CA1"})
        for _ in range(callbacks):
            asked, body = await asyncio.wait_for(heard.get(), 10)
            assert asked == method
            assert (body["id"], body["event"]) == (done.id, "transcription.success")
            assert body["custom_metadata"] == {"call_id": "CA1"}
            assert body["payload"]["transcription"]["utterances"][0]["text"].strip() == "hello how can I help you"


async def test_a_job_that_fails_says_so_to_all():
    heard: asyncio.Queue = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        await heard.put(await request.json())
        return web.Response()

    async with faulty(fate="error", error_code=502) as gladia, Serving(take) as url:
        with pytest.raises(Exception, match="502"):
            await transcribed(gladia, callback=True, callback_config={"url": url})
        body = await asyncio.wait_for(heard.get(), 10)

    assert (body["event"], body["error"]["code"]) == ("transcription.error", 502)


async def test_a_result_may_never_come():
    async with faulty(fate="never") as gladia:
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(client(gladia).transcribe, named(CALL), {}, interval=0.02, timeout=0.2)


async def test_requests_are_refused_on_demand():
    async with faulty(refusals=(422, 503)) as gladia:
        own = client(gladia)
        with pytest.raises(Exception, match="422"):
            await asyncio.to_thread(own.upload_file, named(CALL))
        assert (await asyncio.to_thread(own.upload_file, named(CALL))).audio_url  # it tries a 503 again


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no audio at all", wav(b"")])
async def test_what_holds_no_audio_is_taken_and_then_an_error(gladia, content):
    with pytest.raises(Exception, match="error code: 400"):
        await transcribed(gladia, content)


async def test_one_that_is_longer_than_allowed_is_an_error(gladia, monkeypatch):
    monkeypatch.setattr("local.gladia.prerecorded.routes.MOST_S", 1.0)
    with pytest.raises(Exception, match="error code: 400"):
        await transcribed(gladia)


async def test_one_that_is_larger_than_allowed_is_refused():
    async with EmulatedGladia(ScriptedRecogniser(), settings=Settings(upload_limit_bytes=1000)) as gladia:
        with pytest.raises(Exception, match="413"):
            await asyncio.to_thread(client(gladia).upload_file, named(CALL))


async def test_beyond_its_plan_a_key_is_told_to_wait():
    settings = Settings(
        recordings_per_key=1, recordings_queued_per_key=1, faults=Faults(prerecorded=PreRecordedFaults(fate="never"))
    )
    async with EmulatedGladia(ScriptedRecogniser(), settings=settings) as gladia:
        own = GladiaClient(api_key="k", api_url=gladia.url).prerecorded_async()
        url = (await own.upload_file(named(CALL))).audio_url
        jobs = [(await own.create({"audio_url": url})).id for _ in range(2)]
        async with aiohttp.ClientSession(headers={"x-gladia-key": "k"}) as http:
            body = json.dumps({"audio_url": url})
            answer = await http.post(f"{gladia.url}/v2/pre-recorded", data=body)
            other = await http.post(f"{gladia.url}/v2/pre-recorded", data=body, headers={"x-gladia-key": "another"})
        assert (answer.status, other.status) == (429, 201)
        assert [(await own.get(job)).status for job in jobs] == ["processing", "queued"]


async def test_keys_are_looked_at_and_see_their_own_alone(gladia):
    done = await transcribed(gladia)
    async with aiohttp.ClientSession() as http:
        for method, path in (("POST", "upload"), ("POST", "pre-recorded"), ("GET", "pre-recorded")):
            assert (await http.request(method, f"{gladia.url}/v2/{path}")).status == 401
        answer = await http.get(f"{gladia.url}/v2/pre-recorded/{done.id}", headers={"x-gladia-key": "another"})
        assert answer.status == 404


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "audio_url should not be null or undefined"),
        ({"audio_url": "file:///etc/passwd"}, "audio_url must be a URL address"),
        ({"audio_url": "https://x.test/a", "region": "eu-west"}, "property region should not exist"),
        ({"audio_url": "https://x.test/a", "diarization": 1}, "diarization must be a boolean value"),
        ({"audio_url": "https://x.test/a", "callback": True}, "callback_config should not be null or undefined"),
        (
            {"audio_url": "https://x.test/a", "callback": True, "callback_config": {"url": "x"}},
            "callback_config.url must be a URL address",
        ),
        (
            {"audio_url": "https://x.test/a", "callback_config": {"url": "https://x.test", "method": "GET"}},
            "callback_config.method must be one of the following values: POST, PUT",
        ),
        (
            {"audio_url": "https://x.test/a", "subtitles_config": {"maximum_duration": 31}},
            "subtitles_config.maximum_duration must not be greater than 30",
        ),
        (
            {"audio_url": "https://x.test/a", "model": "solaria-3", "language_config": {"languages": ["en", "pl"]}},
            "language_config.languages must be one of de, en, es, fr, it for solaria-3",
        ),
        (
            {"audio_url": "https://x.test/a", "custom_metadata": {"x": "y" * 2000}},
            "custom_metadata must be shorter than or equal to 2000 characters",
        ),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_a_request_is_named(gladia, body, why):
    async with aiohttp.ClientSession(headers={"x-gladia-key": "k"}) as http:
        answer = await http.post(f"{gladia.url}/v2/pre-recorded", data=json.dumps(body))
        assert answer.status == 400
        assert (await answer.json())["validation_errors"] == [why]


async def test_a_file_of_nobody_is_refused(gladia):
    async with aiohttp.ClientSession(headers={"x-gladia-key": "k"}) as http:
        body = json.dumps({"audio_url": f"{gladia.url}/file/00000000-0000-0000-0000-000000000000"})
        assert (await http.post(f"{gladia.url}/v2/pre-recorded", data=body)).status == 400


def test_a_request_has_gladias_defaults():
    request = parse(b'{"audio_url": "https://x.test/a"}')

    assert request == PreRecordedRequest(audio_url="https://x.test/a")
    assert (request.model, request.diarization, request.told) == ("solaria-1", False, None)


def test_the_older_way_to_be_told_is_still_one():
    asked = parse(b'{"audio_url": "https://x.test/a", "callback_url": "https://y.test/b"}')

    assert (asked.told.url, asked.told.method) == ("https://y.test/b", "POST")


@pytest.mark.parametrize(
    ("audio_format", "samples"),
    [
        (AudioFormat("wav/ulaw", 8, 8000, 2), b"\xff" * 16000),
        (AudioFormat("wav/alaw", 8, 8000, 1), b"\xd5" * 8000),
        (AudioFormat("wav/pcm", 16, 16000, 1), b"\0" * 32000),
        (AudioFormat("wav/pcm", 24, 44100, 2), b"\0" * 44100 * 6),
    ],
)
def test_wav_files_of_many_kinds_are_understood(audio_format, samples):
    content = audio_format.wav(samples)
    found = sound_of(io.BytesIO(content), len(content))

    assert (found.audio_format, found.size_bytes) == (audio_format, len(samples))
    assert found.duration_s == pytest.approx(1.0)
    extensible = _extensible(audio_format, samples)
    assert sound_of(io.BytesIO(extensible), len(extensible)).audio_format == audio_format


def _extensible(audio_format: AudioFormat, samples: bytes) -> bytes:
    tag = {"wav/pcm": 1, "wav/alaw": 6, "wav/ulaw": 7}[audio_format.encoding]
    fmt = struct.pack(
        "<HHIIHHHHIH14s", 0xFFFE, audio_format.channels, audio_format.rate_hz, 0, audio_format.frame_bytes,
        audio_format.bit_depth, 22, audio_format.bit_depth, 0, tag, b"\0" * 14,
    )  # fmt: skip
    body = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + b"LIST\x03\0\0\0abc\0"
    body += b"data\xff\xff\xff\xff" + samples  # streamed out, so that its length is not known
    return b"RIFF\xff\xff\xff\xff" + body


@pytest.mark.parametrize("content", [b"RIFF\0\0\0\0WAVEdata\0\0\0\0", b"RIFF\0\0\0\0WAVEfmt \x02\0\0\0ab", b"RIFX"])
def test_what_is_no_wav_file_is_not(content):
    assert sound_of(io.BytesIO(content), len(content)) is None


def as_file(tmp_path, content: bytes) -> File:
    path = tmp_path / "call.wav"
    path.write_bytes(content)
    return File("1", path, "call.wav", len(content), sound_of(io.BytesIO(content), len(content)))


async def test_two_recorded_voices_on_one_channel_are_told_apart(tmp_path):
    call = recorded_call("voicemail")
    size = min(len(call.caller.audio), len(call.agent.audio))
    mixed = mulaw_decode(call.caller.audio[:size]).astype(int) + mulaw_decode(call.agent.audio[:size])
    samples = np.clip(mixed, -32768, 32767).astype("<i2").tobytes()
    file = as_file(tmp_path, AudioFormat("wav/pcm", 16, 8000, 1).wav(samples))
    of = {"caller": call.caller.utterances, "agent": call.agent.utterances}
    turns = sorted((said.start_s, said.end_s, party) for party, each in of.items() for said in each)
    utterances = [Utterance("x", start, end, 1.0, 0, "en", ()) for start, end, _ in turns]

    found = speakers(file, utterances, None)

    right = max(
        sum((speaker == swap) == (party == "caller") for speaker, (_, _, party) in zip(found, turns, strict=True))
        for swap in (0, 1)
    )
    assert right >= 0.8 * len(turns), found


async def test_a_long_recording_is_read_piece_by_piece(tmp_path):
    minutes = wav(silence(1000) + (spoken("one two three") + silence(4000)) * 120)

    said = await hear(as_file(tmp_path, minutes), ScriptedRecogniser(), languages=())

    assert [each.text.strip() for each in said] == ["one two three"] * 120
