"""The bridge loses nothing and repeats nothing, whatever Gladia's sockets do. The words are written in the audio."""

from __future__ import annotations

import pytest

from callscribe.call import fold
from callscribe.entries import CallFailed
from local.gladia.faults import (
    AcknowledgementsInclusive,
    AcknowledgementsMissing,
    AcknowledgementsNegative,
    AcknowledgementsSlow,
    Closed,
    Dropped,
    EndLate,
    Fault,
    FinalsRepeated,
    HalfOpen,
    HandshakeRefused,
    MessageHuge,
    MessageMalformed,
    OpeningRefused,
)
from local.gladia.plan import Faults, Rule

LINES = ("good morning", "this is the bank", "I have lost my card", "one moment please", "thank you", "goodbye")
SAID = [(("caller", "callee")[place % 2], line) for place, line in enumerate(LINES)]
SECOND = 16_000  # bytes of both tracks


def plan(*faults: Fault) -> Faults:
    return Faults(rules=(Rule(faults=faults),))


def interleaved(inbound: bytes, outbound: bytes) -> bytes:
    mixed = bytearray(2 * len(inbound))
    mixed[0::2], mixed[1::2] = inbound, outbound
    return bytes(mixed)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Retry at once and take silence for death early, so that the tests wait for nothing."""
    monkeypatch.setattr("bridge.patience.FIRST_RETRY_S", 0.01)
    monkeypatch.setattr("bridge.session.SILENT_S", 0.3)
    monkeypatch.setattr("bridge.session.DRAIN_S", 5.0)
    monkeypatch.setattr("bridge.session.RECONCILE_S", 3.0)


@pytest.mark.parametrize(
    "faults",
    [
        (),
        (Dropped(at="audio", count=2 * SECOND),),
        (Dropped(at="audio", count=2 * SECOND), Dropped(at="audio", count=3 * SECOND)),
        tuple(Dropped(at="audio", count=number * SECOND) for number in (1, 2, 3)),
        (Dropped(at="audio", count=2 * SECOND, taken=True), Dropped(at="audio", count=3 * SECOND, taken=True)),
        (Dropped(at="audio", count=2 * SECOND, discards=True), Dropped(at="audio", count=3 * SECOND, discards=True)),
        (AcknowledgementsSlow(at="connect", delay_s=0.1), Dropped(at="audio", count=2 * SECOND)),
        (Dropped(at="connect"),),
        (Dropped(at="stop"),),
        (Dropped(at="stopped"), EndLate(delay_s=1)),
        (Dropped(at="stopped"),),
        (Closed(at="stopped", code=4403),),
        (HalfOpen(at="stopped", meanwhile="lost"),),
        (Closed(at="audio", count=2 * SECOND, code=1009), Closed(at="audio", count=3 * SECOND, code=1011)),
        (Closed(at="audio", count=SECOND, code=4504),),
        (HalfOpen(at="audio", count=2 * SECOND, meanwhile="waits"),),
        (HalfOpen(at="stop", meanwhile="waits"),),
        (OpeningRefused(status=503), OpeningRefused(status=429, first=2)),
        (HandshakeRefused(status=503),),
        (AcknowledgementsMissing(at="audio", count=SECOND, messages=3),),
        (AcknowledgementsMissing(at="connect", messages=None),),
        (AcknowledgementsInclusive(at="connect"), Dropped(at="audio", count=2 * SECOND)),
        (Dropped(at="audio", count=5 * SECOND), FinalsRepeated(finals=3)),
        (MessageHuge(at="audio", count=SECOND),),
        tuple(
            MessageMalformed(at="audio", count=SECOND, how=how) for how in ("not_json", "wrong_shape", "unknown_type")
        ),
    ],
    ids=lambda faults: "+".join(str(fault.__struct_config__.tag) for fault in faults) or "none",
)
async def test_every_byte_is_heard_once_and_every_word_is_written_once(path_with, spoken_by, faults):
    inbound, outbound = spoken_by(*LINES)
    async with path_with(plan(*faults)) as path:
        path.open_call("CA1")

        await path.talk("CA1", inbound, outbound)
        await path.settled()

        assert path.said("CA1") == SAID
        (session,) = path.gladia.sessions.values()
        assert bytes(session.audio[0::2]) == inbound
        assert bytes(session.audio[1::2]) == outbound
        call = fold(path.entries("CA1"))
        assert call.failed is None
        assert [leg.ended.ledger.heard for leg in call.legs] == [len(inbound)] * 2
        assert [entry.seq for entry in path.entries("CA1")] == list(range(1, call.seq + 1))


@pytest.mark.parametrize("code", [1001, 4403, 4408])
async def test_what_a_session_that_gladia_ended_did_not_take_is_heard_by_the_next(path_with, spoken_by, code):
    inbound, outbound = spoken_by(*LINES)
    faults = Faults(rules=(Rule(faults=(Closed(at="audio", count=2 * SECOND, code=code),), session=1),))
    async with path_with(faults) as path:
        path.open_call("CA1")

        await path.talk("CA1", inbound, outbound)
        await path.settled()

        audio = b"".join(bytes(session.audio) for session in path.gladia.sessions.values())
        assert len(path.gladia.sessions) == 2
        assert audio[0::2] == inbound
        assert audio[1::2] == outbound
        legs = fold(path.entries("CA1")).legs
        assert [leg.complete for leg in legs] == [True, True]
        assert [leg.ended.sessions for leg in legs] == [2, 2]


async def test_audio_that_gladia_does_not_take_is_heard_by_another_session_and_no_word_is_lost(path_with, spoken_by):
    inbound, outbound = spoken_by(*LINES)
    faults = Faults(rules=(Rule(faults=(AcknowledgementsNegative(at="audio", count=2 * SECOND),), session=1),))
    async with path_with(faults) as path:
        path.open_call("CA1")

        await path.talk("CA1", inbound, outbound)
        await path.settled()

        first, second = path.gladia.sessions.values()
        whole = interleaved(inbound, outbound)
        before = len(whole) - len(second.audio)
        assert bytes(first.audio)[:before] + bytes(second.audio) == whole
        assert path.said("CA1") == SAID
        assert [leg.complete for leg in fold(path.entries("CA1")).legs] == [True, True]


async def test_a_refused_key_is_said_in_the_log_and_not_tried_again(path_with, spoken_by):
    async with path_with(plan(OpeningRefused(status=401, times=None))) as path:
        path.open_call("CA1")

        await path.talk("CA1", *spoken_by(*LINES))
        await path.settled()

        (failed,) = [entry.body for entry in path.entries("CA1") if isinstance(entry.body, CallFailed)]
        assert "gladia answered 401" in failed.reason
        assert len(path.gladia.injected) == 1


async def test_the_carrier_may_talk_on_after_the_transcript_has_failed(path_with, spoken_by, carrier_messages):
    inbound, outbound = spoken_by(*LINES)
    async with path_with(plan(OpeningRefused(status=401, times=None))) as path:
        path.open_call("CA1")

        async with path.socket("CA1") as socket:
            sending = carrier_messages("CA1", inbound, outbound)
            for message, _ in zip(sending, range(60), strict=False):
                await socket.send(message)
            await path.settled()
            written = len(path.entries("CA1"))
            for message in sending:
                await socket.send(message)
            await socket.wait_closed()

        assert socket.close_code == 1000
        assert len(path.entries("CA1")) == written
