"""SIP messages out of the bytes of a connection, however they are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sip.framing import MOST_BYTES, Framing
from callscribe.errors import MalformedMessage

OPTIONS = b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP c;branch=z9\r\nContent-Length: 4\r\n\r\nbody"
BARE = OPTIONS.replace(b"\r\n", b"\n").replace(b"Content-Length", b"l ")


@given(st.lists(st.sampled_from([OPTIONS, BARE, b"\r\n\r\n", b"\n"]), max_size=6), st.integers(1, 40))
def test_messages_come_out_whole_however_they_are_cut(sent, size):
    stream = b"".join(sent)
    framing = Framing()
    heard = [each for at in range(0, len(stream), size) for each in framing.receive(stream[at : at + size])]
    assert [(each.method, each.body) for each in heard] == [("OPTIONS", b"body")] * sum(len(each) > 9 for each in sent)


@pytest.mark.parametrize(
    "sent",
    [
        OPTIONS.replace(b"Content-Length: 4\r\n", b""),
        OPTIONS.replace(b": 4", b": 99999999"),
        OPTIONS.replace(b": 4", b": -4"),
        b"x" * (MOST_BYTES + 1),
        b"hello\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_what_can_not_be_told_apart_is_told(sent):
    with pytest.raises(MalformedMessage) as caught:
        list(Framing().receive(sent))
    assert caught.value.kind == "shape"


@given(st.lists(st.binary(max_size=60) | st.sampled_from([OPTIONS, b"INVITE sip: SIP/2.0\r\nl:0\r\n\r\n"]), max_size=8))
def test_fuzz_no_bytes_break_anything(sent):
    framing = Framing()
    for data in sent:
        try:
            list(framing.receive(data))
        except MalformedMessage:
            return
