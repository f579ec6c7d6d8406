"""What is said in a file: each channel by an ear of the recogniser, as in a live session, but as fast as it goes."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from local.audio import mulaw_encode
from local.gladia.audio import AudioFormat
from local.gladia.messages import Utterance, utterance
from local.gladia.prerecorded.files import File
from local.gladia.recogniser import Ear, Finished, Heard, Recogniser, Spoken, Track

PIECE_S = 1.0
ENDPOINTING_S = 0.3
MAXIMUM_S = 15.0
# What is given to an ear and not yet heard; more would be a whole recording in memory.
AHEAD_S = 30.0


async def hear(file: File, recogniser: Recogniser, *, languages: Sequence[str]) -> list[Utterance]:
    """Return the utterances in `file`, in the order of speech."""
    if file.sound is None:
        return []
    heard = [
        _Channel(number, _as_heard(file.sound.audio_format), recogniser, languages) for number in range(file.channels)
    ]
    try:
        for pieces in file.pieces(PIECE_S):
            for channel, audio in zip(heard, pieces, strict=True):
                channel.hear(_encoded(audio, file.sound.audio_format))
            await asyncio.gather(*(channel.keep_up() for channel in heard))
        for channel in heard:
            channel.ear.finish()
        await asyncio.gather(*(channel.finished.wait() for channel in heard))
    finally:
        for channel in heard:
            channel.ear.close()
    return sorted((said for channel in heard for said in channel.said), key=lambda said: (said.start, said.channel))


class _Channel:
    def __init__(
        self, number: int, audio_format: AudioFormat, recogniser: Recogniser, languages: Sequence[str]
    ) -> None:
        self.said: list[Utterance] = []
        self.finished = asyncio.Event()
        self._number = number
        self._format = audio_format
        self._given_s = self._heard_s = 0.0
        self._more = asyncio.Event()
        self.ear: Ear = recogniser.listen(
            Track(
                channel=number,
                audio_format=audio_format,
                languages=tuple(languages),
                endpointing_s=ENDPOINTING_S,
                maximum_s=MAXIMUM_S,
                wants_partials=False,
            ),
            self._tell,
        )

    def hear(self, audio: bytes) -> None:
        self._given_s += self._format.seconds(len(audio))
        self.ear.hear(audio)

    async def keep_up(self) -> None:
        """Let others have their turn, and wait until the ear is not too far behind."""
        await asyncio.sleep(0)
        while self._given_s - self._heard_s > AHEAD_S:
            self._more.clear()
            await self._more.wait()

    def _tell(self, heard: Heard) -> None:
        match heard:
            case Spoken(is_final=True):
                self.said.append(utterance(heard, self._number))
            case Finished():
                self.finished.set()
            case _ if (until_s := getattr(heard, "until_s", None)) is not None:
                self._heard_s = until_s
                self._more.set()


def _as_heard(audio_format: AudioFormat) -> AudioFormat:
    """Return how one channel is given to an ear: telephone audio in the form that it had on the telephone."""
    if _is_telephone(audio_format):
        return AudioFormat("wav/ulaw", 8, 8000, 1)
    return replace(audio_format, channels=1)


def _encoded(audio: bytes, audio_format: AudioFormat) -> bytes:
    return mulaw_encode(np.frombuffer(audio, "<i2")) if _is_telephone(audio_format) else audio


def _is_telephone(audio_format: AudioFormat) -> bool:
    return (audio_format.encoding, audio_format.bit_depth, audio_format.rate_hz) == ("wav/pcm", 16, 8000)
