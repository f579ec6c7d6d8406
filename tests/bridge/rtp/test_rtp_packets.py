"""Datagrams of RTP and RTCP: those of the RFCs, and those that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rtp.packet import Packet, TelephoneEvent, decode, decode_event, goodbyes, is_control
from callscribe.errors import MalformedMessage

AUDIO = b"\x7f" * 160
PLAIN = bytes.fromhex("8000 1a2b 000000a0 deadbeef") + AUDIO


def test_a_packet_without_anything_beside():
    assert decode(PLAIN) == Packet(0, 0x1A2B, 160, 0xDEADBEEF, AUDIO)


def test_a_marker_a_contributor_an_extension_and_padding_are_no_audio():
    header = bytes.fromhex("b1 88 1a2b 000000a0 deadbeef")
    beside = bytes.fromhex("cafecafe bede0002 0011223344556677")
    assert decode(header + beside + AUDIO + b"\0\0\0\x04") == Packet(8, 0x1A2B, 160, 0xDEADBEEF, AUDIO)


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        PLAIN[:11],
        b"\x40" + PLAIN[1:],  # version 1
        b"\x90" + PLAIN[1:12],  # an extension that is not there
        b"\x90" + PLAIN[1:12] + bytes.fromhex("bede00ff") + AUDIO,
        b"\xa0" + PLAIN[1:12] + b"\0",  # padding of nothing
        b"\xa0" + PLAIN[1:12] + b"\x02",
        b"\x8f" + PLAIN[1:20],
    ],
)
def test_what_is_no_packet_is_malformed(datagram):
    with pytest.raises(MalformedMessage) as caught:
        decode(datagram)
    assert caught.value.kind == "shape"


def test_a_telephone_event_is_a_key_and_whether_it_is_over():
    assert decode_event(bytes.fromhex("058a0640")) == TelephoneEvent("5", is_over=True)
    assert decode_event(bytes.fromhex("0b0a00a0")) == TelephoneEvent("#", is_over=False)
    for wrong in (b"", b"\x05\x8a\x06", bytes.fromhex("108a0640")):
        with pytest.raises(MalformedMessage):
            decode_event(wrong)


def test_goodbyes_of_a_compound_of_reports():
    report = bytes.fromhex("80c80006") + bytes(24)
    description = bytes.fromhex("81ca0003 deadbeef 0103 616263 00 0000")
    goodbye = bytes.fromhex("82cb0003 deadbeef cafecafe") + b"\x03end"

    assert is_control(report)
    assert not is_control(PLAIN)
    assert list(goodbyes(report + description + goodbye)) == [0xDEADBEEF, 0xCAFECAFE]


@pytest.mark.parametrize("datagram", [b"\x80\xc8", bytes.fromhex("80c80006"), bytes.fromhex("40cb0000")])
def test_what_is_no_report_is_malformed(datagram):
    with pytest.raises(MalformedMessage):
        list(goodbyes(datagram))


@given(st.binary(max_size=64))
def test_fuzz_no_datagram_breaks_anything(datagram):
    for decoder in (decode, decode_event, lambda each: list(goodbyes(each)), is_control):
        try:
            decoder(datagram)
        except MalformedMessage:
            continue
