"""`callscribe demo`: everything set up, one call placed, its words shown as they are said, and what it came to."""

from __future__ import annotations

from rich.console import Console

from local.laptop import laptop
from local.measures import Measures, measure
from local.placing import Placed, place_and_watch, placement, recorded_tracks
from local.terminal import CallScreen, tables
from local.twilio.account import Account


async def run(name: str, *, console: Console, seconds: float | None = None) -> int:
    """Run the demonstration with a recorded call; return the exit status. Raises LaptopError, NotAudio."""
    tracks = recorded_tracks(name)
    status = console.status("setting up")
    status.start()
    try:
        async with laptop(progress=status.update) as (addresses, _):
            status.stop()
            console.print(f"[bold]A simulated call[/]: the recorded call “{name}”, as Twilio would send it\n")
            account = Account(sid=addresses.account_sid, auth_token=addresses.auth_token)
            call = placement(tracks, voice_url=addresses.voice_url, status_url=addresses.status_url, seconds=seconds)
            with CallScreen(console) as screen:
                placed = await place_and_watch(
                    call, addresses, account, screen, announce=lambda sid: screen.note(f"page: {addresses.page(sid)}")
                )
    finally:
        status.stop()
    return _conclude(placed, tracks.expected, console)


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
