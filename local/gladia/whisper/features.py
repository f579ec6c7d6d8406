"""Log-mel spectrograms as Whisper was trained on them.

Source: OpenAI, whisper/audio.py; the filters are those of librosa (Slaney's mel scale, area normalisation).
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from local.gladia.whisper.samples import MODEL_RATE_HZ, Floats

FRAME_RATE_HZ: Final = 100
_WINDOW: Final = 400
_HOP: Final = MODEL_RATE_HZ // FRAME_RATE_HZ
_BANDS: Final = 80


def log_mel(samples: Floats, *, frames: int) -> Floats:
    """Return 80 bands by `frames` hundredths of a second; what `samples` don't fill is silence."""
    heard = min(frames, len(samples) // _HOP + 2)  # later frames hold nothing but silence
    padded = np.zeros(heard * _HOP, np.float32)
    count = min(len(samples), len(padded))
    padded[:count] = samples[:count]
    mirrored = np.pad(padded, _WINDOW // 2, mode="reflect")
    slices = np.lib.stride_tricks.sliding_window_view(mirrored, _WINDOW)[::_HOP][:heard]
    power = np.abs(np.fft.rfft(slices * _hann(), axis=1)) ** 2
    log = np.full((_BANDS, frames), -10.0, np.float32)
    log[:, :heard] = np.log10(np.maximum(_filters() @ power.T, 1e-10))
    scaled: Floats = (np.maximum(log, log.max() - 8.0) + 4.0) / 4.0
    return scaled


@cache
def _hann() -> Floats:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)).astype(np.float32)


@cache
def _filters() -> Floats:
    """Return the weight of each frequency in each band."""
    frequencies = np.fft.rfftfreq(_WINDOW, 1 / MODEL_RATE_HZ)
    edges = _hz(np.linspace(0.0, _mel(MODEL_RATE_HZ / 2), _BANDS + 2))
    ramps = edges[:, None] - frequencies[None, :]
    widths = np.diff(edges)
    rising = -ramps[:-2] / widths[:-1, None]
    falling = ramps[2:] / widths[1:, None]
    weights = np.maximum(0, np.minimum(rising, falling)) * (2.0 / (edges[2:] - edges[:-2]))[:, None]
    return weights.astype(np.float32)


# Slaney's scale: linear below 1000 Hz, logarithmic above.
_LINEAR_HZ: Final = 200.0 / 3
_BEND_HZ: Final = 1000.0
_BEND_MEL: Final = _BEND_HZ / _LINEAR_HZ
_LOG_STEP: Final = float(np.log(6.4)) / 27.0


def _mel(hz: float) -> float:
    return hz / _LINEAR_HZ if hz < _BEND_HZ else _BEND_MEL + float(np.log(hz / _BEND_HZ)) / _LOG_STEP


def _hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < _BEND_MEL, mel * _LINEAR_HZ, _BEND_HZ * np.exp((mel - _BEND_MEL) * _LOG_STEP))
