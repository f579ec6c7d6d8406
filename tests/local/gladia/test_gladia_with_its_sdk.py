"""Gladia's own client, unmodified, is the judge of the emulated Gladia."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from gladiaio_sdk import (
    GladiaClient,
    LiveV2ConnectSessionOptions,
    LiveV2InitRequest,
    LiveV2MessagesConfig,
    LiveV2PostProcessingConfig,
    LiveV2RealtimeProcessingConfig,
)

from local.gladia.faults import AddOnFailed
from local.gladia.plan import Faults, Rule
from local.gladia.scripted import ScriptedRecogniser, silence, spoken
from local.gladia.server import EmulatedGladia
from local.gladia.settings import Settings

LEFT = spoken("hello how can I help you") + silence(2500)
RIGHT = (silence(2000) + spoken("good morning I would like a table")).ljust(len(LEFT), b"\xff")
CALL = bytes(byte for pair in zip(LEFT, RIGHT, strict=True) for byte in pair)
CHUNKS = [CALL[at : at + 1600] for at in range(0, len(CALL), 1600)]

ASKED = LiveV2InitRequest(
    encoding="wav/ulaw",
    bit_depth=8,
    sample_rate=8000,
    channels=2,
    endpointing=0.3,
    custom_metadata={"call_id": "CA0"},
    messages_config=LiveV2MessagesConfig(
        receive_partial_transcripts=True, receive_lifecycle_events=True, receive_acknowledgments=True
    ),
)


@pytest.fixture
async def gladia() -> AsyncIterator[EmulatedGladia]:
    async with EmulatedGladia(ScriptedRecogniser()) as running:
        yield running


def client(gladia: EmulatedGladia) -> GladiaClient:
    return GladiaClient(api_key="k", api_url=gladia.url, region="eu-west")


class Recording:
    """A session of the official client, async or sync, and all it told. `start` is its `start_session`."""

    def __init__(
        self,
        start: Callable[[LiveV2InitRequest], Any],
        loop: asyncio.AbstractEventLoop,
        asked: LiveV2InitRequest = ASKED,
    ) -> None:
        self.messages: list[Any] = []
        self.errors: list[Exception] = []
        self.connected = asyncio.Event()
        self.ended: asyncio.Future[int] = loop.create_future()
        self._acknowledged: dict[int, asyncio.Event] = {}
        self.session = start(asked)
        self.session.on("message", self._take)
        self.session.on("error", self.errors.append)
        self.session.on("connected", lambda _: loop.call_soon_threadsafe(self.connected.set))
        self.session.on("ended", lambda end: loop.call_soon_threadsafe(self.ended.set_result, end.code))

    def _take(self, message: Any) -> None:
        self.messages.append(message)
        if message.type == "audio_chunk" and (awaited := self._acknowledged.get(message.data.byte_range[1])):
            awaited.set()

    async def acknowledged(self, position: int) -> None:
        await self._acknowledged.setdefault(position, asyncio.Event()).wait()

    def of(self, kind: str) -> list[Any]:
        return [message for message in self.messages if message.type == kind]

    def texts(self, *, is_final: bool) -> list[str]:
        return [each.data.utterance.text for each in self.of("transcript") if each.data.is_final is is_final]


async def run(recording: Recording, audio: Sequence[bytes] = CHUNKS) -> int:
    """Play the call and stop; return the code with which the server closed."""
    await recording.connected.wait()
    for chunk in audio:
        recording.session.send_audio(chunk)
    recording.session.stop_recording()
    return await recording.ended


async def test_the_async_client_gets_partials_finals_and_an_end_with_1000(gladia):
    recording = Recording(client(gladia).live_v2_async().start_session, asyncio.get_running_loop())

    assert await run(recording) == 1000
    assert recording.errors == []
    assert recording.texts(is_final=True) == [" hello how can I help you", " good morning I would like a table"]
    assert recording.texts(is_final=False)[:2] == [" hello", " hello how"]
    assert recording.of("audio_chunk")[-1].data.byte_range[1] == len(CALL)
    assert recording.of("post_final_transcript")[0].data.metadata.audio_duration == len(CALL) / 16000
    assert [message.type for message in recording.messages][-1] == "end_session"


async def test_the_sync_client_gets_the_same(gladia):
    loop = asyncio.get_running_loop()
    recording = await asyncio.to_thread(lambda: Recording(client(gladia).live_v2().start_session, loop))
    await recording.connected.wait()

    def play() -> None:
        for chunk in CHUNKS:
            recording.session.send_audio(chunk)
        recording.session.stop_recording()

    await asyncio.to_thread(play)

    assert await recording.ended == 1000
    assert recording.errors == []
    assert recording.texts(is_final=True) == [" hello how can I help you", " good morning I would like a table"]
    await asyncio.to_thread(_join, "live-v2-ws")


def _join(name: str) -> None:
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join()


ANALYSED = replace(
    ASKED,
    channels=1,
    realtime_processing=LiveV2RealtimeProcessingConfig(named_entity_recognition=True, sentiment_analysis=True),
    post_processing=LiveV2PostProcessingConfig(summarization=True),
)
MAYA = [spoken("My name is Maya Lopez and I am not happy.") + silence(1000) + spoken("It costs 15 dollars.")]


async def test_the_client_reads_entities_sentiments_and_the_summary(gladia):
    live = client(gladia).live_v2_async()
    recording = Recording(live.start_session, asyncio.get_running_loop(), ANALYSED)

    assert await run(recording, MAYA) == 1000
    assert recording.errors == []
    first, second = recording.of("named_entity_recognition")
    assert [(each.entity_type, each.text) for each in first.data.results] == [("NAME", "Maya Lopez")]
    assert [first.data.utterance_id, second.data.utterance_id] == [
        each.data.id for each in recording.of("transcript") if each.data.is_final
    ]
    assert first.data.utterance.words[3].start == first.data.results[0].start
    assert [(each.entity_type, each.text) for each in second.data.results] == [("MONEY", "15 dollars")]
    [sad] = recording.of("sentiment_analysis")[0].data.results
    assert (sad.sentiment, sad.emotion, sad.channel) == ("negative", "disappointment", 0)
    [summary] = recording.of("post_summarization")
    assert "My name is Maya Lopez" in summary.data.results

    result = (await live.get(recording.session.session_id)).result
    assert [each.text for each in result.named_entity_recognition.results] == ["Maya Lopez", "15 dollars"]
    assert isinstance(result.sentiment_analysis.results, str)
    assert (result.summarization.success, result.summarization.results) == (True, summary.data.results)


async def test_the_client_reads_add_ons_that_failed():
    failing = tuple(
        AddOnFailed(add_on=each) for each in ("named_entity_recognition", "sentiment_analysis", "summarization")
    )
    settings = Settings(faults=Faults(rules=(Rule(faults=failing),)))
    async with EmulatedGladia(ScriptedRecogniser(), settings=settings) as gladia:
        live = client(gladia).live_v2_async()
        recording = Recording(live.start_session, asyncio.get_running_loop(), ANALYSED)

        assert await run(recording, MAYA) == 1000
        assert recording.errors == []
        for kind in ("named_entity_recognition", "sentiment_analysis", "post_summarization"):
            assert (recording.of(kind)[0].data, recording.of(kind)[0].error.message) == (None, "failed, on demand")
        assert recording.of("named_entity_recognition")[1].data.results[0].text == "15 dollars"
        result = (await live.get(recording.session.session_id)).result
        assert (result.summarization.success, result.summarization.error.status_code) == (False, 500)


async def test_the_client_reads_lists_fetches_and_deletes_results(gladia):
    live = client(gladia).live_v2_async()
    recording = Recording(live.start_session, asyncio.get_running_loop())
    await run(recording)
    session_id = recording.session.session_id

    job = await live.get(session_id)
    assert (job.status, job.custom_metadata) == ("done", {"call_id": "CA0"})
    assert [each.channel for each in job.result.transcription.utterances] == [0, 1]
    assert [
        item.id for item in (await live.list({"status": ["done"], "custom_metadata": {"call_id": "CA0"}})).items
    ] == [session_id]
    assert (await live.get_file(session_id)).endswith(CALL)
    assert await live.delete(session_id)
    assert (await live.list()).items == []


async def test_the_client_resumes_on_the_same_url_after_a_drop_without_losing_a_word(gladia):
    recording = Recording(client(gladia).live_v2_async().start_session, asyncio.get_running_loop())
    await recording.connected.wait()
    half = len(CHUNKS) // 2
    for chunk in CHUNKS[:half]:
        recording.session.send_audio(chunk)
    await recording.acknowledged(half * 1600)
    recording.connected.clear()
    recording.session._ws._ws.transport.abort()  # as when the network goes: no close frame

    await recording.connected.wait()
    for chunk in CHUNKS[half:]:
        recording.session.send_audio(chunk)
    recording.session.stop_recording()

    assert await recording.ended == 1000
    [session] = gladia.sessions.values()
    assert bytes(session.audio) == CALL
    assert recording.texts(is_final=True) == [" hello how can I help you", " good morning I would like a table"]


async def test_the_client_is_told_why_a_session_cannot_be_opened(gladia):
    errors: asyncio.Queue[Exception] = asyncio.Queue()
    session = client(gladia).live_v2_async().start_session({"sample_rate": 22050})
    session.on("error", errors.put_nowait)

    assert "sample_rate must be one of the following values" in str(await errors.get())
    await asyncio.gather(session._init_session_task, session._start_session_task, return_exceptions=True)


async def test_the_client_that_joins_a_session_that_is_over_ends_without_coming_back(gladia):
    live = client(gladia).live_v2_async()
    recording = Recording(live.start_session, asyncio.get_running_loop())
    await run(recording)
    opened = recording.session._init_session_response
    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    late = live.connect_session(LiveV2ConnectSessionOptions(id=opened.id, url=opened.url))
    late.on("ended", lambda end: ended.set_result(end.code))

    assert await ended == 4403
