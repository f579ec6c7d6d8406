"""AudioSocket: packets however they are cut, and mu-law that says it is linear. Bytes as Asterisk 22.10.1 sent them."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.dialects.audiosocket import AudioSocketDialect
from bridge.dialects.events import Audio, Digit, Started, Stopped
from bridge.dialects.untimed import Question
from callscribe.audio_format import AudioFormat
from callscribe.errors import MalformedMessage, Refused

NAME = "501f59b1-0c5f-4b6e-9c6e-2f0d3f1d7a11"
HELLO = bytes.fromhex("010010") + uuid.UUID(NAME).bytes
LINEAR = b"\x11\x22" * 160  # 20 ms at 8 kHz
FRAME = bytes.fromhex("100140") + LINEAR
BEGUN = Started(NAME, NAME, "", ("caller",), AudioFormat("l16", 8000), begins_now=True, is_lossless=True)


def made(**query: str) -> AudioSocketDialect:
    return AudioSocketDialect(Question.of(query))


def say(dialect, data: bytes, *, now_ms: float = 0.0):
    return list(dialect.receive(data, now_ms=now_ms))


def test_a_call_from_its_uuid_to_the_close_of_the_connection():
    dialect = made()
    assert say(dialect, HELLO) == []
    assert say(dialect, FRAME, now_ms=20) == [BEGUN, Audio("caller", 0, LINEAR)]
    assert say(dialect, FRAME, now_ms=40) == [Audio("caller", 20, LINEAR)]
    assert say(dialect, bytes.fromhex("03000131")) == [Digit("caller", "1")]
    assert list(dialect.ended(1000)) == [Stopped("stop")]
    assert list(dialect.ended(1000)) == []


def test_call_and_party_are_those_that_are_known_otherwise():
    dialect = made(call="c-1", party="agent")
    started, audio = say(dialect, HELLO + FRAME)
    assert (started.call_id, started.media_stream, audio.track) == ("c-1", NAME, "agent")


def test_a_hang_up_ends_it_and_a_lost_connection_is_no_proper_end():
    dialect = made()
    assert say(dialect, HELLO + FRAME + b"\0\0\0" + FRAME)[-1] == Stopped("stop")
    assert say(dialect, FRAME) == []

    dialect = made()
    say(dialect, HELLO + FRAME)
    (lost,) = dialect.ended(None)
    assert not lost.is_proper


def test_audio_at_16_khz_has_a_kind_of_its_own():
    started, audio = say(made(), HELLO + bytes.fromhex("120280") + 2 * LINEAR)
    assert (started.form, len(audio.audio)) == (AudioFormat("l16", 16_000), 640)


@pytest.mark.parametrize("kind", ["11", "13", "15", "17", "18"])
def test_rates_that_are_not_taken_are_refused_with_what_to_dial(kind):
    with pytest.raises(Refused, match=r"c\(slin\)"):
        say(made(), HELLO + bytes.fromhex(kind) + FRAME[1:])


def test_mu_law_that_says_it_is_linear_is_refused_and_short_packets_of_linear_are_not():
    lie = bytes.fromhex("1000a0") + b"\x7f" * 160

    def heard_each(ms: int):
        dialect = made()
        say(dialect, HELLO)
        return [each for place in range(100) for each in say(dialect, lie, now_ms=ms * place)]

    with pytest.raises(Refused, match=r"c\(slin\)"):
        heard_each(20)
    heard = heard_each(10)
    assert sum(len(each.audio) for each in heard if isinstance(each, Audio)) == 100 * 160


@pytest.mark.parametrize(
    ("before", "data", "kind"),
    [
        (b"", FRAME, "order"),
        (HELLO, HELLO, "order"),
        (b"", b"\x01\0\x02ab", "length"),
        (HELLO, b"\x10\0\0", "length"),
        (HELLO, b"\x10\0\x01a", "length"),
        (HELLO, b"\xff\0\x01a", "error"),
        (HELLO, b"\x42\0\0", "shape"),
        (HELLO, b"\x03\0\x02ab", "shape"),
        (HELLO + FRAME, b"\x12" + FRAME[1:], "shape"),
    ],
)
def test_what_makes_no_sense_is_told_by_kind_and_the_next_packet_is_heard(before, data, kind):
    dialect = made()
    say(dialect, before)
    with pytest.raises(MalformedMessage) as caught:
        say(dialect, data)
    assert caught.value.kind == kind
    after = say(dialect, FRAME if before else HELLO + FRAME)
    assert any(isinstance(each, Audio) and each.audio == LINEAR for each in after)


@given(st.lists(st.integers(1, 700), min_size=1))
def test_packets_are_the_same_however_they_are_cut(sizes):
    whole = HELLO + 5 * FRAME + bytes.fromhex("03000131") + FRAME
    dialect, events, place = made(), [], 0
    for size in sizes * len(whole):
        events += say(dialect, whole[place : place + size])
        place += size
        if place >= len(whole):
            break
    heard = b"".join(each.audio for each in [*events, *dialect.ended(1000)] if isinstance(each, Audio))
    assert events[0] == BEGUN
    assert heard == 6 * LINEAR
    assert Digit("caller", "1") in events


@given(st.lists(st.binary(max_size=80), max_size=20), st.booleans())
def test_fuzz_no_bytes_break_anything(pieces, is_begun):
    dialect = made()
    if is_begun:
        say(dialect, HELLO)
    for place, piece in enumerate(pieces):
        try:
            events = say(dialect, piece, now_ms=20 * place)
        except (MalformedMessage, Refused):
            continue
        assert all(isinstance(each, Started | Audio | Digit | Stopped) for each in events)
