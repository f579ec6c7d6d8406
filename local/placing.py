"""A simulated call and whoever follows it, at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from callscribe.call import Call
from callscribe.client import Callscribe
from callscribe.entries import CallFailed, Entry
from callscribe.messages import PartialMessage
from local.audio import NotAudio, mulaw_silence, read_tracks, recorded_call
from local.laptop import Addresses
from local.measures import Seen
from local.terminal import CallScreen
from local.twilio.account import Account, Number
from local.twilio.call import place
from local.twilio.desk import DESK
from local.twilio.events import CallEvent, Dialled, HungUp, StreamFailed, StreamOpened, WebhookAnswered, WebhookFailed
from local.twilio.placement import Placement
from local.twilio.report import CallReport
from local.twilio.switchboard import Switchboard

# After the call is over, its last words are due: Gladia's end of session, the log and the push.
LAST_WORDS_S = 60.0

Show = Callable[[Entry | PartialMessage], None]


@dataclass(frozen=True, slots=True)
class Tracks:
    """What both parties say: 8000 Hz mu-law, and the text of it where it is known."""

    inbound: bytes
    outbound: bytes
    expected: dict[str, str] = field(default_factory=dict)  # by party


# Numbers that belong to nobody: the North American plan keeps 555-01xx for fiction.
SIMULATED = Placement(
    voice_url="", from_number="+12025550123", to_number="+12025550188", inbound_audio=b"", outbound_audio=b""
)


def tracks_of(files: Sequence[Path], recorded: str | None) -> Tracks:
    """Return the tracks in `files` (one a track, or one stereo file), or of a recorded call. Raises NotAudio."""
    if recorded is not None or not files:
        return recorded_tracks(recorded or "voicemail")
    found = [track for path in files for track in read_tracks(path)]
    if len(found) > 2:
        raise NotAudio(f"{len(found)} tracks were given, and a call has two: the caller's, then the other party's")
    return Tracks(found[0], found[1] if len(found) == 2 else mulaw_silence(len(found[0]) // 8))


def recorded_tracks(name: str) -> Tracks:
    """Return a recorded call that comes with the project. Raises NotAudio if there is none of that name."""
    call = recorded_call(name)
    expected = {track.party: " ".join(each.text for each in track.utterances) for track in (call.caller, call.agent)}
    return Tracks(call.caller.audio, call.agent.audio, {party: text for party, text in expected.items() if text})


def placement(tracks: Tracks, *, voice_url: str, status_url: str | None, to_number: str = SIMULATED.to_number,
              seconds: float | None = None, pace: float | None = 1.0) -> Placement:  # fmt: skip
    """Return the call to place: from one fictitious number to another."""
    return Placement(
        voice_url=voice_url,
        status_url=status_url,
        from_number=SIMULATED.from_number,
        to_number=to_number,
        inbound_audio=tracks.inbound,
        outbound_audio=tracks.outbound,
        hang_up_after_s=seconds,
        allow_insecure=True,  # the laptop's media streams are ws on loopback
        pace=pace,
    )


def twilio_of(addresses: Addresses, account: Account) -> AbstractAsyncContextManager[Switchboard]:
    """Answer as the Twilio of the laptop at `addresses` while inside, for an account that has one number."""
    number = Number(
        phone_number=SIMULATED.to_number, voice_url=addresses.voice_url, status_callback=addresses.status_url
    )
    return DESK.open(account, int(addresses.rest_url.rpartition(":")[2]), numbers=(number,))


async def watch(callscribe: Callscribe, call_id: str, show: Show, *, after: int = 0) -> list[Seen]:
    """Follow a call until its log is final, or for a minute after the call ended; return what was seen."""
    seen: list[Seen] = []
    call = Call()
    following = callscribe.follow(call_id, after=after)
    try:
        async with asyncio.timeout(None) as limit:
            async for each in following:
                if not isinstance(each, Entry | PartialMessage):
                    continue
                seen.append(Seen(each, time.monotonic()))
                show(each)
                if isinstance(each, Entry):
                    call = call.after(each)
                    if call.ended is not None and limit.when() is None:
                        limit.reschedule(asyncio.get_running_loop().time() + LAST_WORDS_S)
                if call.settled:
                    break
    except TimeoutError:
        pass  # what is missing shows in the log: a leg that has not ended
    finally:
        await following.aclose()
    return seen


@dataclass(frozen=True, slots=True)
class Placed:
    """A call that was placed, and what a subscriber saw of it."""

    report: CallReport
    seen: tuple[Seen, ...]

    @property
    def entries(self) -> list[Entry]:
        """The call's log, as the subscriber saw it."""
        return [each.what for each in self.seen if isinstance(each.what, Entry)]

    @property
    def why_silent(self) -> str:
        """Why no words came, as far as anyone said."""
        said = next((entry.body.reason for entry in self.entries if isinstance(entry.body, CallFailed)), None)
        stream = next((each.problem.text for each in self.report.media_streams if each.problem), None)
        return self.report.failure or stream or said or "the media stream was heard, but Gladia found no words in it"


