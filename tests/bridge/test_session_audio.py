"""What of a session's audio has arrived, and which of its words are certain."""

from __future__ import annotations

from bridge.session_audio import SessionAudio
from callscribe.gladia_transcript import Speech, Transcript

SECOND = 16_000  # bytes, of two channels


REQUEST = {"channels": 2, "bit_depth": 8, "sample_rate": 8000}


def final(name: str, *, end: float) -> Transcript:
    said = Speech(text=name, start=0.0, end=end, confidence=0.9, channel=0, language="en", words=())
    return Transcript(name, is_final=True, utterance=said)


def sent(seconds: float, *, now: float = 0.0) -> SessionAudio:
    audio = SessionAudio(REQUEST, limit_bytes=10 * SECOND)
    audio.append(b"a" * round(seconds * SECOND))
    audio.send(now)
    return audio


def test_a_final_is_certain_once_its_audio_was_acknowledged():
    audio = sent(3)
    audio.recognise(final("one", end=1.0))
    audio.recognise(final("two", end=2.0))

    audio.acknowledge(SECOND, now=0.1)

    assert [each.id for each in audio.certain(now=0.1, patience_s=5)] == ["one"]
    assert audio.certain(now=0.2, patience_s=5) == []


def test_where_acknowledgements_do_not_come_words_stand_for_them():
    audio = sent(3)
    audio.recognise(final("one", end=1.0))

    assert audio.certain(now=4.9, patience_s=5) == []
    assert [each.id for each in audio.certain(now=5.0, patience_s=5)] == ["one"]
    assert audio.acknowledged == SECOND


def test_words_stand_for_nothing_once_another_session_hears_the_same_audio():
    audio = sent(3)
    audio.is_parted = True
    audio.recognise(final("one", end=1.0))

    assert audio.certain(now=9.0, patience_s=5) == []
    assert [each.id for each in audio.settle()] == ["one"]
    assert audio.acknowledged == 0
    assert audio.pieces() == []


def test_in_the_end_what_was_recognised_has_arrived():
    audio = sent(3)
    audio.recognise(final("two", end=2.0))

    assert [each.id for each in audio.settle()] == ["two"]
    assert audio.unacknowledged() == b"a" * SECOND


def test_gladia_says_where_a_session_stands_that_was_taken_over():
    audio = SessionAudio(REQUEST, limit_bytes=10 * SECOND)
    audio.take_over(b"", acknowledged=None)
    assert audio.is_uncertain

    audio.acknowledge(SECOND, now=0.0)  # of which session's audio nobody knows yet
    assert audio.acknowledged == 0
    audio.locate(5 * SECOND)

    assert (audio.acknowledged, audio.sent, audio.is_uncertain) == (5 * SECOND, 5 * SECOND, False)


def test_a_position_that_was_never_sent_is_not_believed():
    audio = sent(1)

    audio.locate(2 * SECOND)

    assert audio.acknowledged == 0


def test_the_older_half_ends_with_a_whole_sample_of_each_channel():
    audio = SessionAudio(REQUEST, limit_bytes=SECOND)
    audio.append(b"a" * 6)

    assert audio.middle == 2
