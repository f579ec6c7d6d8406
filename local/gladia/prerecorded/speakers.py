"""Who says what in a recording of one channel, by how voices sound: no model, and no promise.

Each utterance is known by its mean spectrum. It is said by the speaker whose utterances so far sound most like it, or
by a new one if none sounds like it at all.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from local.gladia.messages import Utterance
from local.gladia.prerecorded.files import File
from local.gladia.prerecorded.request import DiarizationConfig
from local.gladia.whisper.features import log_mel
from local.gladia.whisper.samples import MODEL_RATE_HZ, SampleReader

# Cosine of two voices' mean spectra, each less the mean of all; telephone speech of one person is above it.
ALIKE = 0.2
MOST = 8
_FRAME_S = 0.01
_PIECE_S = 10.0

Floats = NDArray[np.float32]


def speakers(file: File, said: Sequence[Utterance], config: DiarizationConfig | None) -> list[int]:
    """Return the speaker of each utterance, numbered from 0 in the order in which they first speak."""
    if not said or file.sound is None:
        return []
    spectra = _spectra(file)
    voices = np.stack([_voice(spectra, utterance) for utterance in said])
    voices -= voices.mean(axis=0)
    config = config or DiarizationConfig()
    most = config.number_of_speakers or config.max_speakers or MOST
    sums: list[Floats] = []
    found: list[int] = []
    for voice in voices:
        likeness = [_cosine(voice, each) for each in sums]
        nearest = int(np.argmax(likeness)) if likeness else -1
        if nearest < 0 or (likeness[nearest] < ALIKE and len(sums) < most):
            sums.append(voice.copy())
            nearest = len(sums) - 1
        else:
            sums[nearest] = sums[nearest] + voice
        found.append(nearest)
    return found


def _spectra(file: File) -> Floats:
    """Return the log-mel spectrum of the file's first channel: frames of 10 ms by bands."""
    if file.sound is None:
        return np.zeros((0, 80), np.float32)
    reader = SampleReader(file.sound.audio_format)
    parts = []
    for first, *_ in file.pieces(_PIECE_S):
        samples = reader.read(first)
        parts.append(log_mel(samples, frames=round(len(samples) / MODEL_RATE_HZ / _FRAME_S)).T)
    return np.concatenate(parts) if parts else np.zeros((0, 80), np.float32)


def _voice(spectra: Floats, said: Utterance) -> Floats:
    part = spectra[round(said.start / _FRAME_S) : max(round(said.end / _FRAME_S), round(said.start / _FRAME_S) + 1)]
    mean: Floats = part.mean(axis=0) if len(part) else np.zeros(spectra.shape[1], np.float32)
    return mean


def _cosine(one: Floats, other: Floats) -> float:
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / size if size else 0.0
