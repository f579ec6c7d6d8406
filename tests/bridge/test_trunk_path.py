"""Calls of a PBX: let in by a trunk's secret, each socket a leg, their log opened and ended by the bridge."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidMessage, InvalidStatus

from bench.ports import free_port
from bridge import call_end, media_socket, trunk_book
from bridge.media_socket import MediaSocket
from bridge.server import Bridge
from bridge.trunk_book import FRESH_S, address_of
from bridge.trunk_door import CERTIFICATE
from callscribe.call import fold
from callscribe.dynamodb import perform
from callscribe.entries import CallEnded, LegEnded, LegGap
from callscribe.errors import Unavailable
from callscribe.settings import TrunkSettings
from callscribe.trunks import Trunks, new_trunk
from local.peers.call import Fork, send
from local.peers.carriers import Telnyx
from local.peers.door import Door
from local.peers.forks import Asterisk, Freeswitch, Jambonz, Vonage
from local.peers.peer import Peer
from tests.bridge.checking_balancer import checking
from tests.certificate import certificate_for, self_signed

AT = "2026-11-26T09:15:02.417Z"
SETTINGS = TrunkSettings(session="per_leg", gladia={"language_config": {"languages": ["en"]}})


@pytest.fixture
def secret(path, monkeypatch):
    """The secret of the trunk `pbx`; calls end as soon as their last socket is closed."""
    monkeypatch.setattr(call_end, "LINGER_S", 0.0)
    new = new_trunk("acme", "pbx", at=AT, settings=SETTINGS)
    assert perform(path.dynamodb, Trunks("Keys").add(new))
    return new.secret


def basic(secret: str, user: str = "pbx") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()}


def socket(path, target: str, headers: dict[str, str], **options):
    return connect(path.url + target, additional_headers=headers, compression=None, proxy=None, **options)


async def talk(path, peer: Peer, secret: str, *sides: bytes) -> None:
    """Send a whole call of `peer`'s, and close the socket as it does."""
    await send(Fork(peer, sides), Door(path.url, "pbx", secret), pace=None)


def ended(path, call_id: str) -> CallEnded:
    (end,) = [entry.body for entry in path.entries(call_id) if isinstance(entry.body, CallEnded)]
    return end


async def test_two_forks_of_asterisk_are_one_call_with_a_leg_each(path, secret, spoken_by):
    sides = spoken_by("hello this is ann", "hello ann this is bob", "goodbye")
    await asyncio.gather(
        talk(path, Asterisk("c-1", ("caller",)), secret, sides[0]),
        talk(path, Asterisk("c-1", ("agent",), is_json=False, channel_id="lab1-1795347268.6"), secret, sides[1]),
    )
    await path.settled()

    entries = path.entries("pbx.c-1")
    call = fold(entries)
    assert (entries[0].kind, entries[0].tenant) == ("call.started", "acme")
    assert (call.started.provider, call.started.account) == ("asterisk", "pbx")
    assert call.started.settings["session"] == "per_leg"
    assert sorted(leg.started.party for leg in call.legs) == ["agent", "caller"]
    said = path.said("pbx.c-1")
    assert sorted(said) == sorted(
        [("caller", "hello this is ann"), ("agent", "hello ann this is bob"), ("caller", "goodbye")]
    )
    assert ended(path, "pbx.c-1").reason == "completed"
    assert call.settled
    assert call.complete
    assert not [entry for entry in entries if isinstance(entry.body, LegGap)]


@pytest.mark.parametrize(
    ("peer", "parties"),
    [
        pytest.param(Asterisk("c-1", ("caller", "agent")), ("caller", "agent"), id="asterisk"),
        pytest.param(Freeswitch("c-1", ("caller", "agent")), ("caller", "agent"), id="freeswitch"),
        pytest.param(Jambonz("c-1", ("caller", "agent")), ("caller", "agent"), id="jambonz"),
        pytest.param(Telnyx(call="c-1", parties=("caller", "agent"), trunk="pbx"), ("caller", "agent"), id="telnyx"),
    ],
)
async def test_both_sides_on_one_socket_are_heard_apart(path, secret, spoken_by, peer, parties):
    await talk(path, peer, secret, *spoken_by("good morning", "hello there"))
    await path.settled()

    call = fold(path.entries("pbx.c-1"))
    assert sorted(leg.started.party for leg in call.legs) == sorted(parties)
    assert path.said("pbx.c-1") == [("caller", "good morning"), ("agent", "hello there")]
    assert call.settled


async def test_a_mix_is_one_party(path, secret, spoken_by):
    await talk(path, Vonage("c-1", ("mixed",)), secret, spoken_by("good morning")[0])
    await path.settled()
    assert path.said("pbx.c-1") == [("mixed", "good morning")]


