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


def test_a_missing_frame_is_filled_with_silence_and_named_as_a_gap():
    timeline = one()
    timeline.place("inbound", 102, frames("a"))

    assert timeline.place("inbound", 142, frames("c")) == Gap("inbound", 20, 40)
    assert timeline.take() == frames("a_c")
    assert timeline.counts("inbound") == (2 * FRAME, FRAME, 0)


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


def test_a_gap_begins_where_the_carrier_was_last_heard_though_silence_was_filled_in_before():
    timeline = two()
    timeline.place("outbound", 102, frames("x"))
    for place in range(50):
        timeline.place("inbound", 102 + 20 * place, frames("a"))
        timeline.take()

    assert timeline.place("outbound", 102 + 980, frames("y")) == Gap("outbound", 20, 980)


def test_a_track_that_starts_late_stands_where_it_was_spoken():
    timeline = two()
    for place in range(3):
        timeline.place("inbound", 102 + 20 * place, frames("a"))
    assert timeline.place("outbound", 142, frames("x")) is None

    assert channel(timeline.take(), 1) == frames("__x")


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
