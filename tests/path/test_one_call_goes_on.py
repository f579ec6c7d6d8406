"""A call whose media stream dies goes on in another one, through the stack as deployed locally."""

from __future__ import annotations

from dataclasses import replace

from callscribe.call import fold
from callscribe.entries import LegStarted
from callscribe.transcript import transcript
from local.gladia.scripted import silence, spoken
from local.placing import Tracks, place_and_watch, placement
from local.twilio.faults import Death


class Unseen:
    """A screen that nobody looks at."""

    def note(self, text: str) -> None:
        pass

    def show(self, what) -> None:
        pass


async def test_a_media_stream_that_was_reset_is_followed_by_another_and_the_gap_between_them_is_told(up):
    before, after = spoken("before the line broke"), spoken("and here I am again")
    caller = before + silence(6000) + after + silence(500)
    call = placement(
        Tracks(caller, silence(len(caller) // 8)),
        voice_url=up.addresses.voice_url,
        status_url=up.addresses.status_url,
    )
    broken = replace(call, faults=((Death(len(before) // 8 + 1000, "reset"),),))

    placed = await place_and_watch(broken, up.addresses, up.account, Unseen(), announce=lambda _call_id: None)

    state = fold(placed.entries)
    assert [line.said.text for line in transcript(placed.entries)] == ["before the line broke", "and here I am again"]
    started = [entry.body for entry in placed.entries if isinstance(entry.body, LegStarted)]
    assert len({leg.media_stream for leg in started}) == 2
    assert len({leg.session for leg in started}) == 1
    assert [len(leg.gaps) for leg in state.legs] == [1, 1]
    assert state.failed is None
