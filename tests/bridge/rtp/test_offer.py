"""What is heard of an offer of RTP, and what it is answered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rtp.offer import answer_of, read_offer
from callscribe.audio_format import AudioFormat
from callscribe.errors import MalformedMessage, Refused

HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
ALAW, MULAW = AudioFormat("alaw", 8000), AudioFormat("mulaw", 8000)


def offer(*lines: str) -> str:
    return HEAD + "\r\n".join([*lines, ""])


TWO = offer(
    "m=audio 40000 RTP/AVP 8 0 101",
    "a=rtpmap:101 telephone-event/8000",
    "a=label:1",
    "a=sendonly",
    "m=audio 40002 RTP/AVP 0 8",
    "c=IN IP4 192.0.2.2",
    "a=label:2",
    "a=rtcp-mux",
    "a=inactive",
)


def test_lines_are_parties_in_one_format():
    first, second = read_offer(TWO).lines
    assert (first.label, first.form, first.payload_type, first.event_type, first.is_sent) == ("1", ALAW, 8, 101, True)
    assert (second.label, second.form, second.payload_type, second.event_type) == ("2", ALAW, 8, None)
    assert (second.is_sent, second.address, second.has_mux) == (False, "192.0.2.2", True)
    assert first.address == "192.0.2.1"


def test_the_answer_says_where_we_listen_and_to_what():
    answer = answer_of(read_offer(TWO), {0: 10_000, 1: 10_002}, address="198.51.100.7", session=7, version=2)
    assert answer.splitlines() == [
        "v=0",
        "o=callscribe 7 2 IN IP4 198.51.100.7",
        "s=callscribe",
        "c=IN IP4 198.51.100.7",
        "t=0 0",
        "m=audio 10000 RTP/AVP 8 101",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=label:1",
        "a=recvonly",
        "m=audio 10002 RTP/AVP 8",
        "a=rtpmap:8 PCMA/8000",
        "a=label:2",
        "a=rtcp-mux",
        "a=inactive",
    ]


def test_lines_that_are_not_audio_or_were_given_up_are_answered_with_no_port():
    text = offer("m=video 5 RTP/AVP 96", "m=audio 0 RTP/AVP 0", "m=audio 40000 RTP/AVP 0")
    read = read_offer(text)
    assert [line.place for line in read.lines] == [2]
    answer = answer_of(read, {2: 10_000}, address="::1", session=1, version=1)
    assert [line for line in answer.splitlines() if line.startswith("m=")] == [
        "m=video 0 RTP/AVP 96",
        "m=audio 0 RTP/AVP 0",
        "m=audio 10000 RTP/AVP 0",
    ]
    assert "c=IN IP6 ::1" in answer


def test_the_former_format_is_kept_if_it_is_offered_again():
    assert read_offer(TWO, former=MULAW).lines[0].form == MULAW
    assert read_offer(TWO, former=AudioFormat("l16", 8000)).lines[0].form == ALAW


def test_linear_samples_have_the_payload_type_that_the_offer_gives_them():
    (line,) = read_offer(offer("m=audio 40000 RTP/AVP 118", "a=rtpmap:118 L16/16000")).lines
    assert (line.form, line.payload_type) == (AudioFormat("l16", 16_000), 118)


def test_a_direction_of_the_whole_session_holds_for_lines_without_one():
    (line,) = read_offer(HEAD + "a=recvonly\r\nm=audio 40000 RTP/AVP 0\r\n").lines
    assert not line.is_sent


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (["m=video 5 RTP/AVP 96"], "no audio"),
        (["m=audio 40000 RTP/SAVP 0"], "offer RTP/AVP"),
        (["m=audio 40000 RTP/AVP 18"], "offer PCMU or PCMA"),
        (["m=audio 40000 RTP/AVP 10"], "offer PCMU or PCMA"),
        (["m=audio 40000 RTP/AVP 98", "a=rtpmap:98 L16/16000/2"], "offer PCMU or PCMA"),
        (["m=audio 40000 RTP/AVP 0", "m=audio 40002 RTP/AVP 8"], "share"),
        (["m=audio 40000 RTP/AVP 0"] * 17, "more than 16"),
    ],
)
def test_what_can_not_be_heard_is_refused_with_what_to_offer(lines, what):
    with pytest.raises(Refused, match=what):
        read_offer(offer(*lines))


@pytest.mark.parametrize(
    "text", ["v=one", "v=0\nm=audio x RTP/AVP 0", "v=0\nm=audio 5 RTP/AVP 0\na=rtpmap:x PCMU/8000"]
)
def test_what_is_no_session_description_is_told(text):
    with pytest.raises((MalformedMessage, Refused)):
        read_offer(text)


@given(st.text(alphabet="vosctma=0158 \n:/.RTPAVaudiolbel-", max_size=200))
def test_fuzz_no_offer_breaks_anything(text):
    for each in (text, HEAD + "m=audio 40000 RTP/AVP 0\r\n" + text):
        try:
            found = read_offer(each)
        except (MalformedMessage, Refused):
            continue
        answer_of(found, {line.place: 10_000 for line in found.lines}, address="192.0.2.1", session=1, version=1)
