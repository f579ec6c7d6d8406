"""Audio that tells what it is: each byte's frame and place."""

from bench.chaos.voice import FRAME_BYTES, UTTERANCE_FRAMES, Piece, audible, between, frame, read, voice
from local.gladia.audio import AudioFormat
from local.gladia.recogniser import Spoken, Track
from local.gladia.scripted import ScriptedRecogniser
from local.twilio.spans import Span


def positions(audio: bytes, track: str = "inbound") -> list[int]:
    return [position for piece in read(track, audio) if piece.number is not None for position in piece.positions()]


def test_whatever_was_said_is_read_back_in_its_order():
    said = voice("inbound", 100)

    read_back = positions(said)

    assert read_back == sorted(read_back)
    assert len(set(read_back)) == len(read_back) == len(audible(said))


def test_a_lost_frame_is_missing_and_its_neighbours_are_not():
    said = frame("inbound", 3) + frame("inbound", 5)

    assert [piece.number for piece in read("inbound", said)] == [3, 5]


def test_a_repeated_byte_at_the_seam_of_two_frames_is_read_as_the_one_before():
    said = frame("inbound", 3) + frame("inbound", 3)[-1:] + frame("inbound", 4)

    assert list(read("inbound", said))[1] == Piece(3, 159, 160)


def test_a_frame_without_its_beginning_is_known_by_the_one_that_follows():
    said = frame("inbound", 3) + frame("inbound", 4)[40:] + frame("inbound", 5)

    assert list(read("inbound", said)) == [Piece(3, 0, 160), Piece(4, 40, 160), Piece(5, 0, 160)]


def test_a_frame_that_was_cut_and_goes_on_elsewhere_is_one_frame():
    said = frame("inbound", 3)[:56] + b"\xff" * 80 + frame("inbound", 3)[56:]

    assert positions(said) == list(range(3 * FRAME_BYTES, 4 * FRAME_BYTES))


def test_a_beginning_too_short_to_say_its_frame_is_the_next_ones():
    for rest in (b"", b"\xff" * 80):
        pieces = list(read("inbound", frame("inbound", 3) + frame("inbound", 4)[:8] + rest))

        assert pieces == [Piece(3, 0, 160), Piece(4, 0, 8)]


def test_the_other_track_is_not_taken_for_this_one():
    pieces = list(read("inbound", frame("inbound", 3) + frame("outbound", 4)))

    assert pieces[0] == Piece(3, 0, 160)
    assert all(piece.number is None for piece in pieces[1:2])


def test_silence_is_no_frame():
    assert list(read("inbound", b"\xff" * 800)) == []


def test_what_lies_between_two_times_is_cut_to_the_millisecond():
    assert (
        between("inbound", [Span(20, 60), Span(70, 80)]) == voice("inbound", 4)[160:480] + voice("inbound", 4)[560:640]
    )


def test_the_recogniser_hears_each_frame_as_a_word_and_each_utterance_as_a_final():
    heard: list[Spoken] = []
    audio_format = AudioFormat("wav/ulaw", 8, 8000, 1)
    track = Track(0, audio_format, (), endpointing_s=0.01, maximum_s=15, wants_partials=False)
    ear = ScriptedRecogniser().listen(track, lambda event: heard.append(event) if isinstance(event, Spoken) else None)

    ear.hear(voice("outbound", 2 * UTTERANCE_FRAMES))

    assert [len(final.words) for final in heard] == [UTTERANCE_FRAMES] * 2
    assert heard[1].words[0].text == f" b{UTTERANCE_FRAMES:04d}"
