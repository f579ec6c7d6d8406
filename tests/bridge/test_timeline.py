"""Frames on one clock. A letter stands for a frame of 20 ms; `_` for one of silence."""

from __future__ import annotations

import pytest
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


def test_a_pause_is_silence_and_no_gap():
    timeline = one()
    timeline.place("inbound", 102, frames("a"))
    timeline.pause("inbound", 122, 400)  # told in pieces, as comfort noise comes
    timeline.pause("inbound", 400, 622)
    timeline.place("inbound", 622, frames("bcdefgh"))
    assert timeline.take() == frames("a" + 25 * "_" + "bcdefgh")
    assert timeline.gaps() == []
    timeline.pause("inbound", 762, 900)
    timeline.place("inbound", 962, frames("ijklmno"))  # what came before it did not come
    timeline.take()
    assert timeline.gaps() == [Gap("inbound", 660, 860, "not delivered by the carrier")]


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

    assert len(channel(out, 0)) == 50 * FRAME - 520 * 8
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


def test_a_healthy_call_comes_out_chunk_by_chunk_as_it_comes_in():
    timeline = Timeline(("inbound", "outbound"), origin_ms=102, chunk_ms=100)
    for place in range(100):
        timeline.place("inbound", 102 + 20 * place, frames("a"))
        assert timeline.take() == b""
        timeline.place("outbound", 102 + 20 * place, frames("x"))
        assert len(timeline.take()) == (2 * 5 * FRAME if place % 5 == 4 else 0)
    assert timeline.gaps() == []


