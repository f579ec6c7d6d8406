"""What stands for lost packets: what was heard before, fading to silence, in each format."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.concealment import PIECES, concealed
from bridge.timeline import Gap, Timeline
from callscribe.audio_format import MULAW_8K, AudioFormat
from local.audio import Samples, alaw_decode, alaw_encode, mulaw_decode, mulaw_encode

TONE: Samples = (12_000 * np.sin(2 * np.pi * 400 * np.arange(1600) / 8000)).astype(np.int16)
FORMS = {
    AudioFormat("mulaw", 8000): (mulaw_encode, mulaw_decode),
    AudioFormat("alaw", 8000): (alaw_encode, alaw_decode),
    AudioFormat("l16", 8000): (
        lambda samples: samples.astype("<i2").tobytes(),
        lambda audio: np.frombuffer(audio, "<i2"),
    ),
}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.encoding)
def test_the_last_20_ms_come_again_ever_quieter_and_then_nothing(form):
    encode, decode = FORMS[form]
    out = decode(concealed(encode(TONE), 100 * form.bytes_a_ms, form))
    assert len(out) == 800
    loudness = [float(np.abs(out[at : at + 160].astype(float)).max()) for at in range(0, 800, 160)]
    assert loudness[:PIECES] == pytest.approx([6000, 3000, 1500], rel=0.06)
    assert max(loudness[PIECES:]) <= 8  # A-law has no zero
    # It is the tone still.
    assert np.corrcoef(out[:160], TONE[-160:])[0, 1] > 0.99


@pytest.mark.parametrize("count", [0, 1, 159, 160, 161, 480, 481, 4000])
def test_it_is_as_long_as_what_is_missing(count):
    assert len(concealed(b"\x10" * 800, count, MULAW_8K)) == count


def test_after_nothing_there_is_silence():
    assert concealed(b"", 320, MULAW_8K) == b"\xff" * 320
    assert concealed(b"\xff" * 160, 320, MULAW_8K) == b"\xff" * 320


def timeline() -> Timeline:
    return Timeline(("caller",), origin_ms=0, chunk_ms=20, conceals=True)


def test_a_lost_packet_is_concealed_and_a_gap():
    audio = mulaw_encode(TONE)
    heard = timeline()
    for at in range(0, 1600, 160):
        if at != 320:
            heard.place("caller", at // 8, audio[at : at + 160])
    out = heard.take()
    assert out[320:480] == concealed(audio[:320], 160, MULAW_8K)
    assert out[:320] + out[480:] == audio[:320] + audio[480:]
    assert heard.gaps() == [Gap("caller", 40, 60, "not delivered by the carrier")]
    assert heard.counts("caller") == (1440, 160, 0)


def test_a_pause_is_not_concealed():
    audio = mulaw_encode(TONE)
    heard = timeline()
    heard.place("caller", 0, audio[:320])
    heard.pause("caller", 40, 500)
    heard.place("caller", 500, audio[:1600])
    assert heard.take()[: 500 * 8] == audio[:320] + b"\xff" * (460 * 8)
    assert heard.gaps() == []
