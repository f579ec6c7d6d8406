"""Samples as Gladia takes them, made into floats at 16000 Hz, which both models want."""

import math
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from local.gladia.audio import AudioFormat

Floats = NDArray[np.float32]
MODEL_RATE_HZ: Final = 16000
_HALF_TAPS: Final = 16  # filter length each side, in samples of the slower of the two rates


class SampleReader:
    """One channel's bytes in, floats between -1 and 1 at 16000 Hz out; cutting the bytes differently changes nothing.

    The rate is changed by a windowed sinc, applied only where it has an output sample to make (a polyphase filter).
    Its delay is taken out, so that time 0 stays time 0; the last milliseconds come with `flush`.
    """

    def __init__(self, audio_format: AudioFormat) -> None:
        self._format = audio_format
        common = math.gcd(MODEL_RATE_HZ, audio_format.rate_hz)
        self._up = MODEL_RATE_HZ // common
        self._down = audio_format.rate_hz // common
        self._taps = _phases(self._up, self._down)
        self._reach = self._taps.shape[1] // 2
        self._kept = np.zeros(self._reach, np.float32)  # input still needed, from sample `_first` on
        self._first = -self._reach
        self._made = 0  # output samples

    def read(self, audio: bytes) -> Floats:
        """Return the samples that `audio`, whole samples of one channel, makes certain."""
        samples = _decode(audio, self._format)
        if self._up == self._down:
            return samples
        return self._make_certain(samples)

    def flush(self) -> Floats:
        """Return the samples that more audio could still have changed."""
        return _NOTHING if self._up == self._down else self._make_certain(np.zeros(self._reach, np.float32))

    def _make_certain(self, samples: Floats) -> Floats:
        """Return what can be made now that `samples` came."""
        self._kept = np.concatenate([self._kept, samples])
        # Output n needs input up to n * down / up + reach.
        known = self._first + len(self._kept) - self._reach
        return self._make(max(self._made, -(-known * self._up // self._down)))

    def _make(self, until: int) -> Floats:
        """Return the output samples from the last one made to `until`."""
        position = np.arange(self._made, until) * self._down
        self._made = until
        nearest, phase = position // self._up, position % self._up
        columns = (nearest - self._reach + 1 - self._first)[:, None] + np.arange(self._taps.shape[1])
        made: Floats = np.einsum("ij,ij->i", self._kept[columns], self._taps[phase]) if len(position) else _NOTHING
        spent = max(0, until * self._down // self._up - self._reach + 1 - self._first)
        self._kept = self._kept[spent:]
        self._first += spent
        return made


_NOTHING: Final[Floats] = np.zeros(0, np.float32)


@cache
def _phases(up: int, down: int) -> Floats:
    """Return a low-pass filter for each place that an output sample can have between two input samples."""
    stretch = max(1.0, down / up)  # going down, the filter has to cut below half of the lower rate
    reach = math.ceil(_HALF_TAPS * stretch)
    offset = np.arange(-reach + 1, reach + 1)[None, :] - np.arange(up)[:, None] / up
    window = 0.5 + 0.5 * np.cos(np.pi * np.clip(offset / reach, -1, 1))
    taps = np.sinc(offset / stretch) * window
    scaled: Floats = (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)
    return scaled


def _decode(audio: bytes, audio_format: AudioFormat) -> Floats:
    if audio_format.encoding == "wav/ulaw":
        return _mulaw_table()[np.frombuffer(audio, np.uint8)]
    if audio_format.encoding == "wav/alaw":
        return _alaw_table()[np.frombuffer(audio, np.uint8)]
    match audio_format.bit_depth:
        case 8:  # in WAV, bytes have no sign
            return (np.frombuffer(audio, np.uint8).astype(np.float32) - np.float32(128)) / np.float32(128)
        case 16:
            return np.frombuffer(audio, "<i2").astype(np.float32) / np.float32(1 << 15)
        case 24:
            parts = np.frombuffer(audio, np.uint8).reshape(-1, 3)
            padded = np.zeros((len(parts), 4), np.uint8)
            padded[:, 1:] = parts
            return padded.view("<i4")[:, 0].astype(np.float32) / np.float32(1 << 31)
        case _:
            return np.frombuffer(audio, "<i4").astype(np.float32) / np.float32(1 << 31)


@cache
def _mulaw_table() -> Floats:
    """Return the value of each mu-law byte. Source: ITU-T G.711, table 2."""
    code = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = (code >> 4) & 7, (code & 15).astype(np.int32)
    size = (((mantissa << 3) + 132) << exponent) - 132
    return (np.where(code & 128, -size, size) / (1 << 15)).astype(np.float32)


@cache
def _alaw_table() -> Floats:
    """Return the value of each A-law byte. Source: ITU-T G.711, table 1."""
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent, mantissa = ((code >> 4) & 7).astype(np.int32), (code & 15).astype(np.int32)
    size = np.where(exponent > 0, ((mantissa << 4) + 264) << np.maximum(exponent - 1, 0), (mantissa << 4) + 8)
    return (np.where(code & 128, size, -size) / (1 << 15)).astype(np.float32)
