"""AudioHook: a session from `open` to `closed`, a probe, pauses and holes, composed after the reference server."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.dialects.audiohook import AudiohookDialect
from bridge.dialects.events import Audio, Digit, Reply, Started, Stopped
from bridge.dialects.untimed import Question
from callscribe.errors import MalformedMessage, Refused

ID = "e160e428-53e2-487c-977d-96989bf5c99d"
CALL = "e5a9d4a6-4c4a-4a4e-9f0e-0d2a5a6f7c11"
STEREO = {"type": "audio", "format": "PCMU", "channels": ["external", "internal"], "rate": 8000}
MONO = {**STEREO, "channels": ["external"]}
LINEAR = {**STEREO, "format": "L16"}
FRAME = b"\x11\x22" * 800  # 100 ms of both


class Peer:
    """The client's side: numbers its messages, and holds answers to being the server's in order."""

    def __init__(self, **query: str) -> None:
        self.dialect = AudiohookDialect(Question.of(query))
        self._seq = itertools.count(1)
        self._serverseq = 0

    def say(self, kind: str, **parameters: Any) -> list[Any]:
        """Send a message; return what comes of it, answers as their type and parameters."""
        seq = next(self._seq)
        message = {"version": "2", "type": kind, "seq": seq, "serverseq": self._serverseq, "id": ID, "position": "PT0S"}
        text = json.dumps(message | {"parameters": parameters}).encode()
        return [self._of(each, seq) for each in self.dialect.receive(text, is_text=True)]

    def open(self, *media: dict[str, Any], call: str = CALL) -> list[Any]:
        participant = {"id": ID, "ani": "+4930111", "aniName": "A", "dnis": "+4930222"}
        return self.say(
            "open", organizationId="o-1", conversationId=call, participant=participant, media=media, language="en-US"
        )

    def send(self, audio: bytes) -> list[tuple[str, int, bytes]]:
        return [
            (each.track, each.media_ms, each.audio)
            for each in self.dialect.receive(audio, is_text=False)
            if isinstance(each, Audio)
        ]

    def _of(self, event: Any, seq: int) -> Any:
        if not isinstance(event, Reply):
            return event
        told = json.loads(event.text)
        self._serverseq += 1
        assert (told["version"], told["id"], told["seq"], told["clientseq"]) == ("2", ID, self._serverseq, seq)
        return told["type"], told["parameters"]


def kind_of(act) -> str:
    with pytest.raises(MalformedMessage) as caught:
        act()
    return caught.value.kind


def test_a_session_from_open_to_closed():
    peer = Peer()
    started, opened = peer.open(LINEAR, MONO, STEREO)
    parameters = {"from": "+4930111", "to": "+4930222", "language": "en-US"}
    assert started == Started(ID, CALL, "o-1", ("customer", "agent"), parameters=parameters)
    assert opened == ("opened", {"startPaused": False, "media": [STEREO]})

    assert peer.send(FRAME) == [("customer", 0, b"\x11" * 800), ("agent", 0, b"\x22" * 800)]
    assert peer.say("ping", rtt="PT0.02S") == [("pong", {})]
    assert peer.say("update", language="es-US") == []
    assert [media_ms for _, media_ms, _ in peer.send(FRAME)] == [100, 100]
    assert peer.say("close", reason="end") == [("closed", {}), Stopped("stop")]
    assert list(peer.dialect.ended(1000)) == []


def test_call_and_parties_are_the_addresses_if_it_names_them_and_channels_in_the_order_chosen():
    peer = Peer(call="c-1", party="caller,clerk")
    started, _ = peer.open({**STEREO, "channels": ["internal", "external"]})
    assert (started.call_id, started.tracks) == ("c-1", ("clerk", "caller"))
    assert [party for party, _, _ in peer.send(FRAME)] == ["clerk", "caller"]

    started, _ = Peer(party="caller").open(MONO)
    assert started.tracks == ("caller",)


def test_a_probe_is_answered_and_is_no_call():
    peer = Peer()
    assert peer.open(STEREO, call="00000000-0000-0000-0000-000000000000") == [
        ("opened", {"startPaused": False, "media": [STEREO]})
    ]
    assert peer.say("close", reason="end") == [("closed", {})]
    assert list(peer.dialect.ended(1000)) == []


def test_what_is_left_out_of_the_audio_is_left_out_of_its_time():
    peer = Peer()
    peer.open(MONO)
    assert peer.send(b"\x11" * 800) == [("customer", 0, b"\x11" * 800)]
    assert peer.say("discarded", start="PT0.1S", discarded="PT2.5S") == []
    assert [media_ms for _, media_ms, _ in peer.send(b"\x11" * 800)] == [2600]
    assert peer.say("paused") == []
    assert kind_of(lambda: peer.send(b"\x11" * 800)) == "order"
    assert kind_of(lambda: peer.say("paused")) == "order"
    assert peer.say("resumed", start="PT2.7S", discarded="PT10S") == []
    assert [media_ms for _, media_ms, _ in peer.send(b"\x11" * 800)] == [12_700]


@pytest.mark.parametrize("reason", ["disconnect", "reconnect", "error"])
def test_a_session_that_closes_for_another_reason_is_no_proper_end_of_the_call(reason):
    peer = Peer()
    peer.open(STEREO)
    closed, stopped = peer.say("close", reason=reason)
    assert closed == ("closed", {})
    assert not stopped.is_proper


@pytest.mark.parametrize("code", [1000, 1006, None])
def test_a_socket_that_is_over_before_close_is_no_proper_end(code):
    peer = Peer()
    peer.open(STEREO)
    (stopped,) = peer.dialect.ended(code)
    assert not stopped.is_proper
    assert list(peer.dialect.ended(code)) == []


@pytest.mark.parametrize(
    ("query", "media"),
    [({}, [LINEAR]), ({}, []), ({}, [{**STEREO, "rate": 16_000}]), ({}, [{**STEREO, "channels": ["left"]}]),
     ({"party": "caller"}, [STEREO])],
)  # fmt: skip
def test_what_can_not_be_heard_is_answered_in_the_dialects_own_way_and_refused(query, media):
    message = {"type": "open", "seq": 1, "id": ID, "parameters": {"conversationId": CALL, "media": media}}
    events = AudiohookDialect(Question.of(query)).receive(json.dumps(message).encode(), is_text=True)

    answer = json.loads(next(events).text)
    assert (answer["type"], answer["parameters"]["reason"]) == ("disconnect", "error")
    with pytest.raises(Refused) as refused:
        next(events)
    assert answer["parameters"]["info"] == str(refused.value)


def test_what_makes_no_sense_is_told_by_kind_and_harms_nothing():
    peer = Peer()
    receive = peer.dialect.receive
    assert kind_of(lambda: list(receive(b"{", is_text=True))) == "json"
    assert kind_of(lambda: list(receive(b"[]", is_text=True))) == "shape"
    assert kind_of(lambda: peer.send(FRAME)) == "order"
    assert kind_of(lambda: peer.say("open", media="none")) == "shape"
    peer.open(STEREO)
    assert kind_of(lambda: peer.open(STEREO)) == "order"
    assert kind_of(lambda: peer.send(b"")) == "length"
    assert kind_of(lambda: peer.send(b"\x11")) == "length"
    assert kind_of(lambda: peer.say("error", code=429, message="slow down")) == "error"
    again = json.dumps({"type": "ping", "seq": 1, "id": ID}).encode()
    assert kind_of(lambda: list(receive(again, is_text=True))) == "order"
    another = json.dumps({"type": "ping", "seq": 99, "id": "x"}).encode()
    assert kind_of(lambda: list(receive(another, is_text=True))) == "order"
    for wrong in ("", "PT", "PT-1S", "PT1H", "PT1e9S", "PTinfS", "PT86401S", "PT.S", "1"):
        assert kind_of(lambda wrong=wrong: peer.say("discarded", start="PT0S", discarded=wrong)) == "shape"

    assert len(peer.send(FRAME)) == 2
    assert peer.say("a later version's") == []


JSON = st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner))
TYPES = st.sampled_from(["open", "ping", "close", "paused", "resumed", "discarded", "error", "update"])


@given(st.lists(st.tuples(TYPES, JSON) | st.binary(max_size=80), max_size=20), st.booleans())
def test_fuzz_no_message_breaks_anything(messages, is_begun):
    peer = Peer()
    if is_begun:
        peer.open(STEREO)
    for seq, message in enumerate(messages, start=2):
        said = {"type": message[0], "seq": seq, "id": ID, "parameters": message[1]} if isinstance(message, tuple) else 0
        text = json.dumps(said).encode() if said else message
        try:
            events = list(peer.dialect.receive(text, is_text=bool(said)))
        except (MalformedMessage, Refused):
            continue
        assert all(isinstance(each, Started | Audio | Digit | Stopped | Reply) for each in events)