async def test_a_call_is_over_only_when_its_last_leg_is(path, secret, spoken_by):
    audio = spoken_by("good morning")[0]
    staying = Asterisk("c-1", ("agent",), channel_id="other.1")
    async with socket(path, staying.target, basic(secret)) as media:
        for message in staying.opening():
            await media.send(message.content.decode())
        await path.bridge.started.wait()
        await talk(path, Asterisk("c-1", ("caller",)), secret, audio)
        async with asyncio.timeout(20):
            while path.bridge.live > 1:
                await asyncio.wait(path.bridge._live, return_when=asyncio.FIRST_COMPLETED)
        kinds = [entry.kind for entry in path.entries("pbx.c-1")]
        assert "leg.ended" in kinds
        assert "call.ended" not in kinds
    await path.settled()
    assert ended(path, "pbx.c-1").reason == "completed"
    # The agent's fork said nothing at all, and nothing was missed of it.
    legs = [entry.body for entry in path.entries("pbx.c-1") if isinstance(entry.body, LegEnded)]
    assert sorted(leg.ledger.heard for leg in legs) == [0, len(audio)]


@pytest.mark.parametrize(
    ("target", "change", "status"),
    [
        ("/asterisk/pbx?call=c-1", {"Authorization": ""}, 401),
        ("/asterisk/pbx?call=c-1", basic("wrong"), 401),
        ("/asterisk/other?call=c-1", {}, 401),
        ("/nortel/pbx?call=c-1", {}, 404),
        ("/asterisk/pbx?party=a,a", {}, 400),
        ("/asterisk/pbx?rate=44100", {}, 400),
        ("/freeswitch/pbx", {}, 400),
    ],
)
async def test_who_may_not_come_in_or_asks_what_makes_no_sense_is_told_so(path, secret, target, change, status):
    with pytest.raises(InvalidStatus) as refused:
        async with socket(path, target, basic(secret) | change):
            pass
    assert refused.value.response.status_code == status


async def test_a_client_certificate_opens_what_the_secret_does_on_the_port_where_it_was_checked(
    path, spoken_by, tmp_path, monkeypatch
):
    monkeypatch.setattr(call_end, "LINGER_S", 0.0)
    hosts = ("localhost", "pbx.example.test", "other.example.test")
    for host in hosts:
        (tmp_path / host).mkdir()
    balancer, pbx, other = (self_signed(tmp_path / host, host) for host in hosts)
    both = tmp_path / "ca.pem"
    both.write_text(pbx[0].read_text() + other[0].read_text())
    new = new_trunk("acme", "pbx", at=AT, certificates=[pbx[0].read_text()])
    assert perform(path.dynamodb, Trunks("Keys").add(new))

    loop = asyncio.get_running_loop()
    certified = await loop.create_server(lambda: MediaSocket(path.bridge, is_certified=True), "127.0.0.1", 0)
    async with certified, checking(certified.sockets[0].getsockname()[1], own=balancer, client_ca=both) as port:

        def dialled(shown: tuple[Path, Path] | None):
            context = ssl.create_default_context(cafile=balancer[0])
            if shown is not None:
                context.load_cert_chain(*shown)
            return connect(f"wss://localhost:{port}{fork.target}", ssl=context, compression=None, proxy=None)

        fork = Asterisk("c-1", ("caller",))
        async with dialled(pbx) as media:
            for message in fork.opening():
                await media.send(message.content.decode())
            await media.send(spoken_by("good morning")[0])
        await path.settled()
        assert path.said("pbx.c-1") == [("caller", "good morning")]

        with pytest.raises(InvalidStatus):  # certified, but not as this trunk
            async with dialled(other):
                pass
        with pytest.raises((ssl.SSLError, OSError, InvalidMessage)):
            async with dialled(None):
                pass


async def test_the_certified_port_is_open_where_the_environment_says_so_and_no_other_believes_the_header(path):
    pem = certificate_for("pbx.example.test")
    assert perform(path.dynamodb, Trunks("Keys").add(new_trunk("acme", "pbx", at=AT, certificates=[pem])))
    environment = replace(path.bridge._services.environment, certified_port=(certified_port := free_port()))
    bridge = Bridge(replace(path.bridge._services, environment=environment), path.bridge.door)
    port = await bridge.listen()
    told = {CERTIFICATE: quote(pem, safe="+=/")}

    async with connect(f"ws://127.0.0.1:{certified_port}/asterisk/pbx", additional_headers=told, proxy=None):
        pass
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"ws://127.0.0.1:{port}/asterisk/pbx", additional_headers=told, proxy=None):
            pass
    assert refused.value.response.status_code == 401
    await bridge.drain()


