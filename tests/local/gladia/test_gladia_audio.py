"""What a client sends becomes whole sample frames, one string a channel; and the file that comes back has them all."""

import io
import struct
import wave

import pytest

from local.gladia.audio import AudioFormat, Intake

STEREO_MULAW = AudioFormat("wav/ulaw", 8, 8000, 2)
MONO_MULAW = AudioFormat("wav/ulaw", 8, 8000, 1)
STEREO_PCM = AudioFormat("wav/pcm", 16, 16000, 2)


def test_channels_are_taken_apart_byte_by_byte():
    assert STEREO_MULAW.split(b"aAbBcC") == (b"abc", b"ABC")


@pytest.mark.parametrize("bit_depth", [8, 16, 24, 32])
def test_samples_of_any_width_stay_whole(bit_depth):
    width = bit_depth // 8
    samples = [[bytes([channel, place] * 2)[:width] for place in range(5)] for channel in range(8)]
    interleaved = b"".join(samples[channel][place] for place in range(5) for channel in range(8))

    tracks = AudioFormat("wav/pcm", bit_depth, 48000, 8).split(interleaved)

    assert tracks == tuple(b"".join(each) for each in samples)


def test_a_second_is_so_many_bytes_of_every_channel():
    assert STEREO_MULAW.seconds(16000) == 1.0
    assert STEREO_PCM.seconds(64000) == 1.0


def test_bytes_short_of_a_sample_frame_wait_for_the_rest_of_it():
    intake = Intake(STEREO_PCM)

    assert intake.take(b"abcdef") == b"abcd"
    assert intake.take(b"gh") == b"efgh"


@pytest.mark.parametrize("audio_format", [STEREO_MULAW, STEREO_PCM, AudioFormat("wav/alaw", 8, 8000, 1)])
def test_a_wav_header_at_the_start_is_left_out_however_it_is_cut_up(audio_format):
    audio = bytes(range(240))
    file = audio_format.wav(audio)

    for step in (1, 7, len(file)):
        intake = Intake(audio_format)
        assert b"".join(intake.take(file[at : at + step]) for at in range(0, len(file), step)) == audio


def test_a_header_later_on_is_audio():
    intake = Intake(MONO_MULAW)
    intake.take(b"\xff")

    assert intake.take(b"RIFF") == b"RIFF"


@pytest.mark.parametrize("start", [b"R", b"RIFT", b"RIFF\0\0\0\0AVI "])
def test_audio_that_looks_like_a_header_at_first_is_not_lost(start):
    intake = Intake(MONO_MULAW)

    assert intake.take(start) + intake.take(b"--------") == start + b"--------"


def test_the_file_of_a_pcm_session_is_one_that_others_can_read():
    audio = struct.pack("<8h", *range(8))

    with wave.open(io.BytesIO(STEREO_PCM.wav(audio))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 16000)
        assert file.readframes(4) == audio


def test_the_file_of_a_mulaw_session_holds_its_bytes_untouched_and_says_so():
    file = STEREO_MULAW.wav(b"\x00\xff" * 3)

    assert struct.unpack_from("<HHIIHH", file, 20) == (7, 2, 8000, 16000, 2, 8)
    assert struct.unpack_from("<4sII", file, 38) == (b"fact", 4, 3)
    assert file.endswith(b"data" + struct.pack("<I", 6) + b"\x00\xff" * 3)
    assert struct.unpack_from("<I", file, 4) == (len(file) - 8,)
