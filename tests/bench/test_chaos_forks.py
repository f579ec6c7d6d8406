"""A small run of the chaos of calls that Twilio does not carry: each kind of sender, with its quirks."""

from __future__ import annotations

import pytest

from bench.chaos.forks import plan, run
from local.peers.call import Kind
from local.peers.peer import Message
from local.peers.quirks import QUIRKS, Quirk, Quirky

SEED = 1


@pytest.mark.xdist_group("machine")  # at the pace of speech, which a machine that is full does not keep
async def test_quirks_of_senders_lose_no_word_and_repeat_none():
    found = await run(plan(2 * len(Kind), SEED), at_once=4)
    assert {planned.call: problems for planned, problems in found.items() if problems} == {}


def test_every_kind_has_its_quirks_and_a_call_is_drawn_by_its_seed_alone():
    assert set(QUIRKS) == set(Kind) - {Kind.SIPREC, Kind.RTP, Kind.AUDIOSOCKET}  # which are not forked
    assert plan(50, 7) == plan(60, 7)[:50]
    assert [each.sides for each in plan(20, 7)] == [each.sides for each in plan(20, 7)]
    assert plan(20, 7) != plan(20, 8)


class Plain:
    """A sender of one party's bytes, a message a frame."""

    target = "/asterisk/pbx"
    parties = ("caller",)

    def opening(self):
        return ()

    def answered(self, _content):
        return ()

    def frame(self, _media_ms, sides):
        return (Message(sides[0]),)

    def closing(self):
        return ()


@pytest.mark.parametrize("seed", range(20))
def test_a_quirk_changes_no_byte(seed):
    peer = Quirky(Plain(), Quirk.CUT | Quirk.EARLY, seed)
    sides = [bytes([frame % 251]) * 160 for frame in range(60)]
    sent = [message for frame, side in enumerate(sides) for message in peer.frame(20 * frame, [side])]
    sent += peer.closing()
    assert b"".join(message.content for message in sent) == b"".join(sides)