async def test_who_guesses_has_to_wait_and_no_secret_is_in_the_log(path, secret, caplog):
    statuses = []
    for guess in range(25):
        with pytest.raises(InvalidStatus) as refused:
            async with socket(path, "/asterisk/pbx", basic(f"guess {guess}")):
                pass
        statuses.append(refused.value.response.status_code)
    assert statuses[:19] == [401] * 19
    assert statuses[-1] == 429
    assert "guess 1" not in "".join(str(vars(record)) for record in caplog.records if record.name.startswith("bridge"))


async def test_who_is_known_is_let_in_though_somebody_guesses_at_the_same_address(path, secret):
    async with socket(path, "/asterisk/pbx", basic(secret)):
        pass
    for guess in range(25):
        with pytest.raises(InvalidStatus):
            async with socket(path, "/asterisk/pbx", basic(f"guess {guess}")):
                pass
    async with socket(path, "/asterisk/pbx", basic(secret)):
        pass


async def test_a_trunk_that_starts_nothing_is_closed(path, secret, monkeypatch):
    monkeypatch.setattr(media_socket, "START_S", 0.05)
    async with socket(path, "/freeswitch/pbx?call=c-1", basic(secret)) as media:
        await media.wait_closed()
    assert path.entries("pbx.c-1") == []


async def test_subprotocols_are_echoed_and_compression_is_not_agreed_on(path, secret):
    for offered in ("media", "audio.drachtio.org", "audio.jambonz.org"):
        async with connect(
            path.url + "/asterisk/pbx", additional_headers=basic(secret), subprotocols=[offered], proxy=None
        ) as media:
            assert media.subprotocol == offered
            assert not media.protocol.extensions


async def test_a_trunk_that_was_revoked_stays_out_once_what_was_known_is_old(path, secret, monkeypatch):
    async with socket(path, "/asterisk/pbx", basic(secret)):
        pass
    perform(path.dynamodb, Trunks("Keys").revoke("pbx", at=AT))
    book = path.bridge.trunks
    book._known["pbx"] = (book._known["pbx"][0], book._known["pbx"][1] - FRESH_S)
    with pytest.raises(InvalidStatus):
        async with socket(path, "/asterisk/pbx", basic(secret)):
            pass


async def test_while_the_table_is_away_who_was_let_in_is_let_in_and_others_have_to_wait(path, secret, monkeypatch):
    async with socket(path, "/asterisk/pbx", basic(secret)):
        pass

    async def away(*_):
        raise Unavailable("dynamodb: away")

    monkeypatch.setattr(trunk_book, "perform", away)
    book = path.bridge.trunks
    book._known["pbx"] = (book._known["pbx"][0], book._known["pbx"][1] - FRESH_S)
    async with socket(path, "/asterisk/pbx", basic(secret)):
        pass
    with pytest.raises(InvalidStatus) as refused:
        async with socket(path, "/asterisk/other", basic(secret, user="other")):
            pass
    assert refused.value.response.status_code == 503


async def test_what_cannot_be_heard_is_refused_with_what_to_configure(path, secret, caplog):
    async with socket(path, "/asterisk/pbx?call=c-1", basic(secret)) as media:
        await media.send(json.dumps({"event": "MEDIA_START", "channel_id": "1.1", "format": "g722"}))
        await media.wait_closed()
    assert media.close_code == 1008
    (told,) = [record for record in caplog.records if record.message == "media stream refused"]
    assert "dial with c(ulaw)" in told.reason
    assert told.trunk == "pbx"


async def test_a_peer_that_answers_no_ping_is_gone(path, secret, spoken_by, monkeypatch):
    monkeypatch.setattr(media_socket, "PING_S", 0.01)
    peer = Asterisk("c-1", ("caller",))
    async with socket(path, peer.target, basic(secret)) as media:
        for message in peer.opening():
            await media.send(message.content.decode())
        media.transport.pause_reading()  # it hears no ping
        monkeypatch.setattr(media_socket, "UNANSWERED_S", 0.0)
        await path.settled()
        media.transport.resume_reading()
    assert ended(path, "pbx.c-1")


@pytest.mark.parametrize(
    ("forwarded", "hops", "address"),
    [
        ([], 0, "10.0.0.1"),
        (["203.0.113.7"], 0, "10.0.0.1"),
        (["203.0.113.7"], 1, "203.0.113.7"),
        (["6.6.6.6, 203.0.113.7", "64.252.64.1"], 2, "203.0.113.7"),
        (["203.0.113.7"], 2, ""),
        ([], 1, ""),
    ],
)
def test_the_address_is_what_a_trusted_proxy_saw(forwarded, hops, address):
    assert address_of(forwarded, "10.0.0.1", hops=hops) == address