async def place_and_watch(
    call: Placement, addresses: Addresses, account: Account, screen: CallScreen, *, announce: Callable[[str], None]
) -> Placed:
    """Place `call` and follow it from its voice webhook's answer to its last entry."""
    answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def observe(event: CallEvent) -> None:
        note(event, screen)
        if isinstance(event, WebhookAnswered) and not answered.done():
            announce(event.call_sid)
            answered.set_result(event.call_sid)

    async def watch_it() -> list[Seen]:
        call_id = await answered
        async with addresses.callscribe() as callscribe:
            return await watch(callscribe, call_id, screen.show)

    watching = asyncio.create_task(watch_it())
    # Twilio is there after the call as well: should a webhook have failed, `sweep` asks it how the call ended.
    async with twilio_of(addresses, account) as board:
        report = await place(call, account=account, observe=observe, switchboard=board)
        if not answered.done():
            watching.cancel()
            return Placed(report, ())
        return Placed(report, tuple(await watching))


async def place_and_follow(
    tracks: Tracks,
    *,
    addresses: Addresses | None,
    voice_url: str | None,
    status_url: str | None,
    account_sid: str | None,
    auth_token: str | None,
    to_number: str,
    console: Console,
) -> int:
    """Place a call to the laptop that is up and show its words, or to another deployment and show how it goes."""
    with CallScreen(console) as screen:
        if addresses is not None:
            account = Account(sid=addresses.account_sid, auth_token=addresses.auth_token)
            call = placement(
                tracks, voice_url=addresses.voice_url, status_url=addresses.status_url, to_number=to_number
            )
            placed = await place_and_watch(
                call, addresses, account, screen, announce=lambda sid: screen.note(f"page: {addresses.page(sid)}")
            )
            report = placed.report
        else:
            account = Account(sid=account_sid or Account().sid, auth_token=auth_token or "")
            call = placement(tracks, voice_url=voice_url or "", status_url=status_url, to_number=to_number)
            report = await place(call, account=account, observe=lambda event: note(event, screen))
    problem = report.failure or next((each.problem.text for each in report.media_streams if each.problem), None)
    if problem:
        console.print(problem, style="red", markup=False)
    return 1 if problem else 0


def note(event: CallEvent, screen: CallScreen) -> None:
    """Show what happens to a simulated call."""
    match event:
        case WebhookAnswered(kind="voice", verbs=verbs):
            screen.note(f"voice webhook answered: {', '.join(verbs)}")
        case WebhookFailed(problem=problem) | StreamFailed(problem=problem):
            screen.note(problem.text)
        case StreamOpened(tracks=tracks):
            screen.note(f"media stream open: {', '.join(tracks)}")
        case Dialled():
            screen.note("both parties are on the line")
        case HungUp(duration_s=duration_s):
            screen.note(f"hung up after {duration_s} s; the last words are due")
        case _:
            pass
