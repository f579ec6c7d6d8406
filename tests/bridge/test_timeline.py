"""Frames on one clock. A letter stands for a frame of 20 ms; `_` for one of silence."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.timeline import Gap, Timeline

FRAME = 160


def frames(letters: str) -> bytes:
    return b"".join(b"\xff" * FRAME if letter == "_" else letter.encode() * FRAME for letter in letters)


def one(*, chunk_ms: int = 20) -> Timeline:
    return Timeline(("inbound",), origin_ms=102, chunk_ms=chunk_ms)


def two() -> Timeline:
    return Timeline(("inbound", "outbound"), origin_ms=102, chunk_ms=20)


def channel(audio: bytes, number: int) -> bytes:
    return audio[number::2]


def test_frames_in_order_come_out_as_they_came_in():
    timeline = one()
    for place, letter in enumerate("abc"):
        timeline.place("inbound", 102 + 20 * place, frames(letter))

    assert timeline.take() == frames("abc")
    assert timeline.counts("inbound") == (3 * FRAME, 0, 0)


def test_audio_comes_out_in_whole_chunks():
    timeline = one(chunk_ms=100)
    for place in range(7):
        timeline.place("inbound", 102 + 20 * place, frames("a"))

    assert len(timeline.take()) == 5 * FRAME
    assert timeline.take() == b""
    assert len(timeline.finish()) == 2 * FRAME


def test_timestamps_that_are_off_by_a_few_milliseconds_change_no_byte():
    timeline = one()
    for off, place in zip((0, 7, -6, 9), range(4), strict=True):
        timeline.place("inbound", 102 + 20 * place + off, frames("abcd"[place]))

    assert timeline.take() == frames("abcd")


def test_a_missing_frame_is_waited_for_until_there_are_120_ms_of_later_audio():
    timeline = one()
    timeline.place("inbound", 102, frames("a"))
    assert timeline.take() == frames("a")
    for place, letter in enumerate("cdefg", start=2):
        timeline.place("inbound", 102 + 20 * place, frames(letter))
        assert timeline.take() == b""
    timeline.place("inbound", 102 + 140, frames("h"))

    assert timeline.take() == frames("_cdefgh")
    assert timeline.gaps() == [Gap("inbound", 20, 40, "not delivered by the carrier")]
    assert timeline.gaps() == []
    assert timeline.counts("inbound") == (7 * FRAME, FRAME, 0)


def test_a_frame_that_was_overtaken_stands_in_its_place():
    timeline = one()
    for place in (0, 2, 3, 4, 5, 6, 1):
        timeline.place("inbound", 102 + 20 * place, frames("abcdefg"[place]))

    assert timeline.take() == frames("abcdefg")
    assert timeline.gaps() == []
    assert timeline.counts("inbound") == (7 * FRAME, 0, 0)


def test_the_first_frame_may_be_overtaken_as_well():
    timeline = one(chunk_ms=100)
    for place in (1, 2, 0, 3, 4):
        timeline.place("inbound", 102 + 20 * place, frames("abcde"[place]))

    assert timeline.take() == frames("abcde")


def test_a_frame_that_comes_when_its_place_was_given_out_is_dropped_and_the_gap_is_told():
    timeline = one()
    for place in (0, 2, 3, 4, 5, 6, 7):
        timeline.place("inbound", 102 + 20 * place, frames("abcdefgh"[place]))
    out = timeline.take()
    timeline.place("inbound", 122, frames("b"))

    assert out + timeline.finish() == frames("a_cdefgh")
    assert timeline.gaps() == [Gap("inbound", 20, 40, "not delivered by the carrier")]
    assert timeline.counts("inbound") == (8 * FRAME, FRAME, FRAME)


def test_a_repeated_frame_is_dropped_and_counted():
    timeline = one()
    timeline.place("inbound", 102, frames("a"))
    timeline.place("inbound", 122, frames("b"))
    timeline.place("inbound", 122, frames("b"))
    timeline.place("inbound", 142, frames("c"))

    assert timeline.take() == frames("abc")
    assert timeline.counts("inbound") == (4 * FRAME, 0, FRAME)


def test_two_tracks_are_interleaved_byte_by_byte():
    timeline = two()
    timeline.place("inbound", 102, frames("a"))
    assert timeline.take() == b""
    timeline.place("outbound", 102, frames("x"))

    assert timeline.take() == b"ax" * FRAME


def test_a_burst_of_one_track_and_then_of_the_other_loses_nothing():
    timeline = two()
    out = b""
    for track, letters in (("inbound", "abcdefghijk"), ("outbound", "lmnopqrstuv")):
        for place, letter in enumerate(letters):
            timeline.place(track, 102 + 20 * place, frames(letter))
            out += timeline.take()

    assert channel(out, 0) == frames("abcdefghijk")
    assert channel(out, 1) == frames("lmnopqrstuv")


def test_a_track_that_sends_nothing_does_not_hold_the_other_back():
    timeline = two()
    out = b""
    for place in range(50):
        timeline.place("inbound", 102 + 20 * place, frames("a"))
        out += timeline.take()

    assert len(channel(out, 0)) == 50 * FRAME - 300 * 8
    assert set(channel(out, 1)) == {0xFF}


def test_a_gap_is_told_whole_though_part_of_it_was_filled_before():
    timeline = two()
    timeline.place("outbound", 102, frames("x"))
    for place in range(60):
        timeline.place("inbound", 102 + 20 * place, frames("a"))
        timeline.take()
        assert timeline.gaps() == []
    for place in range(60, 66):
        timeline.place("outbound", 102 + 20 * place, frames("y"))
    timeline.finish()

    assert timeline.gaps()[0] == Gap("outbound", 20, 1200, "not delivered by the carrier")


def test_a_track_that_starts_late_stands_where_it_was_spoken():
    timeline = two()
    for place in range(3):
        timeline.place("inbound", 102 + 20 * place, frames("a"))
    timeline.place("outbound", 142, frames("x"))

    assert channel(timeline.finish(), 1) == frames("__x")
    assert timeline.finish() == b""
    assert timeline.gaps() == [Gap("outbound", 0, 40, "the track began late")]


def test_a_track_that_goes_quiet_for_good_has_a_gap_to_the_end():
    timeline = two()
    timeline.place("outbound", 102, frames("x"))
    for place in range(50):
        timeline.place("inbound", 102 + 20 * place, frames("a"))
        timeline.take()
    while timeline.finish():
        pass

    assert timeline.gaps() == [Gap("outbound", 20, 1000, "the track ended early")]


def test_a_track_that_never_sends_is_one_gap():
    timeline = two()
    for place in range(50):
        timeline.place("inbound", 102 + 20 * place, frames("a"))
    while timeline.finish():
        pass

    assert timeline.gaps() == [Gap("outbound", 0, 1000, "not delivered by the carrier")]


def test_at_the_end_the_shorter_track_is_filled_up():
    timeline = two()
    timeline.place("inbound", 102, frames("ab"))
    timeline.place("outbound", 102, frames("x"))
    out = timeline.take() + timeline.finish()

    assert channel(out, 0) == frames("ab")
    assert channel(out, 1) == frames("x_")


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 120), st.integers(1, 5)), max_size=60))
def test_every_byte_is_accounted_for_whatever_the_times(arrivals):
    timeline = two()
    out = b""
    for is_inbound, at, length in arrivals:
        timeline.place("inbound" if is_inbound else "outbound", 102 + 20 * at, frames("a" * length))
        out += timeline.take()
    out += timeline.finish()

    for number, track in enumerate(("inbound", "outbound")):
        heard, filled, dropped = timeline.counts(track)
        assert heard + filled - dropped == len(channel(out, number))
        assert channel(out, number).count(b"a") == heard - dropped
