"""A second pass over a call's recording, end to end through the stack as deployed locally."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from callscribe.entries import Entry, LegGap, Utterance
from callscribe.second_pass import BatchFailed, BatchReady, LegRepaired, RecordingEnded
from callscribe.second_transcript import decode
from local.placing import twilio_of
from local.twilio.faults import Gap
from local.twilio.recordings import RecordingFaults
from tests.path.files import file_of
from tests.path.test_one_call import conversation

RECORDED = "+12025550106"
LINES = (
    "one moment please while I look for my glasses",
    "good morning this is the bank",
    "I have lost my blue credit card",
    "when did you notice that",
    "yesterday evening at the station",
    "thank you very much goodbye",
)


async def entries_to(up, call_id: str, *kinds: type) -> list[Entry]:
    """Return a call's entries up to the first of `kinds`."""
    client = up.addresses.callscribe()
    async with asyncio.timeout(60), client, aclosing(client.follow(call_id)) as following:
        entries = []
        async for each in following:
            if isinstance(each, Entry):
                entries.append(each)
                if isinstance(each.body, kinds):
                    break
        return entries


async def test_a_gap_of_the_live_transcript_is_filled_from_the_recording(up):
    spoken = conversation(*LINES)
    lost = Gap(at_ms=6700, length_ms=1700, track="outbound")  # of what the agent asks
    async with twilio_of(up.addresses, up.account):
        placed = await up.place(spoken, to_number=RECORDED, pace=2, faults=((lost,),))
        entries = await entries_to(up, placed.report.call_sid, BatchReady, BatchFailed)

    bodies = [entry.body for entry in entries]
    ready = bodies[-1]
    assert isinstance(ready, BatchReady), ready
    (ended,) = [body for body in bodies if isinstance(body, RecordingEnded)]
    assert (ended.status, ended.channels) == ("completed", 2)
    (gap,) = [body for body in bodies if isinstance(body, LegGap) and body.end_ms - body.start_ms > 1000]
    (repaired,) = [body for body in bodies if isinstance(body, LegRepaired) and body.start_ms == gap.start_ms]
    filled = [body for body in bodies if isinstance(body, Utterance) and body.id in repaired.utterances]
    assert "did you notice" in " ".join(body.text for body in filled)
    document = decode(file_of(up, ready.transcript))
    texts = [line.utterance.text for line in document.lines]
    assert texts[-4:] == list(LINES[2:])  # it begins a second or so after the call
    of_agent = next(each for each in ready.differences if each.party == "agent")
    assert of_agent.missing >= 3
    of_caller = next(each for each in ready.differences if each.party == "caller")
    assert (of_caller.substituted, of_caller.missing, of_caller.added) == (0, 0, 0)


@pytest.mark.parametrize(
    ("faults", "why"),
    [
        (RecordingFaults(becomes="absent"), "the call was not recorded"),
        (RecordingFaults(is_empty=True), "the recording is empty"),
    ],
)
async def test_a_recording_that_there_is_nothing_of_is_told(up, faults, why):
    async with twilio_of(up.addresses, up.account) as switchboard:
        switchboard.recordings.faults = faults
        try:
            placed = await up.place(conversation(*LINES), to_number=RECORDED, pace=4)
            entries = await entries_to(up, placed.report.call_sid, BatchReady, BatchFailed)
        finally:
            switchboard.recordings.faults = RecordingFaults()

    assert entries[-1].body == BatchFailed(reason=why)
