"""The recogniser over one track alone: what it makes of the same audio without a network in between."""

from local.gladia.audio import AudioFormat
from local.gladia.recogniser import Spoken, Word
from local.gladia.request import Encoding
from local.gladia.whisper.endpointer import Closed, Endpointer, Event, pieces
from local.gladia.whisper.model import FINAL_FRAMES, Speech, WhisperModel
from local.gladia.whisper.samples import SampleReader

LANGUAGE = "en"


def transcribe(
    audio: bytes,
    *,
    encoding: Encoding = "wav/ulaw",
    bit_depth: int = 8,
    rate_hz: int = 8000,
    endpointing_s: float = 0.05,
    maximum_s: float = 5.0,
    final_frames: int = FINAL_FRAMES,
    model: WhisperModel | None = None,
) -> list[Spoken]:
    """Return the utterances in `audio`, one channel's samples without a header, in their order.

    With the same `endpointing_s` and `maximum_s` these are the finals of an emulated session, whose defaults they have.
    """
    model = model or WhisperModel()
    reader = SampleReader(AudioFormat(encoding, bit_depth, rate_hz, 1))
    endpointer = Endpointer(endpointing_s=endpointing_s, maximum_s=maximum_s)
    events: list[Event] = [*endpointer.push(reader.read(audio)), *endpointer.push(reader.flush()), *endpointer.flush()]
    found: list[Spoken] = []
    for event in events:
        if isinstance(event, Closed) and (words := final_words(model, event.speech, frames=final_frames)):
            found.append(utterance(len(found), words, is_final=True))
    return found


def final_words(model: WhisperModel, speech: Speech, *, frames: int) -> tuple[Word, ...]:
    """Return the words of an utterance of any length."""
    return tuple(word for part in pieces(speech) for word in model.final(part, frames=frames))


def utterance(number: int, words: tuple[Word, ...], *, is_final: bool) -> Spoken:
    """Return `words`, of which there is at least one, as utterance `number` of their channel."""
    return Spoken(
        number=number,
        is_final=is_final,
        words=words,
        start_s=words[0].start_s,
        end_s=words[-1].end_s,
        confidence=sum(word.confidence for word in words) / len(words),
        language=LANGUAGE,
    )
