"""Dialects whose audio does not come by the socket that was opened: RTP on demand, and Asterisk that is dialled."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.dialects.dial import DialDialect
from bridge.dialects.events import Audio, Dialled, Offered, Started, Stopped
from bridge.dialects.rtp import RtpDialect
from bridge.dialects.untimed import Question
from callscribe.audio_format import MULAW_8K
from callscribe.errors import MalformedMessage, Refused

HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
LINES = [HEAD + "".join(f"m=audio {40_000 + 2 * place} RTP/AVP 0\r\n" for place in range(count)) for count in range(4)]
URL = "ws://10.20.0.5:8088/media/32966726-4388-456b-a333-fdf5dbecc60d"
START = json.dumps({"event": "MEDIA_START", "channel_id": "lab1-1.1", "format": "ulaw"}).encode()


def rtp(**options) -> RtpDialect:
    return RtpDialect(Question(call="c-1", **options), media_stream="MS1")


def offered(dialect: RtpDialect, text: str) -> Offered:
    (event,) = dialect.receive(text.encode(), is_text=True)
    assert isinstance(event, Offered)
    return event


def test_an_offer_is_a_media_stream_of_its_lines():
    event = offered(rtp(), LINES[2])
    assert event.started == Started(
        "MS1", "c-1", "", ("caller", "callee"), MULAW_8K, begins_now=True, loses_packets=True
    )
    assert [line.place for line in event.offer.lines] == [0, 1]


@pytest.mark.parametrize(
    ("lines", "labels", "parties"),
    [
        (LINES[2], ("2", "1"), ("callee", "caller")),
        (LINES[2], ("caller", "caller"), ("caller", "callee")),
        (LINES[3], ("x", "y", "z"), ("caller", "callee", "party-3")),
    ],
)
def test_lines_are_named_by_their_labels_else_by_their_order(lines, labels, parties):
    first, *others = lines.split("m=audio")
    labelled = first + "".join(f"m=audio{line}a=label:{label}\r\n" for line, label in zip(others, labels, strict=True))
    assert offered(rtp(), labelled).started.tracks == parties


def test_the_address_names_them_before_all():
    assert offered(rtp(parties=("agent", "caller")), LINES[2]).started.tracks == ("agent", "caller")
    with pytest.raises(Refused, match="1 lines are offered, and party= names 2"):
        list(rtp(parties=("agent", "caller")).receive(LINES[1].encode(), is_text=True))


def test_it_is_over_with_the_socket_and_only_if_it_began():
    dialect = rtp()
    assert list(dialect.ended(1000)) == []
    offered(dialect, LINES[1])
    with pytest.raises(MalformedMessage, match="came before"):
        list(dialect.receive(LINES[1].encode(), is_text=True))
    assert list(dialect.ended(1006)) == [Stopped("the media socket ended with 1006")]
    assert list(dialect.ended(1000)) == []


def test_what_is_dialled_speaks_asterisk():
    dialect = DialDialect(Question(call="c-1", parties=("agent",)))
    (dialled,) = dialect.receive(json.dumps({"url": URL}).encode(), is_text=True, now_ms=0.0)
    assert dialled == Dialled(URL, "10.20.0.5")
    (started,) = dialect.receive(START, is_text=True, now_ms=100.0)
    assert (started.call_id, started.tracks) == ("c-1", ("agent",))
    (audio,) = dialect.receive(b"\x10" * 160, is_text=False, now_ms=140.0)
    assert audio == Audio("agent", 20, b"\x10" * 160)
    assert list(dialect.ended(1000)) == [Stopped("stop")]


@pytest.mark.parametrize("url", ["", "http://10.20.0.5/media/x", "ws://", "ws://[::1/x", "ws://10.20.0.5:99999/", "x"])
def test_what_is_no_address_of_a_socket_is_refused_with_what_is(url):
    with pytest.raises(Refused, match="ws://<address>:8088/media/<id>"):
        list(DialDialect(Question()).receive(json.dumps({"url": url}).encode(), is_text=True, now_ms=0.0))


def test_audio_before_anything_was_dialled_is_told():
    with pytest.raises(MalformedMessage):
        list(DialDialect(Question()).receive(b"\x10" * 160, is_text=False, now_ms=0.0))


@given(
    st.sampled_from([rtp, lambda: DialDialect(Question(call="c-1"))]),
    st.lists(
        st.tuples(
            st.binary(max_size=40)
            | st.sampled_from([START, json.dumps({"url": URL}).encode(), *(each.encode() for each in LINES)]),
            st.booleans(),
        ),
        max_size=12,
    ),
)
def test_fuzz_no_message_breaks_anything(made, messages):
    dialect = made()
    begun = 0
    for place, (message, is_text) in enumerate(messages):
        try:
            for event in dialect.receive(message, is_text=is_text, now_ms=20.0 * place):
                begun += isinstance(event, Started | Offered)
        except (MalformedMessage, Refused):
            continue
    assert begun <= 1
    assert len([event for event in dialect.ended(1000) if isinstance(event, Stopped)]) == begun
