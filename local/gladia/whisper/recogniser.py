"""Whisper behind the emulator's interface: ears that listen on one thread and decode on others.

One core carries one lively call of two channels with partials, or about six without.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from local.gladia.recogniser import Finished, Listened, SpeechEnded, SpeechStarted, Tell, Track
from local.gladia.whisper.desk import Desk, Words, Work
from local.gladia.whisper.endpointer import Closed, Endpointer, Event, Growing, Opened
from local.gladia.whisper.model import FINAL_FRAMES, Speech, WhisperModel
from local.gladia.whisper.samples import SampleReader
from local.gladia.whisper.transcribe import LANGUAGE, final_words, utterance


class WhisperRecogniser:
    """English by Whisper tiny.en. Loads the model when entered, unless it is given one.

    `workers` threads decode (1 or 2: a core each); `final_frames` is the context of a final, in hundredths of a second:
    1500, or 3000 for half a point less of word error rate at three times the work.
    """

    languages = frozenset({LANGUAGE})

    def __init__(
        self,
        *,
        workers: int = 1,
        final_frames: int = FINAL_FRAMES,
        path: Path | None = None,
        model: WhisperModel | None = None,
    ) -> None:
        self._workers = workers
        self._final_frames = final_frames
        self._path = path
        self._model = model
        self._shop: _Shop | None = None

    def listen(self, track: Track, tell: Tell) -> "WhisperEar":
        """Return a new ear for one channel. Raises RuntimeError unless entered."""
        if self._shop is None:
            raise RuntimeError("the recogniser has not been entered")
        return WhisperEar(track, tell, self._shop)

    async def __aenter__(self) -> Self:
        """Load the model. Raises UnknownModelError if it is not the one meant."""
        model = self._model
        if model is None:
            model = await asyncio.to_thread(WhisperModel, self._path, workers=self._workers)
        listening = ThreadPoolExecutor(1, thread_name_prefix="listen")
        self._shop = _Shop(model, Desk(workers=self._workers), listening, self._final_frames)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the threads to finish what they are at, and drop the rest."""
        if self._shop is not None:
            await asyncio.to_thread(self._shop.listening.shutdown, cancel_futures=True)
            await self._shop.desk.close()
            self._shop = None


@dataclass(frozen=True, slots=True)
class _Shop:
    """What all ears share."""

    model: WhisperModel
    desk: Desk
    listening: ThreadPoolExecutor
    final_frames: int


class WhisperEar:
    """Hears one channel. Its finals come in order; a partial never comes after its final.

    What sounded like words at first may turn out to be none ("um", a cough): then a partial has no final.
    """

    def __init__(self, track: Track, tell: Tell, shop: _Shop) -> None:
        self._tell = tell
        self._shop = shop
        self._understands = not track.languages or LANGUAGE in track.languages
        self._listener = _Listener(track, wants_partials=track.wants_partials and self._understands)
        self._seen_s = 0.0
        self._is_finishing = False
        self._unheard = 0  # pieces of audio on their way through the listening thread
        self._closed = 0  # utterances that ended; the number of the one after
        self._finals: deque[tuple[int, Speech]] = deque()  # those not yet decoded, in order
        self._next_final = 0  # the number below which every final has been told
        self._growing: Speech | None = None
        self._is_partial_asked = False
        self._shown = (0, "")

    def hear(self, audio: bytes) -> None:
        """Listen to `audio` on the listening thread."""
        self._listen(partial(self._listener.hear, audio))

    def finish(self) -> None:
        """Listen to the last milliseconds, decode what is left, then tell Finished."""
        self._is_finishing = True
        self._listen(self._listener.finish)

    def close(self) -> None:
        """Tell nothing more and ask for no more threads."""
        self._tell = lambda _: None
        self._finals.clear()
        self._growing = None
        self._is_finishing = False

    def _listen(self, take: Callable[[], tuple[list[Event], float]]) -> None:
        self._unheard += 1
        asyncio.get_running_loop().run_in_executor(self._shop.listening, take).add_done_callback(self._listened)

    def _listened(self, taken: "asyncio.Future[tuple[list[Event], float]]") -> None:
        self._unheard -= 1
        if taken.cancelled():
            return
        events, self._seen_s = taken.result()
        for event in events:
            match event:
                case Opened(at_s):
                    self._tell(SpeechStarted(at_s))
                case Growing(speech):
                    self._grow(speech)
                case Closed(speech):
                    self._tell(SpeechEnded(speech.last_s))
                    self._end(speech)
        self._report()

    def _grow(self, speech: Speech) -> None:
        self._growing = speech
        if not self._is_partial_asked:
            self._is_partial_asked = True
            self._shop.desk.ask_partial(self._partial)

    def _partial(self) -> Work | None:
        speech, self._growing = self._growing, None
        if speech is None:  # its final is on the way
            self._is_partial_asked = False
            return None
        return Work(partial(self._shop.model.partial, speech), partial(self._show, self._closed))

    def _show(self, number: int, words: Words) -> None:
        self._is_partial_asked = False
        shown = (number, "".join(word.text for word in words))
        if words and shown != self._shown and number >= self._next_final:
            self._shown = shown
            self._tell(utterance(number, words, is_final=False))
        if self._growing is not None:
            self._grow(self._growing)

    def _end(self, speech: Speech) -> None:
        number, self._closed = self._closed, self._closed + 1
        self._growing = None
        if not self._understands:
            return
        self._finals.append((number, speech))
        if len(self._finals) == 1:
            self._shop.desk.ask_final(self._final)

    def _final(self) -> Work | None:
        if not self._finals:
            return None
        number, speech = self._finals[0]
        decode = partial(final_words, self._shop.model, speech, frames=self._shop.final_frames)
        return Work(decode, partial(self._settle, number))

    def _settle(self, number: int, words: Words) -> None:
        if not self._finals:  # closed meanwhile
            return
        self._finals.popleft()
        self._next_final = number + 1
        if words:
            self._tell(utterance(number, words, is_final=True))
        if self._finals:
            self._shop.desk.ask_final(self._final)
        self._report()

    def _report(self) -> None:
        """Tell how far everything has been heard, and whether that is all."""
        self._tell(Listened(self._finals[0][1].begin_s if self._finals else self._seen_s))
        if self._is_finishing and not self._unheard and not self._finals:
            self._is_finishing = False
            self._tell(Finished())


class _Listener:
    """What happens on the listening thread for one channel: bytes to samples to utterances."""

    def __init__(self, track: Track, *, wants_partials: bool) -> None:
        self._step = track.audio_format.rate_hz * track.audio_format.sample_bytes  # a second
        self._reader = SampleReader(track.audio_format)
        self._endpointer = Endpointer(
            endpointing_s=track.endpointing_s, maximum_s=track.maximum_s, wants_partials=wants_partials
        )

    def hear(self, audio: bytes) -> tuple[list[Event], float]:
        """Return what `audio` made known, and how far the channel was looked at."""
        events: list[Event] = []
        for start in range(0, len(audio), self._step):
            events += self._endpointer.push(self._reader.read(audio[start : start + self._step]))
            events = _newest(events)
        return events, self._endpointer.seen_s

    def finish(self) -> tuple[list[Event], float]:
        """Return what the end of the audio makes known."""
        events = [*self._endpointer.push(self._reader.flush()), *self._endpointer.flush()]
        return _newest(events), self._endpointer.seen_s


def _newest(events: list[Event]) -> list[Event]:
    """Return `events` with only the last look at an utterance that still grows: a burst may hold hundreds."""
    last = len(events) - 1
    return [event for place, event in enumerate(events) if not isinstance(event, Growing) or place == last]
