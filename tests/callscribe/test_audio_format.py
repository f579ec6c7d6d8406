"""How audio is written, and what Gladia is told of it."""

from __future__ import annotations

import pytest

from callscribe.audio_format import MULAW_8K, AudioFormat, of_codec


@pytest.mark.parametrize(
    ("form", "bytes_a_ms", "silence", "gladias"),
    [
        (MULAW_8K, 8, b"\xff", ("wav/ulaw", 8, 8000)),
        (AudioFormat("alaw", 8000), 8, b"\xd5", ("wav/alaw", 8, 8000)),
        (AudioFormat("l16", 8000), 16, b"\0\0", ("wav/pcm", 16, 8000)),
        (AudioFormat("l16", 48_000), 96, b"\0\0", ("wav/pcm", 16, 48_000)),
    ],
)
def test_each_format_is_told_to_gladia_and_has_a_silence_of_its_own(form, bytes_a_ms, silence, gladias):
    assert (form.bytes_a_ms, form.silence) == (bytes_a_ms, silence)
    assert form.silent(2 * bytes_a_ms) == silence * (2 * bytes_a_ms // len(silence))
    told = form.for_gladia()
    assert (told["encoding"], told["bit_depth"], told["sample_rate"]) == gladias
    assert of_codec(form.codec) == form


@pytest.mark.parametrize("codec", ["recording", "", "opus/48000", "mulaw", "mulaw/", "mulaw/x", "l16/0"])
def test_a_leg_of_another_codec_is_counted_as_a_phones(codec):
    assert of_codec(codec) == MULAW_8K
