"""The simulated AudioHook client, as strict as the vendor's: what a server may not answer."""

from __future__ import annotations

import json

import pytest

from local.peers.audiohook import Audiohook, ProtocolError

MEDIA = [{"type": "audio", "format": "PCMU", "channels": ["external"], "rate": 8000}]


def opening() -> tuple[Audiohook, dict]:
    """Return a client that has opened a session, and the answer that lets it in."""
    peer = Audiohook(call="c-1", parties=("customer",))
    (message,) = peer.opening()
    session = json.loads(message.content)["id"]
    opened = {"version": "2", "id": session, "seq": 1, "clientseq": 1, "type": "opened", "parameters": {"media": MEDIA}}
    return peer, opened


def test_it_sends_audio_once_it_was_let_in_and_pings_each_five_seconds():
    peer, opened = opening()
    with pytest.raises(ProtocolError, match="not let in"):
        peer.frame(0, [b"\x7f" * 160])
    peer.answered(json.dumps(opened))
    assert [each.is_text for each in peer.frame(0, [b"\x7f" * 160])] == [False]
    assert [each.is_text for each in peer.frame(5000, [b"\x7f" * 160])] == [True, False]
    peer.answered(json.dumps(opened | {"seq": 2, "clientseq": 2, "type": "pong", "parameters": {}}))
    peer.closing()
    peer.answered(json.dumps(opened | {"seq": 3, "clientseq": 3, "type": "closed", "parameters": {}}))
    assert peer.is_closed


@pytest.mark.parametrize(
    "change",
    [
        {"version": "1"},
        {"id": "another"},
        {"seq": 2},
        {"clientseq": 2},
        {"type": "pong"},
        {"type": "disconnect", "parameters": {"reason": "error"}},
        {"parameters": {"media": []}},
        {"parameters": {"media": [{**MEDIA[0], "format": "L16"}, MEDIA[0]]}},
    ],
)
def test_an_answer_out_of_order_or_that_was_not_asked_for_is_told(change):
    peer, opened = opening()
    with pytest.raises(ProtocolError):
        peer.answered(json.dumps(opened | change))
