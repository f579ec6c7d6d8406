"""Who speaks on a line, as recorders are told: in the dialects of several vendors, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sip.metadata import Metadata, Participant, parts_of, read_metadata
from callscribe.errors import MalformedMessage

DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<recording xmlns="urn:ietf:params:xml:ns:recording:1">
  <session session_id="s-1"/>
  <participant participant_id="p1">
    <nameID aor="sip:+12025550100@example.com:5060;user=phone"><name>Ann</name></nameID>
  </participant>
  <participant participant_id="p2"><nameID aor="tel:+12025550188"/></participant>
  <stream stream_id="a" session_id="s-1"><label>96</label></stream>
  <stream stream_id="b" session_id="s-1"><label>97</label></stream>
  <participantstreamassoc participant_id="p1"><send>a</send><recv>b</recv></participantstreamassoc>
  <participantstreamassoc participant_id="p2"><send> b </send><recv>a</recv></participantstreamassoc>
</recording>"""
SDP = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n"
KIND = "application/rs-metadata+xml"


def body(*parts: tuple[str, str], end: str = "\r\n") -> bytes:
    text = "".join(f"--b\nContent-Type: {kind}\n\n{content}\n" for kind, content in parts) + "--b--\n"
    return text.replace("\r\n", "\n").replace("\n", end).encode()


@pytest.mark.parametrize("prefix", ["", "tns:"])
@pytest.mark.parametrize("namespace", ["urn:ietf:params:xml:ns:recording:1", "urn:ietf:params:xml:ns:recording"])
def test_labels_lead_to_those_who_send(prefix, namespace):
    text = DOCUMENT.replace("urn:ietf:params:xml:ns:recording:1", namespace)
    if prefix:
        text = (
            text.replace("xmlns=", "xmlns:tns=")
            .replace("<", "<tns:")
            .replace("<tns:/", "</tns:")
            .replace("<tns:?", "<?")
        )
    metadata = read_metadata(text.encode())
    assert metadata.session == "s-1"
    assert metadata.participants == {
        "96": Participant("sip:+12025550100@example.com:5060;user=phone", "Ann"),
        "97": Participant("tel:+12025550188", ""),
    }
    assert [each.number for each in metadata.participants.values()] == ["+12025550100", "+12025550188"]


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("kind", [KIND, "application/rs-metadata"])
def test_both_parts_are_found_however_lines_end(end, kind):
    sdp, metadata = parts_of("multipart/mixed;boundary=b", body(("application/sdp", SDP), (kind, DOCUMENT), end=end))
    assert sdp.splitlines()[-1] == "m=audio 40000 RTP/AVP 8"
    assert set(metadata.participants) == {"96", "97"}


def test_an_offer_alone_is_enough():
    assert parts_of("application/sdp", SDP.encode()) == (SDP, Metadata())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<recording",
        "<recording/>",
        '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><recording>&b;</recording>',
        "<recording><participantstreamassoc><send>x</send></participantstreamassoc></recording>",
    ],
)
def test_metadata_that_makes_no_sense_is_none(text):
    assert read_metadata(text.encode()) == Metadata()


def test_a_session_description_that_is_no_text_is_told():
    with pytest.raises(MalformedMessage):
        parts_of("application/sdp", b"v=0\xff")


@given(st.text(max_size=60), st.binary(max_size=300))
def test_fuzz_no_body_breaks_anything(kind, content):
    try:
        parts_of(kind.replace("\n", "").replace("\r", ""), content)
    except MalformedMessage:
        return


@given(st.text(alphabet="<>/abns:'\"= sendlabel&;", max_size=200))
def test_fuzz_no_document_breaks_anything(text):
    read_metadata(text.encode())
