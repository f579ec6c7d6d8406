"""One call of a run: placed at its real pace, each frame with its own number in it, and what each side saw of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.chaos.observation import Written
from bench.chaos.plan import CallPlan
from bench.chaos.voice import voice
from bench.chaos.watch import Watch
from bench.chaos.world import World, call_of
from callscribe.call import fold
from callscribe.entries import Utterance
from local.gladia.session import Phase
from local.twilio import Behaviour, CallReport, Placement, place
from local.twilio.events import StreamFailed
from local.twilio.faults import Script

# Longer than the bridge's patience with a session that does not end.
SETTLE_S = 60.0
# A media stream whose end nobody saw is gone after this; a real one was seen after four minutes.
ABANDONED_S = 3.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What Gladia had of a call in one session."""

    session_id: str
    channels: tuple[bytes, ...]
    finals: tuple[str, ...]
    ended: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """One call, as the carrier, Gladia and the log saw it."""

    call_id: str
    frames: int  # that both parties said, from the call's first one on
    report: CallReport
    sessions: tuple[Heard, ...]
    log: tuple[Written, ...]
    settled: bool  # whether its log came to its end
    broke_at: datetime | None  # when its first media stream broke, by the wall clock


def plan(number: int, frames: int, script: Script = ()) -> CallPlan:
    """Return a call of so many frames, with `script` on its first media stream."""
    return CallPlan(
        number=number, call_id=f"CA{number:032x}", frames=frames, session="per_stream", twilio=script, aws=(),
        subscriber="none",
    )  # fmt: skip


async def observe(call: CallPlan, world: World) -> Seen:
    """Place `call` and return what came of it, when its log is settled or has had its time."""
    watch = world.watches.get(call.call_id) or world.expect(call)
    broke_at: list[datetime] = []
    report = await place(
        Placement(
            voice_url=f"{world.url}/voice/{call.call_id}",
            status_url=f"{world.url}/status/{call.call_id}",
            from_number="+12025550101",
            to_number="+12025550102",
            inbound_audio=voice("inbound", call.frames),
            outbound_audio=voice("outbound", call.frames),
            allow_insecure=True,
            behaviour=Behaviour(abandoned_after_s=ABANDONED_S),
            faults=(call.twilio,),
            call_sid=call.call_id,
        ),
        account=world.account,
        switchboard=world.switchboard,
        observe=lambda event: broke_at.append(datetime.now(UTC)) if isinstance(event, StreamFailed) else None,
    )
    settled = True
    try:
        async with asyncio.timeout(SETTLE_S):
            await watch.until(lambda: fold(each.entry for each in watch.log).settled)
    except TimeoutError:
        settled = False
    return Seen(
        call_id=call.call_id,
        frames=min(call.frames, report.heard_ms // 20),
        report=report,
        sessions=tuple(
            Heard(
                session_id=session.session_id,
                channels=session.audio_format.split(bytes(session.audio)),
                finals=tuple(utterance.text for utterance in session.finals),
                ended=session.phase is Phase.ENDED,
            )
            for session in world.gladia.sessions.values()
            if call_of(session.request.custom_metadata) == call.call_id
        ),
        log=tuple(watch.log),
        settled=settled,
        broke_at=broke_at[0] if broke_at else None,
    )


async def said(watch: Watch, count: int) -> None:
    """Wait until the log has so many finals: the call is on, and its words come."""
    await watch.until(lambda: sum(isinstance(each.entry.body, Utterance) for each in watch.log) >= count)
