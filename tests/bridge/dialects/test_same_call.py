"""The same recorded call from every sender: the same audio of the same parties, each frame within 40 ms of its time.

Messages come late by chance, for 400 ms not at all and then all at once; for two spells nothing is sent.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import pytest

from bridge.dialects.asterisk import AsteriskDialect
from bridge.dialects.audiohook import AudiohookDialect
from bridge.dialects.audiosocket import AudioSocketDialect
from bridge.dialects.bandwidth import BandwidthDialect
from bridge.dialects.dialect import Dialect
from bridge.dialects.events import Audio, Reply, Started, Stopped
from bridge.dialects.exotel import ExotelDialect
from bridge.dialects.freeswitch import FreeswitchDialect
from bridge.dialects.jambonz import JambonzDialect
from bridge.dialects.plivo import PlivoDialect
from bridge.dialects.signalwire import SignalwireDialect
from bridge.dialects.telnyx import TelnyxDialect
from bridge.dialects.untimed import Question
from bridge.dialects.vonage import VonageDialect
from local.audio import recorded_call
from local.peers.audiohook import Audiohook
from local.peers.carriers import Bandwidth, Exotel, Plivo, Signalwire, Telnyx
from local.peers.forks import Asterisk, AudioSocket, Freeswitch, Jambonz, Vonage
from local.peers.peer import Message, Peer, linear

FRAME_MS, FRAME_BYTES = 20, 160
SPELLS_MS = (range(8_000, 9_500), range(16_000, 19_100))  # nothing is sent
HICCUP_MS = range(12_000, 12_400)  # nothing comes
LATE_MS = 15
RECORDED = recorded_call("queue")
CALL, PARTIES = "c-0001", ("caller", "agent")

Make = Callable[[Question], Dialect]


@dataclass
class Heard:
    """What a dialect made of a socket."""

    started: list[Started] = field(default_factory=list)
    stopped: list[Stopped] = field(default_factory=list)
    audio: dict[str, list[tuple[int, bytes]]] = field(default_factory=dict)


def sent(peer: Peer, sides: tuple[bytes, ...]) -> Iterator[tuple[float, Message]]:
    """Yield the messages of the call's audio, each with when it is sent."""
    for media_ms in range(0, 1000 * int(RECORDED.duration_s), FRAME_MS):
        if any(media_ms in spell for spell in SPELLS_MS):
            continue
        begin = media_ms * FRAME_BYTES // FRAME_MS
        for message in peer.frame(media_ms, [side[begin : begin + FRAME_BYTES] for side in sides]):
            yield media_ms + FRAME_MS, message


def run(peer: Peer, make: Make, sides: tuple[bytes, ...]) -> Heard:
    """Have `peer` send the call to the dialect that its address is of."""
    heard, chance = Heard(), random.Random(7)
    dialect = make(Question.of(dict(parse_qsl(peer.target.partition("?")[2]))))

    def take(messages, now_ms: float) -> None:
        for message in messages:
            for event in dialect.receive(message.content, is_text=message.is_text, now_ms=now_ms):
                if isinstance(event, Reply):
                    take(peer.answered(event.text), now_ms)
                elif isinstance(event, Audio):
                    heard.audio.setdefault(event.track, []).append((event.media_ms, event.audio))
                else:
                    (heard.started if isinstance(event, Started) else heard.stopped).append(event)

    take(peer.opening(), 0.0)
    now_ms = 0.0
    for sent_ms, message in sent(peer, sides):
        due_ms = sent_ms + chance.uniform(0, LATE_MS)
        now_ms = max(now_ms, HICCUP_MS.stop if int(due_ms) in HICCUP_MS else due_ms)
        take([message], now_ms)
    take(peer.closing(), now_ms)
    if not heard.stopped:
        for event in dialect.ended(1000):
            if isinstance(event, Audio):
                heard.audio[event.track].append((event.media_ms, event.audio))
            else:
                heard.stopped.append(event)
    return heard


def expected(side: bytes, *, is_linear: bool) -> list[tuple[int, bytes]]:
    """Return the frames that are sent of a side, each with where it begins."""
    return [
        (media_ms, linear(frame) if is_linear else frame)
        for media_ms in range(0, 1000 * int(RECORDED.duration_s), FRAME_MS)
        if not any(media_ms in spell for spell in SPELLS_MS)
        for frame in [side[8 * media_ms : 8 * media_ms + FRAME_BYTES]]
    ]


