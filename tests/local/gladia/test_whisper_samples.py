"""Samples of every format that Gladia takes become the same floats at 16000 Hz, however they are cut up."""

import numpy as np
import pytest

from local.gladia.audio import AudioFormat
from local.gladia.whisper.features import log_mel
from local.gladia.whisper.samples import SampleReader

RATES_HZ = [8000, 16000, 32000, 44100, 48000]


def tone(rate_hz: int, hz: float, seconds: float = 0.5) -> np.ndarray:
    return 0.6 * np.sin(2 * np.pi * hz * np.arange(int(rate_hz * seconds)) / rate_hz)


def pcm(values: np.ndarray, bit_depth: int) -> bytes:
    if bit_depth == 8:
        return (values * 127 + 128).astype(np.uint8).tobytes()
    whole = (values * ((1 << (bit_depth - 1)) - 1)).astype("<i4")
    return whole.view(np.uint8).reshape(-1, 4)[:, : bit_depth // 8].tobytes()


def read(audio_format: AudioFormat, audio: bytes, *, step: int | None = None) -> np.ndarray:
    reader = SampleReader(audio_format)
    parts = [reader.read(audio[at : at + (step or len(audio))]) for at in range(0, len(audio), step or len(audio))]
    return np.concatenate([*parts, reader.flush()])


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_tone_stays_the_same_tone_at_the_same_time(rate_hz):
    samples = read(AudioFormat("wav/pcm", 16, rate_hz, 1), pcm(tone(rate_hz, 440), 16))

    assert len(samples) == 8000
    assert np.abs(samples - tone(16000, 440))[100:-100].max() < 0.001


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_how_the_audio_is_cut_up_changes_nothing(rate_hz):
    audio_format = AudioFormat("wav/pcm", 16, rate_hz, 1)
    audio = pcm(tone(rate_hz, 440), 16)

    assert np.array_equal(read(audio_format, audio, step=34), read(audio_format, audio))


@pytest.mark.parametrize("rate_hz", [32000, 44100, 48000])
def test_what_16000_hz_cannot_hold_is_left_out_instead_of_folded_back(rate_hz):
    samples = read(AudioFormat("wav/pcm", 16, rate_hz, 1), pcm(tone(rate_hz, 11000), 16))

    assert np.abs(samples)[100:-100].max() < 0.002


@pytest.mark.parametrize(("bit_depth", "tolerance"), [(8, 0.02), (16, 1e-4), (24, 1e-6), (32, 1e-6)])
def test_samples_of_any_depth_are_the_same_floats(bit_depth, tolerance):
    samples = read(AudioFormat("wav/pcm", bit_depth, 16000, 1), pcm(tone(16000, 300), bit_depth))

    assert np.abs(samples - tone(16000, 300)).max() < tolerance


@pytest.mark.parametrize(
    ("encoding", "codes", "values"),
    [
        ("wav/ulaw", [0xFF, 0x7F, 0x80, 0x00, 0xEF], [0, 0, 32124, -32124, 132]),
        ("wav/alaw", [0xD5, 0x55, 0xAA, 0x2A, 0xC5], [8, -8, 32256, -32256, 264]),
    ],
)
def test_companded_samples_have_the_values_of_g_711(encoding, codes, values):
    table = read(AudioFormat(encoding, 8, 16000, 1), bytes(codes))

    assert (table * 32768).astype(int).tolist() == values


def test_silence_after_the_speech_weighs_nothing_and_fills_the_frames():
    speech = tone(16000, 440, 1.0).astype(np.float32)

    features = log_mel(speech, frames=1000)

    assert features.shape == (80, 1000)
    assert features.dtype == np.float32
    assert features.max() - features.min() == pytest.approx(2.0)  # 8 decades, a quarter each
    assert (features[:, 110:] == features.min()).all()


@pytest.mark.parametrize(("hz", "band"), [(200, 4), (1000, 26), (4000, 62)])
def test_a_tone_stands_in_its_own_band(hz, band):
    features = log_mel(tone(16000, hz, 1.0).astype(np.float32), frames=100)

    assert abs(int(features.mean(axis=1).argmax()) - band) <= 1
