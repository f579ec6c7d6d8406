"""RTP that is offered on a media socket: as rtpengine's `subscribe` and Asterisk's externalMedia send it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from bridge import call_end
from bridge.rtp.ports import Ports
from callscribe.call import fold
from callscribe.dynamodb import perform
from callscribe.entries import LegGap
from callscribe.trunks import Trunks, new_trunk
from local.gladia.scripted import silence, spoken
from local.peers.rtp import RtpManner
from local.peers.siprec import Response, speak

PROGRAM = Path(__file__).parents[2] / "docs" / "sip" / "rtp" / "external_media.py"
AT = "2026-11-26T09:15:02.417Z"
HEAD = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
TWO = HEAD + "m=audio 40000 RTP/AVP 0\r\na=sendonly\r\nm=audio 40002 RTP/AVP 0\r\na=sendonly\r\n"


@pytest.fixture
def secret(path, monkeypatch):
    """The secret of the trunk `pbx`."""
    monkeypatch.setattr(call_end, "LINGER_S", 0.0)
    new = new_trunk("acme", "pbx", at=AT)
    assert perform(path.dynamodb, Trunks("Keys").add(new))
    return new.secret


def socket(path, secret: str, query: str = "call=c-1"):
    headers = {"Authorization": f"Bearer {secret}"}
    return connect(f"{path.url}/rtp/pbx?{query}", additional_headers=headers, compression=None, proxy=None)


async def test_an_offer_is_answered_with_where_to_send_and_heard_while_the_socket_lasts(path, secret):
    ann, bob = spoken("hello bob", ms_per_word=200), spoken("hello ann", ms_per_word=200)
    async with socket(path, secret, "call=c-1&party=caller,agent") as media:
        await media.send(TWO)
        answer = Response(200, "OK", {}, await media.recv())
        assert answer.host == "127.0.0.1"
        assert len(set(answer.ports)) == 2
        await speak(answer, [ann + silence(1200), silence(600) + bob + silence(600)], RtpManner(overtaken=0.2))
    await path.settled()
    entries = path.entries("pbx.c-1")
    call = fold(entries)
    assert path.said("pbx.c-1") == [("caller", "hello bob"), ("agent", "hello ann")]
    assert (call.started.provider, call.ended.reason, call.settled) == ("rtp", "completed", True)
    assert not [entry for entry in entries if isinstance(entry.body, LegGap)]


@pytest.mark.parametrize(
    ("offered", "what"),
    [
        (("party=caller", TWO), "call="),
        (("call=c-1&party=caller", TWO), "party= names 1"),
        (("call=c-1", HEAD + "m=audio 40000 RTP/AVP 18\r\n"), "offer PCMU or PCMA"),
        (("call=c-1", HEAD + "m=audio 40000 RTP/SAVP 0\r\n"), "offer RTP/AVP"),
    ],
)
async def test_what_can_not_be_heard_is_refused_with_what_to_configure(path, secret, caplog, offered, what):
    query, offer = offered
    async with socket(path, secret, query) as media:
        await media.send(offer)
        await media.wait_closed()
    assert media.close_code == 1008
    (told,) = [record for record in caplog.records if record.message == "media stream refused"]
    assert what in told.reason


async def test_where_no_port_is_free_it_is_to_be_tried_again(path, secret, monkeypatch):
    monkeypatch.setattr(path.bridge, "ports", Ports("127.0.0.1", 31_200, 31_201))
    async with socket(path, secret) as media:
        await media.send(TWO)
        await media.wait_closed()
    assert media.close_code == 1013


async def test_other_messages_are_counted(path, secret):
    async with socket(path, secret) as media:
        await media.send(b"\xff" * 160)
        await media.send(TWO.replace("m=audio 40002", "m=video 40002"))
        answer = Response(200, "OK", {}, await media.recv())
        assert answer.ports[1] == 0
        await media.send(TWO)
        await speak(answer, [spoken("hello", ms_per_word=200) + silence(300)])
    await path.settled()
    assert path.said("pbx.c-1") == [("caller", "hello")]
    metrics = path.metrics()
    assert metrics["malformed_order"] == 1
    assert metrics["malformed_shape"] >= 1


class ChannelGoneError(Exception):
    """ARI tells that the channel has ended."""


async def test_external_media_is_heard_as_the_program_on_the_page_asks_for_it(path, secret):
    spec = importlib.util.spec_from_file_location("external_media", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    asked = []

    async def ask(what: str, query: dict[str, str]) -> None:
        asked.append((what, query["format"]))
        host, _, port = query["external_host"].partition(":")
        answer = Response(200, "OK", {}, f"c=IN IP4 {host}\r\nm=audio {port} RTP/AVP 0\r\n")
        await speak(answer, [spoken("hello", ms_per_word=200) + silence(400)])
        raise ChannelGoneError

    arguments = {"call": "c-1", "party": "caller", "asterisk": "127.0.0.1", "ask": ask}
    with pytest.raises(ChannelGoneError):  # the socket is closed with it
        await module.listen(path.url, "pbx", secret, **arguments)
    await path.settled()
    assert asked == [("channels/externalMedia", "ulaw")]
    assert path.said("pbx.c-1") == [("caller", "hello")]
