"""One party's RTP on media time: wraps, jumps, losses, silences, keys, and sources that change."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.dialects.events import Audio, Digit, Paused
from bridge.rtp.source import COMFORT_NOISE, FIRST_MS, RtpSource
from callscribe.audio_format import MULAW_8K, AudioFormat
from callscribe.errors import MalformedMessage

AUDIO = b"\x7f" * 160  # 20 ms
ZERO_MS = 5000.0


def made(form: AudioFormat = MULAW_8K, payload_type: int = 0) -> RtpSource:
    return RtpSource("caller", form, payload_type=payload_type, event_type=101, zero_ms=ZERO_MS - FIRST_MS)


def packet(sequence: int, timestamp: int, *, kind: int = 0, ssrc: int = 1, payload: bytes = AUDIO) -> bytes:
    return struct.pack("!BBHII", 0x80, kind, sequence % 65536, timestamp % 2**32, ssrc) + payload


def hear(source: RtpSource, *datagrams: bytes, at_ms: float, every_ms: float = 20):
    """Give `source` datagrams that come one after the other; return what it yields: times of audio, and keys."""
    return [
        event.media_ms - FIRST_MS if isinstance(event, Audio) else event.digit
        for place, datagram in enumerate(datagrams)
        for event in source.receive(datagram, now_ms=ZERO_MS + at_ms + every_ms * place)
        if not isinstance(event, Paused)
    ]


def pauses(source: RtpSource, *datagrams: bytes, at_ms: float = 0, every_ms: float = 20) -> list[tuple[int, int]]:
    return [
        (event.begin_ms - FIRST_MS, event.end_ms - FIRST_MS)
        for place, datagram in enumerate(datagrams)
        for event in source.receive(datagram, now_ms=ZERO_MS + at_ms + every_ms * place)
        if isinstance(event, Paused) and event.end_ms > FIRST_MS  # not what there is before everything
    ]


def test_media_time_begins_where_the_party_does_and_goes_on_by_timestamps():
    source = made()
    assert hear(source, packet(7, 160), packet(8, 320), packet(9, 480), at_ms=300) == [300, 320, 340]
    # Late by half a second, all at once: the timestamps know better.
    assert hear(source, *(packet(10 + n, 640 + 160 * n) for n in range(3)), at_ms=860, every_ms=1) == [360, 380, 400]


def test_sequence_numbers_and_timestamps_begin_anew_at_their_end():
    source = made()
    datagrams = [packet(65534 + n, 2**32 - 320 + 160 * n) for n in range(5)]
    assert hear(source, *datagrams, at_ms=0) == [0, 20, 40, 60, 80]


def test_what_is_lost_or_overtaken_or_comes_twice_leaves_the_others_where_they_are():
    source = made()
    assert hear(source, packet(1, 0), packet(4, 480), packet(3, 320), at_ms=0) == [0, 60, 40]
    with pytest.raises(MalformedMessage, match="came again"):
        hear(source, packet(3, 320), at_ms=70)
    assert hear(source, packet(5, 640), at_ms=80) == [80]


def test_a_silence_that_is_not_sent_is_as_long_as_the_timestamps_say():
    source = made()
    noise = packet(2, 160, kind=COMFORT_NOISE, payload=b"\x40")
    assert hear(source, packet(1, 0), noise, at_ms=0) == [0]
    assert hear(source, packet(3, 8 * 30_000), at_ms=30_010) == [30_000]


def test_timestamps_that_jump_without_time_having_passed_have_begun_anew():
    source = made()
    assert hear(source, packet(1, 0), packet(2, 2**31), packet(3, 2**31 + 160), at_ms=0) == [0, 20, 40]


def test_packets_that_are_held_up_and_come_all_at_once_stay_where_they_are():
    source = made()
    assert hear(source, packet(1, 0), at_ms=0) == [0]
    burst = [packet(2 + n, 160 + 160 * n) for n in range(150)]
    assert hear(source, *burst, at_ms=3000, every_ms=1) == [20 + 20 * n for n in range(150)]


def test_a_sender_whose_clock_stood_still_is_where_it_is_after_two_seconds():
    source = made()
    assert hear(source, packet(1, 0), at_ms=0) == [0]
    times = hear(source, *(packet(2 + n, 160 + 160 * n) for n in range(150)), at_ms=30_000)
    assert times[100] == 20 + 20 * 100
    assert times[101:] == [30_000 + 20 * n for n in range(101, 150)]


def test_packets_of_60_and_10_ms_and_of_other_formats():
    long = made()
    assert hear(long, *(packet(n, 480 * n, payload=3 * AUDIO) for n in range(3)), at_ms=0, every_ms=60) == [0, 60, 120]
    wide = made(AudioFormat("l16", 16_000), payload_type=118)
    datagrams = [packet(n, 320 * n, kind=118, payload=b"\x12\x34" * 320) for n in range(2)]
    came = [each for n in (0, 1) for each in wide.receive(datagrams[n], now_ms=ZERO_MS + 20 * n)]
    heard = [each for each in came if isinstance(each, Audio)]
    assert heard == [Audio("caller", 20, b"\x34\x12" * 320), Audio("caller", 40, b"\x34\x12" * 320)]
    alaw = made(AudioFormat("alaw", 8000), payload_type=8)
    assert hear(alaw, packet(1, 0, kind=8), at_ms=0) == [0]


def test_a_key_is_told_once_when_it_is_let_go():
    source = made()
    pressed = [packet(2 + n, 160, kind=101, payload=bytes.fromhex("050a00a0")) for n in range(3)]
    over = [packet(5 + n, 160, kind=101, payload=bytes.fromhex("058a0640")) for n in range(3)]
    assert hear(source, packet(1, 0), *pressed, *over, packet(8, 1120), at_ms=0) == [0, "5", 140]
    again = packet(9, 1280, kind=101, payload=bytes.fromhex("058a0640"))
    assert list(source.receive(again, now_ms=ZERO_MS + 160)) == [Digit("caller", "5")]


def test_another_source_takes_over_once_two_of_its_packets_follow_each_other():
    source = made()
    assert hear(source, packet(1, 0), packet(2, 160), at_ms=0) == [0, 20]
    assert hear(source, packet(900, 77, ssrc=2), at_ms=40) == []
    assert hear(source, packet(3, 320), at_ms=41) == [40]  # it was a stray
    assert hear(source, packet(900, 77, ssrc=2), packet(902, 397, ssrc=2), at_ms=60) == []
    assert hear(source, packet(903, 557, ssrc=2), at_ms=100) == [80, 100]  # and it was heard from its first
    assert hear(source, packet(904, 717, ssrc=2), at_ms=120) == [120]


def test_what_was_not_sent_is_a_pause_and_what_was_lost_is_none():
    source = made()
    assert pauses(source, packet(1, 0), at_ms=100) == [(-20, 100)]  # it was answered, and nobody spoke yet
    assert pauses(source, packet(2, 160), packet(4, 480), at_ms=120) == []  # the third may still come
    assert pauses(source, packet(3, 320), at_ms=150) == []
    assert pauses(source, packet(5, 8000 + 480), at_ms=1160) == [(180, 1160)]  # in sequence, and much later
    assert pauses(source, packet(7, 16_000), at_ms=2100) == []  # one is missing: it may have had the words
    assert [(each.begin_ms, each.end_ms) for each in source.rest(now_ms=ZERO_MS + 5000)] == [(2140, 6020)]


def test_a_pause_goes_on_through_comfort_noise_and_pressed_keys():
    source = made()
    noise = packet(2, 160, kind=COMFORT_NOISE, payload=b"\x40")
    key = packet(3, 8000, kind=101, payload=bytes.fromhex("058a0640"))
    assert pauses(source, packet(1, 0), noise) == []
    assert pauses(source, key, at_ms=1000) == [(20, 1000)]
    assert pauses(source, packet(4, 16_000), at_ms=2000) == [(1000, 2000)]


def test_a_packet_that_was_overtaken_tells_of_the_pauses_around_it():
    source = made()
    assert pauses(source, packet(1, 0), packet(3, 8000), every_ms=1000) == []
    assert pauses(source, packet(2, 4000), at_ms=1001) == [(20, 500), (520, 1000)]


@pytest.mark.parametrize(
    ("datagram", "kind"),
    [
        (packet(2, 160, kind=96), "format"),
        (packet(2, 160, payload=b""), "length"),
        (packet(2, 160, payload=b"x" * 13), "length"),
        (packet(2, 160, kind=101, payload=b"x"), "shape"),
        (b"\x80", "shape"),
    ],
)
def test_what_makes_no_sense_is_told_by_kind_and_the_next_packet_is_heard(datagram, kind):
    source = made()
    assert hear(source, packet(1, 0), at_ms=0) == [0]
    with pytest.raises(MalformedMessage) as caught:
        hear(source, datagram, at_ms=20)
    assert caught.value.kind == kind
    assert hear(source, packet(3, 320), at_ms=40) == [40]


@given(
    st.lists(
        st.binary(max_size=40)
        | st.builds(
            packet,
            st.integers(0, 2**16),
            st.integers(0, 2**32),
            kind=st.sampled_from([0, 13, 101, 96]),
            ssrc=st.integers(1, 3),
            payload=st.sampled_from([AUDIO, b"\x05\x8a\x06\x40", b""]),
        ),
        max_size=30,
    )
)
def test_fuzz_no_datagram_breaks_anything_and_no_time_is_far_from_now(datagrams):
    source = made()
    for place, datagram in enumerate(datagrams):
        try:
            heard = hear(source, datagram, at_ms=20 * place)
        except MalformedMessage:
            continue
        assert all(abs(each - 20 * place) <= 1020 for each in heard if isinstance(each, int))
