"""The bridge with its sockets: a media stream in, Gladia's protocol, the log and the subscribers out."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiohttp import ClientSession
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from bridge.media_stream import MediaStream
from callscribe.call import fold
from callscribe.dynamodb import perform
from callscribe.entries import LegGap
from callscribe.messages import PartialMessage, decode_frame
from callscribe.subscriptions import Subscription, Subscriptions


async def test_what_both_parties_say_is_in_the_log_and_gladia_had_every_byte(path, spoken_by):
    inbound, outbound = spoken_by("good morning", "hello there", "I lost my card", "one moment")
    path.open_call("CA1", parties={"outbound": "agent"})

    await path.talk("CA1", inbound, outbound)
    await path.settled()

    entries = path.entries("CA1")
    call = fold(entries)
    assert path.said("CA1") == [
        ("caller", "good morning"), ("agent", "hello there"), ("caller", "I lost my card"), ("agent", "one moment"),
    ]  # fmt: skip
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert [leg.complete for leg in call.legs] == [True, True]
    for leg in call.legs:
        assert leg.ended.ledger.heard == leg.ended.ledger.sent == leg.ended.ledger.acknowledged == len(inbound)
    (session,) = path.gladia.sessions.values()
    assert bytes(session.audio[0::2]) == inbound
    assert bytes(session.audio[1::2]) == outbound


async def test_per_leg_each_party_has_a_session_and_its_bytes_are_untouched(path, spoken_by):
    inbound, outbound = spoken_by("good morning", "hello there")
    path.open_call("CA1", session="per_leg")

    await path.talk("CA1", inbound, outbound)
    await path.settled()

    assert sorted(bytes(session.audio) for session in path.gladia.sessions.values()) == sorted([inbound, outbound])
    assert [text for _, text in path.said("CA1")] == [
        "good morning", "hello there",
    ]  # fmt: skip


async def test_twenty_calls_at_once_share_no_word(path, spoken_by):
    names = [f"CA{number}" for number in range(20)]
    for name in names:
        path.open_call(name)
        path.connections.known.add(name)
        subscription = Subscription(name, name, "acme", int(time.time()) + 60)
        perform(path.dynamodb, Subscriptions("Subscriptions").put(subscription))

    await asyncio.gather(*(path.talk(name, *spoken_by(f"I am {name}", f"and I answer {name}")) for name in names))
    await path.settled()

    for name in names:
        entries = path.entries(name)
        assert [text for _, text in path.said(name)] == [
            f"I am {name}", f"and I answer {name}",
        ]  # fmt: skip
        assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
        shown = [message for frame in path.connections.posted.get(name, []) for message in decode_frame(frame)]
        assert {message.call_id for message in shown} <= {name}
    assert path.connections.posted


async def test_a_hang_up_without_a_stop_still_gets_its_last_words(path, spoken_by, carrier_messages):
    inbound, outbound = spoken_by("good morning", "hello there")
    path.open_call("CA1")

    async with path.socket("CA1") as socket:
        for message in list(carrier_messages("CA1", inbound, outbound))[:-1]:
            await socket.send(message)
        socket.transport.abort()
    await path.settled()

    assert [text for _, text in path.said("CA1")] == [
        "good morning", "hello there",
    ]  # fmt: skip


async def test_a_carrier_that_falls_silent_is_noticed_after_frames_that_had_no_other_effect(
    path, spoken_by, carrier_messages, monkeypatch
):
    for module in ("bridge.media_stream", "bridge.relay"):
        monkeypatch.setattr(f"{module}.KEEP_ALIVE_S", 0.2)
    kept_alive = asyncio.Event()
    keep_alive = MediaStream._keep_alive

    def noted(stream, now):
        kept_alive.set()
        return keep_alive(stream, now)

    monkeypatch.setattr(MediaStream, "_keep_alive", noted)
    path.open_call("CA1")

    async with path.socket("CA1") as socket:
        *all_but_stop, stop = carrier_messages("CA1", *spoken_by("good morning", "hello there"))
        for message in all_but_stop[:-3]:
            await socket.send(message)
        async with asyncio.timeout(10):
            await kept_alive.wait()
            kept_alive.clear()
            await socket.send(all_but_stop[-3])  # too little to be sent on
            await kept_alive.wait()
        await socket.send(stop)
        await socket.wait_closed()
    await path.settled()

    assert [text for _, text in path.said("CA1")] == ["good morning", "hello there"]


async def test_a_bad_message_is_dropped_and_the_call_goes_on(path, caplog, spoken_by, carrier_messages):
    inbound, outbound = spoken_by("good morning", "hello there")
    path.open_call("CA1")
    caplog.set_level("INFO", "bridge")

    async with path.socket("CA1") as socket:
        for place, message in enumerate(carrier_messages("CA1", inbound, outbound)):
            await socket.send(message)
            if place == 5:
                await socket.send("this is no JSON")
                await socket.send(b"\xff\x00")
                await socket.send('{"event":"surprise"}')
        await socket.wait_closed()
    await path.settled()

    assert all(leg.complete for leg in fold(path.entries("CA1")).legs)
    closed = next(record for record in caplog.records if record.getMessage() == "media stream closed")
    assert closed.malformed == {"json": 2, "shape": 1}


async def test_subscribers_are_shown_partials_while_the_party_speaks(path, spoken_by, carrier_messages):
    inbound, outbound = spoken_by("good morning to you", "hello")
    path.open_call("CA1")
    path.connections.known.add("here")
    subscriptions = Subscriptions("Subscriptions")
    for connection, tenant in (("here", "acme"), ("gone", "acme"), ("stranger", "another")):
        subscription = Subscription("CA1", connection, tenant, int(time.time()) + 60)
        perform(path.dynamodb, subscriptions.put(subscription))

    async with path.socket("CA1") as socket:
        sending = carrier_messages("CA1", inbound, outbound)
        for message, _ in zip(sending, range(60), strict=False):
            await socket.send(message)
        async with asyncio.timeout(10):
            await path.connections.first_post.wait()
        assert path.connections.posted.keys() == {"here"}
        for message in sending:
            await socket.send(message)
        await socket.wait_closed()
    await path.settled()

    (partial,) = decode_frame(path.connections.posted["here"][0])
    assert isinstance(partial, PartialMessage)
    assert (partial.call_id, partial.party, partial.text) == ("CA1", "caller", "good")


async def test_a_call_of_which_no_webhook_has_told_is_transcribed_all_the_same(path, spoken_by):
    await path.talk("CA9", *spoken_by("anybody there", "yes"))
    await path.settled()

    entries = path.entries("CA9")
    assert entries[0].kind == "call.started"
    assert [text for _, text in path.said("CA9")] == ["anybody there", "yes"]


async def test_frames_that_never_came_are_a_gap_in_the_log(path, spoken_by, carrier_messages):
    inbound, outbound = spoken_by("good morning", "hello there")
    path.open_call("CA1")

    async with path.socket("CA1") as socket:
        for place, message in enumerate(carrier_messages("CA1", inbound, outbound)):
            if not 120 <= place < 130:
                await socket.send(message)
        await socket.wait_closed()
    await path.settled()

    entries = path.entries("CA1")
    gaps = [entry.body for entry in entries if isinstance(entry.body, LegGap)]
    assert {gap.leg: (gap.start_ms, gap.end_ms) for gap in gaps} == {
        "MZCA1/inbound": (1180, 1280),
        "MZCA1/outbound": (1180, 1280),
    }
    ledgers = [leg.ended.ledger for leg in fold(entries).legs]
    assert [(ledger.heard, ledger.filled, ledger.sent) for ledger in ledgers] == [
        (len(inbound) - 800, 800, len(inbound)),
    ] * 2
    metrics = path.metrics()
    assert (metrics["gaps"], metrics["gap_ms"]) == (2, 200)
    assert (metrics["legs_ended"], metrics["legs_incomplete"], metrics["sessions_open"]) == (2, 0, 0)
    assert metrics["final_max_s"] > 0


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda url, headers: (url, {}), 403),
        (lambda url, headers: (url, {"X-Twilio-Signature": "wrong"}), 403),
        (lambda url, headers: (url + "x", headers), 403),
        (lambda url, headers: (url.rsplit("/", 1)[0] + "/nothing", headers), 403),
        (lambda url, headers: (url.replace("/twilio/", "/elsewhere/"), headers), 404),
        (lambda url, headers: (url + "?a=b", headers), 404),
    ],
)
async def test_the_door_stays_shut_for_strangers_and_the_log_holds_no_secret(path, caplog, change, status):
    url, headers = change(*path.address("CA1"))

    with pytest.raises(InvalidStatus) as raised:
        async with connect(url, additional_headers=headers, proxy=None):
            pass

    assert raised.value.response.status_code == status
    assert path.address("CA1")[0].rsplit("/", 1)[1] not in caplog.text


async def test_a_ticket_for_another_call_closes_the_socket(path, carrier_messages):
    async with path.socket("CA1") as socket:
        for message in list(carrier_messages("CA2", b"", b""))[:2]:
            await socket.send(message)
        await socket.wait_closed()

    assert socket.close_code == 1008
    assert path.entries("CA2") == []


async def test_a_socket_on_which_nothing_starts_is_closed(path, monkeypatch):
    monkeypatch.setattr("bridge.media_socket.HANDSHAKE_S", 0.1)

    async with path.socket("CA1") as socket:
        await socket.send('{"event":"connected","protocol":"Call","version":"1.0.0"}')
        await socket.wait_closed()

    assert path.bridge.live == 0


async def test_health_is_served_on_the_same_port_and_readiness_ends_with_drain(path):
    base = path.url.replace("ws://", "http://")
    async with ClientSession() as http:
        async with http.get(f"{base}/healthz") as health, http.get(f"{base}/readyz") as ready:
            assert (health.status, ready.status) == (200, 200)
        path.bridge.accepting = False
        async with http.get(f"{base}/healthz") as health, http.get(f"{base}/readyz") as ready:
            assert (health.status, ready.status) == (200, 503)


async def test_a_call_that_is_still_sent_to_a_bridge_that_drains_has_its_words(path, spoken_by):
    path.open_call("CA1")
    path.bridge.accepting = False

    await path.talk("CA1", *spoken_by("good morning", "this is the bank"))
    await path.settled()

    assert path.said("CA1") == [("caller", "good morning"), ("callee", "this is the bank")]
