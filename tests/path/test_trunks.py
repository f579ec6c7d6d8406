"""Calls that Twilio does not carry, through the stack as deployed locally: the same log as through Twilio."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from websockets.exceptions import InvalidStatus

from callscribe.call import fold
from callscribe.entries import Entry
from callscribe.transcript import transcript
from callscribe.trunks import fingerprint_of
from local.peers.call import Kind
from local.trunk_placing import Door, laptops_door, place_by_trunk
from tests.certificate import self_signed
from tests.path.commands import said_by
from tests.path.conftest import Unseen
from tests.path.test_one_call import conversation

LINES = ("I have lost my card", "one moment please", "it is the blue one")
# Each party's clock begins when it is first heard, and the machine decides when: the rest is compared with that.
UNTIMED = frozenset(Kind) - {Kind.AUDIOHOOK, Kind.BANDWIDTH, Kind.PLIVO, Kind.SIGNALWIRE, Kind.TELNYX}
NEAR_MS = 40
AT_ONCE = 4  # so that this machine keeps the pace of speech


def lines_of(entries: list[Entry]) -> list[tuple[str, str, int]]:
    return [(line.party, line.said.text, line.said.start_ms) for line in transcript(entries)]


async def placed(up, kind: Kind, door: Door, *, pace: float | None = 1) -> list[Entry]:
    seen = await place_by_trunk(
        kind, conversation(*LINES), addresses=up.addresses, door=door, screen=Unseen(), pace=pace
    )
    return [each.what for each in seen if isinstance(each.what, Entry)]


async def test_each_sender_leads_to_the_log_that_twilio_leads_to(up):
    by_twilio = lines_of((await up.place(conversation(*LINES))).entries)
    door = await asyncio.to_thread(laptops_door, up.addresses, Kind.ASTERISK)
    urls = {Kind.SIPREC: up.addresses.sip_url, Kind.AUDIOSOCKET: up.addresses.audiosocket_url}
    doors = {kind: replace(door, url=urls.get(kind, door.url)) for kind in Kind}

    # At the pace of speech: what has no times of its own is placed by when it comes.
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(kind: Kind) -> list[Entry]:
        async with turns:
            return await placed(up, kind, doors[kind])

    logs = await asyncio.gather(*map(one, Kind))
    for kind, entries in zip(Kind, logs, strict=True):
        call = fold(entries)
        assert call.started.provider == kind
        assert (call.settled, call.complete, call.ended.reason) == (True, True, "completed"), kind
        told = lines_of(entries)
        expected = by_twilio
        if kind is Kind.AUDIOSOCKET:  # a party at a time
            expected = [line for line in by_twilio if line[0] == "caller"]
        assert [text for _, text, _ in told] == [text for _, text, _ in expected], kind
        # SignalWire's address has no query, and a recording's lines are no agent's: their parties are Twilio's.
        other = "callee" if kind in (Kind.SIGNALWIRE, Kind.SIPREC) else "agent"
        parties = {"caller": "caller", "callee": other, "agent": other}
        assert [party for party, _, _ in told] == [parties[party] for party, _, _ in expected], kind
        off = [ms - before for (_, _, ms), (_, _, before) in zip(told, expected, strict=True)]
        if kind in UNTIMED:
            first = {party: each for (party, _, _), each in reversed([*zip(told, off, strict=True)])}
            off = [each - first[party] for (party, _, _), each in zip(told, off, strict=True)]
        assert max(map(abs, off)) <= NEAR_MS, (kind, off)
    assert door.secret not in up.logs()


async def test_a_trunk_is_added_given_another_secret_certified_and_revoked(up, tmp_path):
    async def said(*words: str, status: int = 0) -> tuple[str, str]:
        return await asyncio.to_thread(said_by, up, "trunks", *words, status=status)

    secret = (await said("add", "office", "--network", "127.0.0.0/8"))[0].strip()
    media_url = up.addresses.media_url
    entries = await placed(up, Kind.ASTERISK, Door(media_url, "office", secret))
    assert fold(entries).settled
    rotated = (await said("rotate", "office", "--hours", "0"))[0].strip()
    await placed(up, Kind.ASTERISK, Door(media_url, "office", rotated))
    listed, _ = await said("list")
    assert "127.0.0.0/8" in listed
    assert secret not in listed + up.logs()

    pem, _ = self_signed(tmp_path, "pbx.example.test")
    await said("certify", "office", str(pem))
    assert fingerprint_of(pem.read_text())[:16] in (await said("list"))[0]
    await said("certify", "office")
    assert fingerprint_of(pem.read_text())[:16] not in (await said("list"))[0]
    assert "no trunk nobody" in (await said("certify", "nobody", str(pem), status=2))[1]
    pem.write_text("not a certificate")
    assert "PEM" in (await said("certify", "office", str(pem), status=2))[1]

    elsewhere = (await said("add", "branch", "--network", "203.0.113.0/24"))[0].strip()
    with pytest.raises(InvalidStatus):
        await placed(up, Kind.ASTERISK, Door(media_url, "branch", elsewhere))
    await said("revoke", "branch")
    assert "revoked" in (await said("list"))[0]

    assert "callscribe trunks rotate office" in " ".join((await said("add", "office", status=2))[1].split())
    assert "lower-case letters" in (await said("add", "Office", status=2))[1]
    assert "no trunk nobody" in (await said("revoke", "nobody", status=2))[1]