@pytest.mark.parametrize("length_ms", [1, 10, 19, 30, 100, 400])
def test_packets_of_any_length_make_the_same_audio(length_ms):
    audio = frames("abcdefghijklmnopqrst" * 4)
    timeline = one()
    for start in range(0, len(audio), length_ms * 8):
        timeline.place("inbound", 102 + start // 8, audio[start : start + length_ms * 8])

    assert timeline.take() == audio
    assert timeline.counts("inbound") == (len(audio), 0, 0)


@pytest.mark.parametrize("length_ms", [1, 10, 20, 400])
def test_packets_of_any_length_may_be_overtaken(length_ms):
    packets = [bytes([65 + n]) * 8 * length_ms for n in range(5)]
    timeline = one()
    for place in (0, 1, 3, 2, 4):
        timeline.place("inbound", 102 + length_ms * place, packets[place])

    assert timeline.take() + timeline.finish() == b"".join(packets)


@pytest.mark.parametrize("length_ms", [1, 10, 20, 400])
def test_packets_of_any_length_may_come_twice(length_ms):
    packets = [bytes([65 + n]) * 8 * length_ms for n in range(5)]
    timeline = one()
    for place in (0, 1, 1, 2, 3, 3, 3, 4):
        timeline.place("inbound", 102 + length_ms * place, packets[place])

    assert timeline.take() + timeline.finish() == b"".join(packets)


def test_a_track_with_packets_of_400_ms_loses_nothing_beside_one_with_frames():
    timeline = two()
    out = b""
    for place in range(100):
        timeline.place("inbound", 102 + 20 * place, frames("a"))
        out += timeline.take()
        if place % 20 == 19:
            timeline.place("outbound", 102 + 20 * (place - 19), frames("x" * 20))
            out += timeline.take()

    assert channel(out, 1) == frames("x" * 100)


def drifting(ppm: int, *, minutes: int) -> Timeline:
    timeline = one()
    for place in range(minutes * 3000):
        at_ms = 20 * place
        timeline.place("inbound", 102 + at_ms + round(at_ms * ppm / 1e6), frames("a"))
        timeline.take()
    return timeline


def test_a_clock_that_runs_fast_is_followed_with_silence_that_is_no_gap():
    timeline = drifting(200, minutes=5)

    _, filled, dropped = timeline.counts("inbound")
    assert (dropped, timeline.gaps()) == (0, [])
    assert filled == 55 * 8  # 60 ms in all, corrected when it is 11


def test_a_clock_that_runs_slow_is_followed_by_leaving_a_little_out():
    timeline = drifting(-200, minutes=5)

    _, filled, dropped = timeline.counts("inbound")
    assert (filled, timeline.gaps()) == (0, [])
    assert 50 * 8 <= dropped <= 60 * 8


def test_a_single_timestamp_from_far_ahead_or_behind_is_not_believed():
    timeline = one()
    for place in range(10):
        timeline.place("inbound", 102 + 20 * place, frames("a"))
        timeline.place("inbound", 102 + (10**15 if place % 2 else -(10**15)), frames("!"))

    assert timeline.take() + timeline.finish() == frames("a" * 10)
    assert timeline.counts("inbound") == (20 * FRAME, 0, 10 * FRAME)


def test_a_single_timestamp_from_a_minute_ahead_loses_nothing_of_what_follows():
    timeline = two()
    out = b""
    for place in range(200):
        if place == 10:
            timeline.place("inbound", 102 + 60_000, frames("!"))
        for track in ("inbound", "outbound"):
            timeline.place(track, 102 + 20 * place, frames("a"))
        out += timeline.take()

    assert channel(out, 0) == channel(out, 1) == frames("a" * 200)


def test_a_leap_of_the_clock_that_three_frames_agree_on_is_a_gap_in_pieces_of_ten_seconds():
    timeline = one(chunk_ms=100)
    timeline.place("inbound", 102, frames("abcde"))
    for place in range(7):
        timeline.place("inbound", 102 + 3_000_000 + 20 * place, frames("v"))
    pieces = []
    while piece := timeline.take() or timeline.finish():
        pieces.append(piece)

    assert max(len(piece) for piece in pieces) == 10_000 * 8
    assert sum(len(piece) for piece in pieces) == 3_000_140 * 8
    assert b"".join(pieces[-3:])[-8 * FRAME :] == frames("_vvvvvvv")
    assert timeline.gaps() == [Gap("inbound", 100, 3_000_000, "not delivered by the carrier")]


@pytest.mark.parametrize("leap_ms", [-90_000, -(10**12), 4_000_000, 10**12])
def test_a_clock_that_was_set_anew_goes_on_where_the_audio_was(leap_ms):
    timeline = two()
    out = b""
    for place in range(40):
        for track in ("inbound", "outbound"):
            timeline.place(track, 102 + 20 * place + (leap_ms if place >= 10 else 0), frames("a"))
        out += timeline.take()

    assert channel(out, 0) == channel(out, 1) == frames("a" * 40)
    assert timeline.gaps() == []


def test_a_first_timestamp_that_was_wrong_does_not_spoil_the_rest():
    timeline = Timeline(("inbound",), origin_ms=102 + 10**12, chunk_ms=20)
    timeline.place("inbound", 102 + 10**12, frames("!"))
    for place in range(10):
        timeline.place("inbound", 102 + 20 * place, frames("a"))

    assert timeline.take() == frames("!aaaaaaaaaa")


def test_audio_that_is_dropped_for_a_silence_too_short_for_a_gap_makes_it_one():
    timeline = one()
    for place in [*range(50), *range(51, 200), 50]:
        timeline.place("inbound", 102 + place, bytes([place]) * 8)
        timeline.take()

    assert timeline.counts("inbound") == (200 * 8, 8, 8)
    assert timeline.gaps() == [Gap("inbound", 50, 51, "not delivered by the carrier")]


TIMES_MS = st.one_of(
    st.integers(0, 2000),
    st.integers(-100, 100).map(lambda n: n * 1000),
    st.integers(-1, 4).map(lambda n: n * 1_800_000),
    st.integers(-(10**15), 10**15),
)


@given(
    st.lists(
        st.tuples(st.sampled_from(("inbound", "outbound")), TIMES_MS, st.integers(1, 400), st.integers(1, 8)),
        max_size=40,
    )
)
def test_every_byte_is_accounted_for_at_any_time_whatever_the_times(arrivals):
    timeline = two()
    out = b""
    for track, at_ms, length_ms, count in arrivals:
        for n in range(count):
            timeline.place(track, at_ms + n * length_ms, b"a" * 8 * length_ms)
        out += timeline.take()

        for number, name in enumerate(("inbound", "outbound")):
            heard, filled, dropped = timeline.counts(name)
            assert heard + filled == len(channel(out, number)) + dropped + timeline.held(name)
            assert channel(out, number).count(b"a") <= heard - dropped
    longest = 0
    while piece := timeline.finish():
        longest = max(longest, len(piece))
    assert longest <= 2 * 10_000 * 8
    assert timeline.held("inbound") == timeline.held("outbound") == 0


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


def test_the_next_chunk_is_due_with_its_last_frame():
    timeline = Timeline(("inbound", "outbound"), origin_ms=102)
    for place in range(5):
        assert timeline.due_ms == 202
        for track in ("inbound", "outbound"):
            timeline.place(track, 102 + 20 * place, frames("a"))
    assert len(timeline.take()) == 10 * FRAME
    assert timeline.due_ms == 302


def test_while_one_track_is_waited_for_a_chunk_may_be_ready_any_moment():
    timeline = Timeline(("inbound", "outbound"), origin_ms=102)
    for place in range(5):
        timeline.place("inbound", 102 + 20 * place, frames("a"))

    assert timeline.due_ms is None
    timeline.place("inbound", 500_000, frames("a"))  # and while a time is in doubt
    assert timeline.due_ms is None


@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.sampled_from((0, 0, 0, 20, 140, -20, -160, 7, 70_000)),  # from where the track's last one ended
            st.integers(1, 6),
            st.sampled_from((80, 160)),
        ),
        max_size=30,
    )
)
def test_packets_that_came_as_one_piece_stand_where_each_of_them_would(pieces):
    whole, apart, ends = two(), two(), {"inbound": 102, "outbound": 102}
    for number, (is_inbound, off_ms, packets, size) in enumerate(pieces):
        track = "inbound" if is_inbound else "outbound"
        begin_ms = max(0, ends[track] + off_ms)
        audio = bytes([number + 1]) * (packets * size)
        whole.place(track, begin_ms, audio, packets)
        for place in range(packets):
            apart.place(track, begin_ms + place * size // 8, audio[:size])
        ends[track] = begin_ms + packets * size // 8

        assert whole.take() == apart.take()
        assert whole.gaps() == apart.gaps()
        assert [whole.counts(each) for each in ends] == [apart.counts(each) for each in ends]
        assert [whole.held(each) for each in ends] == [apart.held(each) for each in ends]
    assert list(iter(whole.finish, b"")) == list(iter(apart.finish, b""))
    assert whole.gaps() == apart.gaps()


def test_audio_without_a_byte_changes_nothing():
    timeline = one()
    timeline.place("inbound", 102, b"")
    timeline.place("inbound", 102, frames("a"))
    assert timeline.take() == frames("a")
    timeline.place("inbound", 500, b"")

    assert timeline.finish() == b""
