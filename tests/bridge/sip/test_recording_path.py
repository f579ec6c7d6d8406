"""Recording sessions on real sockets: SIP over TCP and TLS, a line of RTP a party, words in the log."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import replace

import pytest

from bench.ports import free_port
from bridge import call_end
from bridge.rtp.ports import Ports
from bridge.sip import listener as sip_listener
from bridge.sip.listener import SipListener, listen_for_sip
from callscribe.call import fold
from callscribe.dynamodb import perform
from callscribe.entries import CallEnded, LegGap
from callscribe.errors import Refused
from callscribe.settings import TrunkSettings
from callscribe.trunks import Trunks, new_trunk
from local.gladia.scripted import silence, spoken
from local.peers.rtp import RtpManner
from local.peers.siprec import NotRecorded, recording_client, speak
from tests.certificate import self_signed

AT = "2026-11-26T09:15:02.417Z"
HOST = "127.0.0.1"


@pytest.fixture
def secret(path, monkeypatch):
    """The secret of the trunk `sbc`, which is let in from this machine without it, too."""
    monkeypatch.setattr(call_end, "LINGER_S", 0.0)
    new = new_trunk("acme", "sbc", at=AT, networks=["127.0.0.0/8"], settings=TrunkSettings())
    assert perform(path.dynamodb, Trunks("Keys").add(new))
    return new.secret


@pytest.fixture
async def port(path, secret):
    """The port of a recording server."""
    listener = SipListener(path.bridge)
    yield await listener.listen(HOST, 0)
    listener.close()


def two_sides() -> tuple[bytes, bytes]:
    ann, bob = spoken("hello bob", ms_per_word=200), spoken("hello ann", ms_per_word=200)
    return ann + silence(1200), silence(600) + bob + silence(600)


async def test_a_recorded_call_is_in_the_log_with_who_said_what_and_when(path, port):
    async with recording_client(HOST, port, "sbc", call="c-1") as client:
        response = await client.invite()
        assert response.headers["contact"].endswith(";+sip.srs")
        await speak(response, two_sides())
        await client.bye()
        await path.settled()
    entries = path.entries("sbc.c-1")
    call = fold(entries)
    assert path.said("sbc.c-1") == [("caller", "hello bob"), ("callee", "hello ann")]
    assert (call.started.provider, call.started.account, entries[0].tenant) == ("siprec", "sbc", "acme")
    assert (call.started.from_number, call.started.to_number) == ("+12025550100", "+12025550188")
    assert call.started.metadata == {"sip_call_id": client.call_id, "session_id": "session-1"}
    assert call.ended.reason == "completed"
    assert not [entry for entry in entries if isinstance(entry.body, LegGap)]
    assert all(leg.ended.ledger.was_taken for leg in call.legs)


async def test_what_was_lost_on_the_way_is_a_gap_and_what_was_not_said_is_none(path, port):
    long = spoken("hello", ms_per_word=400) + silence(1000) + spoken("again", ms_per_word=400) + silence(600)
    async with recording_client(HOST, port, "sbc", call="c-1", labels=("caller",)) as client:
        response = await client.invite()
        await speak(response, [long], RtpManner(is_silence_sent=False))
        await client.bye()
        await path.settled()
    async with recording_client(HOST, port, "sbc", call="c-2", labels=("caller",)) as client:
        response = await client.invite()
        await speak(response, [long], RtpManner(lost=0.2))
        await client.bye()
        await path.settled()
    assert path.said("sbc.c-1") == [("caller", "hello"), ("caller", "again")]
    assert not [entry for entry in path.entries("sbc.c-1") if isinstance(entry.body, LegGap)]
    gaps = [entry.body for entry in path.entries("sbc.c-2") if isinstance(entry.body, LegGap)]
    assert gaps
    assert {gap.cause for gap in gaps} <= {"not delivered by the carrier", "the track began late"}
    (leg,) = fold(path.entries("sbc.c-2")).legs
    # What did not come is filled and told, to the millisecond of it.
    assert sum(gap.end_ms - gap.start_ms for gap in gaps) == pytest.approx(leg.ended.ledger.filled / 8, abs=100)


async def test_a_party_on_hold_is_missed_by_nobody_and_one_who_joins_is_heard(path, port):
    ann, bob = spoken("hello"), spoken("goodbye")
    async with recording_client(HOST, port, "sbc", call="c-1", labels=("caller",)) as client:
        response = await client.invite()
        await speak(response, [ann + silence(600)])
        again = await client.invite(direction="inactive")
        assert again.ports == response.ports
        assert "a=inactive" in again.body
        client.labels = ("caller", "callee")
        both = await client.invite()
        assert both.ports[0] == response.ports[0]
        await speak(both, [silence(1200), bob + silence(600)], ssrc=7)
        await client.bye()
        await path.settled()
    entries = path.entries("sbc.c-1")
    assert path.said("sbc.c-1") == [("caller", "hello"), ("callee", "goodbye")]
    assert not [entry for entry in entries if isinstance(entry.body, LegGap)]
    assert [entry.kind for entry in entries].count("call.ended") == 1


async def test_a_secret_is_as_good_as_an_address_and_neither_is_not(path, port, secret, monkeypatch):
    perform(
        path.dynamodb, Trunks("Keys").add(elsewhere := new_trunk("acme", "far", at=AT, networks=["203.0.113.0/24"]))
    )
    perform(path.dynamodb, Trunks("Keys").add(anywhere := new_trunk("acme", "any", at=AT)))
    attempts = [("sbc", ""), ("sbc", secret), ("any", anywhere.secret)]
    for trunk, shown in attempts:
        async with recording_client(HOST, port, trunk, secret=shown) as client:
            assert (await client.invite()).status == 200
            await client.bye()
    for trunk, shown in [("sbc", "wrong"), ("any", ""), ("far", ""), ("far", elsewhere.secret), ("none", ""), ("", "")]:
        async with recording_client(HOST, port, trunk, secret=shown) as client:
            with pytest.raises(NotRecorded) as caught:
                await client.invite()
            assert caught.value.status == 403
    monkeypatch.setattr(path.bridge, "accepting", False)
    async with recording_client(HOST, port, "sbc") as client:
        with pytest.raises(NotRecorded) as caught:
            await client.invite()
        assert caught.value.status == 503
    await path.settled()


async def test_no_more_sessions_than_there_are_ports(path, port, monkeypatch):
    monkeypatch.setattr(path.bridge, "ports", Ports(HOST, 31_000, 31_003))
    async with recording_client(HOST, port, "sbc") as first, recording_client(HOST, port, "sbc") as second:
        assert (await first.invite()).status == 200
        with pytest.raises(NotRecorded) as caught:
            await second.invite()
        assert caught.value.status == 503
        await first.bye()
        async with asyncio.timeout(10):  # the ports are free once their sockets are closed
            while True:
                with contextlib.suppress(NotRecorded):
                    await second.invite()
                    break
        await second.bye()
    await path.settled()


async def test_a_sender_that_is_gone_without_a_word_is_not_waited_for(path, port, monkeypatch):
    monkeypatch.setattr(sip_listener, "CHECK_S", 0.05)
    monkeypatch.setattr("bridge.sip.session.LEFT_S", 0.1)
    async with recording_client(HOST, port, "sbc", call="c-1") as client:
        await speak(await client.invite(), two_sides())
        assert await client.told.get() == "BYE"
        await path.settled()
    assert [entry.body.reason for entry in path.entries("sbc.c-1") if isinstance(entry.body, CallEnded)] == [
        "completed"
    ]


async def test_audio_from_elsewhere_is_not_heard(path, port, secret, monkeypatch):
    monkeypatch.setattr("bridge.sip.session.RecordingSession._sources", lambda *_: frozenset({"192.0.2.1"}))
    new = new_trunk("acme", "any", at=AT)
    perform(path.dynamodb, Trunks("Keys").add(new))
    async with recording_client(HOST, port, "any", secret=new.secret, call="c-1", labels=("caller",)) as client:
        await speak(await client.invite(), [spoken("hello") + silence(100)])
        await client.bye()
        await path.settled()
    assert path.said("any.c-1") == []
    assert path.metrics()["malformed_source"] > 0


async def test_who_sends_what_is_no_sip_is_cut_off_and_nobody_else_is(path, port):
    async with recording_client(HOST, port, "sbc", call="c-1") as client:
        response = await client.invite()
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await reader.read() == b""
        writer.close()
        await speak(response, two_sides())
        await client.bye()
        await path.settled()
    assert path.said("sbc.c-1") == [("caller", "hello bob"), ("callee", "hello ann")]


async def test_over_tls_it_is_the_same(path, secret, tmp_path):
    certificate, key = self_signed(tmp_path, HOST)
    (tmp_path / "both.pem").write_bytes(certificate.read_bytes() + key.read_bytes())
    environment = replace(path.bridge._services.environment, sips_port=free_port())
    listener = await listen_for_sip(path.bridge, replace(environment, sip_certificate=str(tmp_path / "both.pem")))
    trusting = ssl.create_default_context(cafile=certificate)
    async with recording_client(HOST, environment.sips_port, "sbc", call="c-1", tls=trusting) as client:
        await speak(await client.invite(), two_sides())
        await client.bye()
        await path.settled()
    listener.close()
    assert path.said("sbc.c-1") == [("caller", "hello bob"), ("callee", "hello ann")]


async def test_it_does_not_begin_without_a_certificate(path):
    environment = replace(path.bridge._services.environment, sips_port=free_port(), sip_certificate="/nowhere")
    with pytest.raises(Refused, match="SIP_CERTIFICATE"):
        await listen_for_sip(path.bridge, environment)


@pytest.mark.parametrize("text", ["10000", "20000-10000", "", "a-b", "60000-70000"])
def test_ports_are_a_range(text):
    with pytest.raises(Refused, match="RTP_PORTS"):
        Ports.of(HOST, text)
