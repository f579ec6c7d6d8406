"""The recogniser for tests hears what is written in the audio, and shows every byte that is not as it was written."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.gladia.audio import AudioFormat
from local.gladia.recogniser import Finished, Heard, Listened, SpeechEnded, SpeechStarted, Spoken, Track
from local.gladia.scripted import DAMAGED, ScriptedRecogniser, silence, spoken

MULAW = AudioFormat("wav/ulaw", 8, 8000, 1)
CALL = silence(500) + spoken("good morning café") + silence(200) + spoken("again") + silence(300) + spoken("bye")


def hear(audio: bytes, *, step: int | None = None, maximum_s: float = 5.0, wants_partials: bool = True) -> list[Heard]:
    events: list[Heard] = []
    track = Track(0, MULAW, (), endpointing_s=0.3, maximum_s=maximum_s, wants_partials=wants_partials)
    ear = ScriptedRecogniser().listen(track, events.append)
    for place in range(0, len(audio), step or len(audio)):
        ear.hear(audio[place : place + (step or len(audio))])
    ear.finish()
    return [event for event in events if not isinstance(event, Listened)]


def finals(events: list[Heard]) -> list[Spoken]:
    return [event for event in events if isinstance(event, Spoken) and event.is_final]


def text(audio: bytes) -> str:
    return "".join(final.text for final in finals(hear(audio)))


HEARD = finals(hear(CALL))


def test_a_word_lasts_as_long_as_asked_for():
    assert len(spoken("one two", ms_per_word=300)) == 2 * 2400


def test_a_word_too_long_for_its_time_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        spoken("incomprehensibilities", ms_per_word=2)


def test_words_come_back_with_their_exact_times_and_a_leading_space():
    first, second = finals(hear(CALL))

    assert [(word.text, word.start_s, word.end_s, word.confidence) for word in first.words] == [
        (" good", 0.5, 0.74, 1.0),
        (" morning", 0.74, 0.98, 1.0),
        (" café", 0.98, 1.22, 1.0),
        (" again", 1.42, 1.66, 1.0),
    ]
    assert (first.number, first.start_s, first.end_s) == (0, 0.5, 1.66)
    assert (second.number, second.text, second.start_s) == (1, " bye", 1.96)


def test_each_word_brings_a_partial_and_silence_the_final():
    kinds = [(type(event).__name__, getattr(event, "text", getattr(event, "at_s", None))) for event in hear(CALL)]

    assert kinds[:8] == [
        ("SpeechStarted", 0.5),
        ("Spoken", " good"),
        ("Spoken", " good morning"),
        ("Spoken", " good morning café"),
        ("Spoken", " good morning café again"),
        ("SpeechEnded", 1.66),
        ("Spoken", " good morning café again"),
        ("SpeechStarted", 1.96),
    ]
    assert kinds[-1][0] == "Finished"


def test_partials_nobody_wants_are_not_told():
    assert all(event.is_final for event in hear(CALL, wants_partials=False) if isinstance(event, Spoken))


def test_an_utterance_without_a_pause_is_cut_after_the_longest_duration():
    words = " ".join(f"w{place}" for place in range(30))

    lengths = [len(final.words) for final in finals(hear(spoken(words), maximum_s=5.0))]

    assert lengths == [21, 9]  # 21 words of 0.24 s are the first to reach 5 s


def test_nothing_is_heard_in_silence():
    assert hear(silence(10_000)) == [Finished()]


@pytest.mark.parametrize("step", [1, 7, 160, 1000])
def test_how_the_audio_is_cut_up_changes_nothing(step):
    assert hear(CALL, step=step) == hear(CALL)


@settings(deadline=None)  # the machine may be busy
@given(place=st.integers(0, len(CALL) - 1), count=st.integers(1, 960))
def test_a_lost_part_always_shows(place, count):
    assert finals(hear(CALL[:place] + CALL[place + count :])) != HEARD


@settings(deadline=None)  # the machine may be busy
@given(place=st.integers(0, len(CALL) // 160 - 3))
def test_frames_in_the_wrong_order_show_where_they_differ(place):
    frames = [CALL[start : start + 160] for start in range(0, len(CALL), 160)]
    if frames[place] != frames[place + 1]:
        frames[place], frames[place + 1] = frames[place + 1], frames[place]
        assert finals(hear(b"".join(frames))) != HEARD


@settings(deadline=None)  # the machine may be busy
@given(place=st.integers(0, len(CALL) - 1), mask=st.integers(1, 255))
def test_a_changed_byte_always_shows(place, mask):
    changed = bytearray(CALL)
    changed[place] ^= mask
    assert finals(hear(bytes(changed))) != HEARD


def test_a_word_with_a_gap_is_marked():
    audio = bytearray(spoken("good morning"))
    audio[800:960] = silence(20)

    assert text(bytes(audio)) == f" good{DAMAGED} {DAMAGED} morning"


def test_a_repeated_frame_is_marked():
    audio = spoken("good morning")

    assert text(audio[:320] + audio[160:]) == f" good{DAMAGED} morning"


def test_a_word_cut_short_by_the_end_is_marked():
    assert text(spoken("good morning")[:-1]) == f" good morning{DAMAGED}"


def test_other_sound_is_one_damaged_word():
    assert text(silence(100) + b"\x12" * 4000 + silence(100)) == f" {DAMAGED}"


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.sampled_from([0xFC, 0xFD, 0x1F, 0x41, 0x31, 0xFF, 3]), max_size=80).map(bytes), st.integers(10, 40))
def test_any_bytes_at_all_are_read_to_their_end(noise, step):
    audio = noise + silence(300) + spoken("sound")

    assert hear(audio, step=step) == hear(audio)
    assert finals(hear(audio))[-1].text.endswith("sound")


def test_a_closed_ear_tells_nothing():
    events: list[Heard] = []
    ear = ScriptedRecogniser().listen(Track(0, MULAW, (), 0.3, 5.0, wants_partials=True), events.append)

    ear.hear(spoken("one"))
    ear.close()
    ear.hear(spoken("two"))

    assert " two" not in [event.text for event in events if isinstance(event, Spoken)]
    assert SpeechEnded not in map(type, events)
    assert SpeechStarted in map(type, events)
