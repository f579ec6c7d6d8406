import struct
from pathlib import Path

import numpy as np
import pytest

from local.audio import (
    NotAudio,
    alaw_decode,
    mulaw_decode,
    mulaw_encode,
    mulaw_silence,
    read_tracks,
    recorded_call,
    recorded_calls,
)

EVERY_BYTE = bytes(range(256))


def wav(data: bytes, *, tag: int = 7, channels: int = 1, rate_hz: int = 8000, bits: int = 8, length: int | None = None):
    block = channels * bits // 8
    form = struct.pack("<HHIIHHH", tag, channels, rate_hz, rate_hz * block, block, bits, 0)
    body = b"WAVE" + b"fmt " + struct.pack("<I", len(form)) + form
    body += b"LIST" + struct.pack("<I", 3) + b"abc\0"  # an odd chunk, padded
    body += b"data" + struct.pack("<I", len(data) if length is None else length) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tone(hz: float, rate_hz: int, *, seconds: float = 0.5, amplitude: float = 8000) -> np.ndarray:
    return np.rint(amplitude * np.sin(2 * np.pi * hz * np.arange(int(rate_hz * seconds)) / rate_hz)).astype("<i2")


def loudness(audio: bytes) -> float:
    """Return the root mean square, without the edges where a filter starts and ends."""
    return float(np.sqrt(np.mean(mulaw_decode(audio)[400:-400].astype(float) ** 2)))


@pytest.fixture
def write(tmp_path: Path):
    def write(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("suffix", [".ulaw", ".ul", ".mulaw", ".ULAW"])
def test_a_file_named_as_raw_mu_law_is_its_bytes(write, suffix):
    assert read_tracks(write("call" + suffix, EVERY_BYTE)) == (EVERY_BYTE,)


def test_a_mu_law_wav_at_8000_hz_passes_bit_for_bit(write):
    assert read_tracks(write("call.wav", wav(EVERY_BYTE))) == (EVERY_BYTE,)


def test_a_stereo_wav_has_two_tracks(write):
    assert read_tracks(write("call.wav", wav(b"LRLRLR", channels=2))) == (b"LLL", b"RRR")


def test_a_wav_written_to_a_pipe_is_read_to_its_end(write):
    for length in (0, 0xFFFFFFFF):
        assert read_tracks(write("call.wav", wav(EVERY_BYTE, length=length))) == (EVERY_BYTE,)


def test_a_wav_cut_off_within_a_sample_ends_with_the_last_whole_one(write):
    assert read_tracks(write("call.wav", wav(b"\0\0\0\0\0", tag=1, bits=16))) == (b"\xff\xff",)


def test_an_extensible_wav_is_read_as_the_format_it_names(write):
    form = struct.pack("<HHIIHHHHIH14s", 0xFFFE, 1, 8000, 8000, 1, 8, 22, 8, 4, 7, bytes(14))
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", 256) + EVERY_BYTE
    assert read_tracks(write("call.wav", b"RIFF" + struct.pack("<I", len(body)) + body)) == (EVERY_BYTE,)


def test_sixteen_bit_samples_become_mu_law(write):
    samples = np.array([0, 32767, -32768, 1000, -1000], "<i2")
    assert read_tracks(write("call.wav", wav(samples.tobytes(), tag=1, bits=16))) == (b"\xff\x80\x00\xce\x4e",)


def test_a_law_becomes_mu_law_within_a_step_of_the_coarser_of_both(write):
    (audio,) = read_tracks(write("call.wav", wav(EVERY_BYTE, tag=6)))
    expected = alaw_decode(EVERY_BYTE).astype(int)
    assert np.all(np.abs(mulaw_decode(audio).astype(int) - expected) <= 16 + np.abs(expected) // 16)


@pytest.mark.parametrize("rate_hz", [16000, 48000])
def test_speech_keeps_its_loudness_and_its_length_when_decimated(write, rate_hz):
    (audio,) = read_tracks(write("call.wav", wav(tone(1000, rate_hz).tobytes(), tag=1, rate_hz=rate_hz, bits=16)))

    assert len(audio) == 4000
    assert loudness(audio) == pytest.approx(8000 / np.sqrt(2), rel=0.02)


@pytest.mark.parametrize("rate_hz", [16000, 48000])
def test_what_is_above_4000_hz_does_not_fold_back_into_speech(write, rate_hz):
    (audio,) = read_tracks(write("call.wav", wav(tone(5000, rate_hz).tobytes(), tag=1, rate_hz=rate_hz, bits=16)))
    assert loudness(audio) < 10


def test_decimation_delays_nothing(write):
    samples = np.zeros(48000, "<i2")
    samples[24000] = 30000
    (audio,) = read_tracks(write("call.wav", wav(samples.tobytes(), tag=1, rate_hz=48000, bits=16)))
    assert int(np.argmax(mulaw_decode(audio))) == 4000


def test_each_mu_law_byte_survives_decoding_and_encoding():
    negative_zero = 0x7F  # the only value with two codes
    kept = mulaw_encode(mulaw_decode(EVERY_BYTE))
    assert [code for code in range(256) if kept[code] != code] == [negative_zero]


def test_silence_is_0xff():
    assert mulaw_silence(20) == b"\xff" * 160


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.wav", b"", "the file is empty"),
        ("page.html", b"<html>", "neither a WAV file nor raw mu-law"),
        ("text.wav", b"hello", "neither a WAV file"),
        ("music.wav", wav(bytes(4), tag=1, bits=16, rate_hz=44100), "44100 Hz"),
        ("float.wav", wav(bytes(4), tag=3, bits=32), "format 3 with 32 bits"),
        ("film.wav", wav(bytes(6), channels=6), "6 channels"),
        ("silent.wav", wav(b""), "no audio"),
        ("broken.wav", b"RIFF\0\0\0\0WAVEfmt ", "damaged"),
    ],
)
def test_what_is_no_telephone_audio_is_refused_in_one_line(write, name, content, says):
    with pytest.raises(NotAudio, match=says) as refused:
        read_tracks(write(name, content))
    assert name in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_and_a_folder_are_refused_in_one_line(tmp_path):
    with pytest.raises(NotAudio, match="no such file"):
        read_tracks(tmp_path / "missing.wav")
    with pytest.raises(NotAudio, match="Is a directory"):
        read_tracks(tmp_path)


def test_every_recorded_call_has_two_equally_long_tracks_and_texts_within_them():
    for name in recorded_calls():
        call = recorded_call(name)
        assert len(call.caller.audio) == len(call.agent.audio) == round(call.duration_s * 8000)
        for track in (call.caller, call.agent):
            assert all(0 <= said.start_s < said.end_s <= call.duration_s for said in track.utterances)
    assert "voicemail" in recorded_calls()


def test_a_party_without_a_recording_is_silent():
    caller = recorded_call("buzon").caller
    assert (caller.path, set(caller.audio), caller.utterances) == (None, {0xFF}, ())


def test_a_recorded_call_carries_its_texts_languages_and_word_times():
    call = recorded_call("voicemail")
    assert call.agent.utterances[-1].text == "Thank you."
    assert call.agent.utterances[-1].language == "en"
    assert call.caller.utterances[0].words[0].text == "this"
    assert call.caller.utterances[0].words[0].start_s == 11.28


def test_an_unknown_call_names_those_there_are():
    with pytest.raises(NotAudio, match="voicemail"):
        recorded_call("nobody")
