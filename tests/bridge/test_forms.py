"""Audio that is not mu-law at 8000 Hz: its silences, its channels, its time."""

from __future__ import annotations

import array
import math
import random

import pytest

from bridge.arrival import Arrivals
from bridge.dialects.events import Audio, Started, Stopped
from bridge.hearing import ToSession
from bridge.lull import Lull
from bridge.media_stream import MediaStream
from bridge.session_events import Open, SessionOpened, SocketOpened
from bridge.splice import continuation
from bridge.timeline import Gap, Timeline
from callscribe.audio_format import MULAW_8K, AudioFormat
from callscribe.entries import LegEnded, LegGap, LegStarted
from callscribe.settings import NumberSettings, Then

ALAW = AudioFormat("alaw", 8000)
WIDE = AudioFormat("l16", 16_000)


def samples(*values: int) -> bytes:
    return array.array("h", values).tobytes()


def test_samples_of_two_bytes_stay_whole_where_tracks_are_interleaved():
    timeline = Timeline(("a", "b"), origin_ms=0, chunk_ms=20, form=WIDE)
    timeline.place("a", 0, samples(*range(320)))
    timeline.place("b", 0, samples(*range(-320, 0)))

    mixed = array.array("h", timeline.take())
    assert list(mixed[::2]) == list(range(320))
    assert list(mixed[1::2]) == list(range(-320, 0))


@pytest.mark.parametrize("form", [ALAW, WIDE], ids=str)
def test_what_is_missing_is_the_formats_own_silence_to_the_millisecond(form):
    timeline = Timeline(("a",), origin_ms=0, chunk_ms=20, form=form)
    sound = b"\x11\x22" * (form.bytes_a_ms * 10)  # 20 ms
    for place in (*range(5), *range(10, 20)):
        timeline.place("a", 20 * place, sound)

    audio = b"".join(iter(timeline.take, b""))
    assert audio[: 5 * len(sound)] == sound * 5
    assert audio[5 * len(sound) : 10 * len(sound)] == form.silent(5 * len(sound))
    assert timeline.gaps() == [Gap("a", 100, 200, "not delivered by the carrier")]


def speech(form: AudioFormat, loudness: float, *, seed: int) -> bytes:
    """Return 100 ms of noise, so loud."""
    draw = random.Random(seed)
    if form.encoding == "l16":
        return samples(*(round(32000 * loudness * draw.uniform(-1, 1)) for _ in range(form.rate_hz // 10)))
    magnitude = round(127 * (1 + math.log10(max(loudness, 0.01)) / 2))
    codes = [magnitude | draw.choice((0, 0x80)) for _ in range(800)]
    return bytes(code ^ (0xFF if form.encoding == "mulaw" else 0x55) for code in codes)


@pytest.mark.parametrize("form", [MULAW_8K, ALAW, WIDE], ids=str)
def test_a_lull_is_found_by_loudness(form):
    lull = Lull(1, form)
    for place in range(40):
        lull.hear(speech(form, 0.5 if place % 4 else 0.05, seed=place))
    assert not lull.is_now
    for place in range(3):
        lull.hear(speech(form, 0.01, seed=place))
    assert lull.is_now


def test_two_forks_of_a_call_are_joined_at_a_whole_sample():
    draw = random.Random(1)
    audio = bytes(draw.randrange(256) for _ in range(20_000))

    assert continuation(audio[:8000], audio[4000:], frame_bytes=4) == 4000
    assert continuation(audio[:8001], audio[4000:], frame_bytes=4) is None


def test_a_call_in_another_format_is_opened_kept_and_told_as_that():
    started = Started("MS1", "CA1", "AC1", ("inbound",), WIDE)
    stream = MediaStream(started, NumberSettings(then=Then(say="")), direction="inbound", jitter=lambda: 1.0)

    (opened,) = [each.command for each in stream.open() if isinstance(each, ToSession)]
    assert isinstance(opened, Open)
    request = opened.request
    assert (request["encoding"], request["bit_depth"], request["sample_rate"]) == ("wav/pcm", 16, 16_000)
    effects = stream.from_gladia(0, SessionOpened("G1", "wss://gladia.example.test"), now=0)
    effects += stream.from_gladia(0, SocketOpened(), now=0)
    for place in range(10):
        effects += stream.hear(Audio("inbound", 20 * place, samples(*[place] * 320)), now=0)
    effects += stream.hear(Stopped("stop"), now=0)
    (leg,) = [each.body for each in effects if isinstance(getattr(each, "body", None), LegStarted)]
    assert leg.codec == "l16/16000"
    assert not [each for each in effects if isinstance(getattr(each, "body", None), LegEnded)]
    assert stream.totals()["heard_bytes"] == 10 * 640
    assert stream.lanes[0].ms(stream.lanes[0].position) == 200


def test_where_nothing_is_lost_silence_is_no_gap_and_the_clock_begins_with_the_media_stream():
    started = Started("MS1", "C1", "", ("caller",), MULAW_8K, begins_now=True, is_lossless=True)
    stream = MediaStream(started, NumberSettings(then=Then(say="")), direction="inbound", jitter=lambda: 1.0)
    effects = stream.open(now=100.0)
    assert stream.deadline == 115.0  # Gladia is kept from the first, though nobody may speak for a while
    effects += stream.from_gladia(0, SessionOpened("G1", "wss://gladia.example.test"), now=100.0)
    effects += stream.from_gladia(0, SocketOpened(), now=100.0)
    for media_ms in [*range(480, 1480, 20), *range(9000, 9500, 20)]:
        effects += stream.hear(Audio("caller", media_ms, b"\x11" * 160), now=100.0 + media_ms / 1000)
    effects += stream.hear(Stopped("stop"), now=110.0)

    assert not [each for each in effects if isinstance(getattr(each, "body", None), LegGap)]
    assert stream.lanes[0].ms(stream.lanes[0].position) == 9500
    totals = stream.totals()
    assert (totals["heard_bytes"], totals["filled_bytes"]) == (1500 * 8, 8000 * 8)


def test_a_media_stream_that_begins_before_its_audio_is_timed_from_its_begin():
    arrivals = Arrivals(MULAW_8K, begin_ms=0)
    assert arrivals.first_at is None
    arrivals.note(Audio("caller", 480, b"\x11" * 160), now=7.5)
    assert arrivals.first_at == pytest.approx(7.0)
    assert arrivals.newest_at == pytest.approx(7.5)
