"""`callscribe demo`: everything set up, one call placed, its words shown as they are said, and what it came to."""

from __future__ import annotations

import time

from rich.console import Console

from callscribe.entries import Utterance
from callscribe.messages import PartialMessage
from local.laptop import STATE, laptop
from local.measures import Measures, measure
from local.placing import Placed, place_and_watch, placement, recorded_tracks
from local.stages import Stages
from local.terminal import CallScreen, tables
from local.twilio.account import Account

TIMINGS = STATE / "timings.json"


async def run(name: str, *, console: Console, seconds: float | None = None, timings: bool = False) -> int:
    """Run the demonstration with a recorded call; return the exit status. Raises LaptopError, NotAudio.

    With `timings` it ends with what its start took, stage by stage, which is also written into a file (TIMINGS).
    """
    tracks = recorded_tracks(name)
    stages = Stages()
    stages.end("Python and its imports", 0.0)
    status = console.status("setting up")
    status.start()
    try:
        async with laptop(progress=status.update, stages=stages) as (addresses, _):
            status.stop()
            console.print(f"[bold]A simulated call[/]: the recorded call “{name}”, as Twilio would send it\n")
            account = Account(sid=addresses.account_sid, auth_token=addresses.auth_token)
            call = placement(tracks, voice_url=addresses.voice_url, status_url=addresses.status_url, seconds=seconds)
            dialled_s = stages.now()
            with CallScreen(console) as screen:
                placed = await place_and_watch(
                    call, addresses, account, screen, announce=lambda sid: screen.note(f"page: {addresses.page(sid)}")
                )
    finally:
        status.stop()
    if timings and (first_s := _first_word(placed)) is not None:
        stages.end("the call, to its first word", dialled_s, ended_s=stages.now() - (time.monotonic() - first_s))
        stages.write(TIMINGS)
        console.print(stages.table())
    return _conclude(placed, tracks.expected, console)


def _first_word(placed: Placed) -> float | None:
    """Return when the first words were shown, by CLOCK_MONOTONIC; None if none were."""
    shown = [
        each.at_s
        for each in placed.seen
        if isinstance(each.what, PartialMessage) or isinstance(each.what.body, Utterance)
    ]
    return min(shown, default=None)


def _conclude(placed: Placed, expected: dict[str, str], console: Console) -> int:
    measures = measure(placed.seen, placed.report.media_streams, expected)
    console.print()
    for table in tables(measures):
        console.print(table)
        console.print()
    if not measures.heard_anything:
        console.print(f"no words came: {placed.why_silent}", style="bold red", markup=False)
        return 1
    if (missing := _missing(measures)) is not None:
        console.print(missing, style="bold red", markup=False)
        return 1
    console.print(f"[green]The call's log is complete[/]: {measures.call.seq} entries, nothing lost, nothing repeated.")
    return 0


def _missing(measures: Measures) -> str | None:
    if measures.call.failed is not None:
        return f"the transcript is not complete: {measures.call.failed.reason}"
    if not measures.call.settled:
        return "the call's last words did not come within a minute"
    if not all(leg.complete for leg in measures.legs):
        return "not all audio reached Gladia: see the bytes above"
    return None
