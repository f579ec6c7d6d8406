"""Where utterances begin and end, with a detector that says what the test wants it to hear."""

from itertools import pairwise

import numpy as np
import pytest

from local.gladia.whisper.endpointer import Closed, Endpointer, Event, Growing, Opened, pieces, quietest
from local.gladia.whisper.model import Speech

FRAME_S = 512 / 16000


class LoudIsVoice:
    """A detector that takes any loud frame for a voice."""

    def process(self, data: memoryview) -> float:
        return 0.9 if np.abs(np.asarray(data)).max() > 0.1 else 0.0


def sound(frames: int, level: float = 0.5) -> np.ndarray:
    return np.full(frames * 512, level, np.float32)


def quiet(frames: int) -> np.ndarray:
    return sound(frames, 0.0)


def events(
    *parts: np.ndarray,
    endpointing_s: float = 0.32,
    maximum_s: float = 5.0,
    wants_partials: bool = False,
    step: int = 800,
) -> list[Event]:
    endpointer = Endpointer(
        endpointing_s=endpointing_s, maximum_s=maximum_s, wants_partials=wants_partials, detector=LoudIsVoice()
    )
    samples = np.concatenate(parts)
    found = [event for at in range(0, len(samples), step) for event in endpointer.push(samples[at : at + step])]
    return found + endpointer.flush()


def closed(found: list[Event]) -> list[Speech]:
    return [event.speech for event in found if isinstance(event, Closed)]


def test_two_frames_of_voice_open_an_utterance_and_one_does_not():
    assert events(quiet(20), sound(1), quiet(20)) == []
    assert isinstance(events(quiet(20), sound(2), quiet(20))[0], Opened)


def test_an_utterance_begins_where_the_voice_does_and_its_samples_a_quarter_of_a_second_earlier():
    opened, ended = events(quiet(20), sound(10), quiet(20))

    assert opened == Opened(20 * FRAME_S)
    assert ended.speech.begin_s == pytest.approx(20 * FRAME_S - 0.25)
    assert (ended.speech.first_s, ended.speech.last_s) == (20 * FRAME_S, 30 * FRAME_S)
    assert len(ended.speech.samples) == pytest.approx((10 * FRAME_S + 0.5) * 16000, abs=1)


def test_a_pause_shorter_than_the_endpointing_ends_nothing():
    assert len(closed(events(sound(10), quiet(9), sound(10), quiet(20)))) == 1
    assert len(closed(events(sound(10), quiet(10), sound(10), quiet(20)))) == 2


def test_an_endpointing_too_short_for_this_detector_is_raised_to_its_floor():
    assert len(closed(events(sound(10), quiet(8), sound(10), quiet(20), endpointing_s=0.05))) == 1


def test_the_samples_of_two_utterances_never_overlap():
    first, second = closed(events(sound(10), quiet(10), sound(10), quiet(20)))

    assert second.begin_s >= first.begin_s + len(first.samples) / 16000


def test_speech_that_never_pauses_is_cut_where_it_is_quietest_in_the_last_two_seconds():
    breath = sound(4, 0.12)  # a voice still, but the quietest there is
    first, second = closed(events(sound(125), breath, sound(100), quiet(20)))

    assert first.begin_s + len(first.samples) / 16000 == pytest.approx(127 * FRAME_S, abs=0.05)
    assert second.begin_s == pytest.approx(first.begin_s + len(first.samples) / 16000)
    assert second.last_s == 229 * FRAME_S


def test_no_sample_of_uninterrupted_speech_is_lost_or_repeated_by_cuts():
    noise = (0.3 + 0.2 * np.random.default_rng(1).random(512 * 500)).astype(np.float32)

    parts = closed(events(noise))

    assert np.array_equal(np.concatenate([part.samples for part in parts]), noise)


def test_the_longest_utterance_is_the_one_asked_for():
    assert max(part.last_s - part.first_s for part in closed(events(sound(1000), maximum_s=15.0))) <= 15.04


def test_an_utterance_that_grows_is_worth_a_look_each_300_ms():
    looks = [event.speech for event in events(sound(60), quiet(20), wants_partials=True) if isinstance(event, Growing)]

    ends = [look.begin_s + len(look.samples) / 16000 for look in looks]
    assert ends[0] == pytest.approx(0.45, abs=FRAME_S)
    assert [after - before for before, after in pairwise(ends)] == pytest.approx(
        [0.32] * (len(ends) - 1)  # 300 ms in whole frames
    )
    assert all(look.last_s <= end for look, end in zip(looks, ends, strict=True))


def test_a_pause_is_not_looked_at_again():
    looks = [e for e in events(sound(20), quiet(30), endpointing_s=1.0, wants_partials=True) if isinstance(e, Growing)]

    assert len(looks) == 2  # after 0.45 s, and one with the rest


def test_nobody_looks_who_was_not_asked_to():
    assert not any(isinstance(event, Growing) for event in events(sound(60), quiet(20)))


def test_the_end_of_the_audio_ends_the_utterance():
    assert closed(events(quiet(5), sound(10)))[0].last_s == 15 * FRAME_S


@pytest.mark.parametrize("step", [1, 511, 512, 16000])
def test_how_the_samples_are_cut_up_changes_nothing(step):
    audio = (quiet(4), sound(12), quiet(12), sound(30))
    expected = events(*audio)

    assert [type(event) for event in events(*audio, step=step)] == [type(event) for event in expected]
    for found, known in zip(closed(events(*audio, step=step)), closed(expected), strict=True):
        assert np.array_equal(found.samples, known.samples)


def test_an_utterance_longer_than_the_model_takes_is_decoded_in_parts_that_join():
    samples = np.random.default_rng(2).random(70 * 16000).astype(np.float32)

    parts = pieces(Speech(samples, begin_s=5.0, first_s=5.2, last_s=74.0))

    assert len(parts) == 3
    assert np.array_equal(np.concatenate([part.samples for part in parts]), samples)
    assert all(len(part.samples) <= 30 * 16000 for part in parts)
    assert (parts[0].first_s, parts[-1].last_s) == (5.2, 74.0)
    assert parts[1].begin_s == pytest.approx(5.0 + len(parts[0].samples) / 16000)


def test_the_quietest_place_is_sought_only_as_far_back_as_asked():
    samples = np.ones(16000, np.float32)
    samples[1000:4000] = 0.0
    samples[12000:14000] = 0.1

    assert quietest(samples, within=8000) == pytest.approx(13000, abs=200)