def check(heard: Heard, party: str, side: bytes, *, is_linear: bool) -> None:
    frames = expected(side, is_linear=is_linear)
    pieces = heard.audio[party]
    assert b"".join(audio for _, audio in pieces) == b"".join(frame for _, frame in frames)
    begins = {}
    place = 0
    for media_ms, frame in frames:
        begins[place] = media_ms
        place += len(frame)
    place, off = 0, []
    for media_ms, audio in pieces:
        off.append(abs(media_ms - begins[place]))
        place += len(audio)
    assert max(off) <= 40


SIDES = (RECORDED.caller.audio, RECORDED.agent.audio)


def named(kind) -> Make:
    return lambda question: kind(question, media_stream="MS1")


TWO_SIDES = [
    pytest.param(lambda: Asterisk(CALL, PARTIES), AsteriskDialect, PARTIES, False, id="asterisk, stereo"),
    pytest.param(lambda: Freeswitch(CALL, PARTIES), named(FreeswitchDialect), PARTIES, True, id="freeswitch"),
    pytest.param(lambda: Jambonz(CALL, PARTIES), named(JambonzDialect), PARTIES, True, id="jambonz"),
    pytest.param(lambda: Telnyx(call=CALL, parties=PARTIES), TelnyxDialect, PARTIES, False, id="telnyx"),
    pytest.param(lambda: Plivo(call=CALL, parties=PARTIES), PlivoDialect, PARTIES, False, id="plivo"),
    pytest.param(lambda: Bandwidth(call=CALL, parties=PARTIES), BandwidthDialect, PARTIES, False, id="bandwidth"),
    pytest.param(
        lambda: Signalwire(call=CALL, parties=PARTIES), lambda _: SignalwireDialect(), ("inbound", "outbound"), False,
        id="signalwire",
    ),
]  # fmt: skip
ONE_SIDE = [
    pytest.param(lambda party: Asterisk(CALL, (party,)), AsteriskDialect, False, id="asterisk"),
    pytest.param(lambda party: Asterisk(CALL, (party,), is_json=False), AsteriskDialect, False, id="asterisk, plain"),
    pytest.param(lambda party: Freeswitch(CALL, (party,)), named(FreeswitchDialect), True, id="freeswitch"),
    pytest.param(lambda party: Vonage(CALL, (party,)), named(VonageDialect), True, id="vonage"),
    pytest.param(lambda party: Exotel(call=CALL, parties=(party,)), ExotelDialect, True, id="exotel"),
    pytest.param(lambda party: Telnyx(call=CALL, parties=(party,)), TelnyxDialect, False, id="telnyx"),
]


@pytest.mark.parametrize(("peer", "make", "tracks", "is_linear"), TWO_SIDES)
def test_both_sides_of_a_call_on_one_socket(peer, make, tracks, is_linear):
    heard = run(peer(), make, SIDES)

    assert [(each.call_id, each.tracks) for each in heard.started] == [(CALL, tracks)]
    assert [each.is_proper for each in heard.stopped] == [True]
    for track, side in zip(tracks, SIDES, strict=True):
        check(heard, track, side, is_linear=is_linear)


@pytest.mark.parametrize(("peer", "make", "is_linear"), ONE_SIDE)
def test_each_side_of_a_call_on_a_socket_of_its_own(peer, make, is_linear):
    for party, side in zip(PARTIES, SIDES, strict=True):
        heard = run(peer(party), make, (side,))

        assert [(each.call_id, each.tracks) for each in heard.started] == [(CALL, (party,))]
        assert [each.is_proper for each in heard.stopped] == [True]
        check(heard, party, side, is_linear=is_linear)


def test_a_side_by_audiosocket_is_called_by_its_uuid():
    heard = run(AudioSocket(CALL, ("caller",)), AudioSocketDialect, SIDES[:1])

    assert [each.call_id for each in heard.started] == [each.media_stream for each in heard.started]
    assert [each.is_proper for each in heard.stopped] == [True]
    check(heard, "caller", SIDES[0], is_linear=True)


def test_both_sides_by_audiohook_whose_client_holds_the_answers_to_the_protocol(monkeypatch):
    monkeypatch.setitem(globals(), "SPELLS_MS", ())  # it sends silence too, and says so when it does not
    peer = Audiohook(call=CALL, parties=PARTIES)
    heard = run(peer, AudiohookDialect, SIDES)

    assert peer.is_open
    assert peer.is_closed
    assert [(each.call_id, each.tracks) for each in heard.started] == [(CALL, PARTIES)]
    assert [each.is_proper for each in heard.stopped] == [True]
    for track, side in zip(PARTIES, SIDES, strict=True):
        check(heard, track, side, is_linear=False)
