"""One call of a run: placed at its real pace, each frame with its own number in it, and what each side saw of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.chaos.observation import Written
from bench.chaos.plan import CallPlan
from bench.chaos.voice import FRAME_MS, voice
from bench.chaos.world import World, call_of
from callscribe.call import fold
from callscribe.entries import CallEnded, LegStarted, Utterance
from local.twilio import Behaviour, CallReport, Placement, place
from local.twilio.events import CallEvent, StreamFailed, StreamOpened
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


class Live:
    """A call that is about to be placed, or on."""

    def __init__(self, call: CallPlan, world: World) -> None:
        self.connected = asyncio.Event()  # its first media stream
        self._call = call
        self._world = world
        self._watch = world.expect(call)
        self._broke_at: datetime | None = None

    @property
    def call_id(self) -> str:
        """Its CallSid."""
        return self._call.call_id

    @property
    def finals(self) -> int:
        """How many its log has."""
        return sum(isinstance(each.entry.body, Utterance) for each in self._watch.log)

    async def said(self, count: int) -> None:
        """Wait until the log has so many finals, or the call is over."""
        await self._watch.until(lambda: self.finals >= count or self._is_over)

    async def moved(self) -> None:
        """Wait until another media stream than the first is heard, or the call is over."""
        await self._watch.until(lambda: len(self._streams) > 1 or self._is_over)

    def hang_up(self) -> None:
        """End the call, if it is still on."""
        if (live := self._world.switchboard.live(self.call_id)) is not None:
            live.hang_up()

    async def observe(self) -> Seen:
        """Place the call and return what came of it, when its log is settled or has had its time."""
        report = await self._place()
        settled = True
        try:
            async with asyncio.timeout(SETTLE_S):
                await self._watch.until(lambda: fold(each.entry for each in self._watch.log).settled)
        except TimeoutError:
            settled = False
        sessions = [
            session
            for session in self._world.gladia.sessions.values()
            if call_of(session.request.custom_metadata) == self.call_id
        ]
        return Seen(
            call_id=self.call_id,
            frames=min(self._call.frames, report.heard_ms // FRAME_MS),
            report=report,
            sessions=tuple(
                Heard(session.session_id, session.audio_format.split(bytes(session.audio))) for session in sessions
            ),
            log=tuple(self._watch.log),
            settled=settled,
            broke_at=self._broke_at,
        )

    async def _place(self) -> CallReport:
        call, url = self._call, self._world.url
        placement = Placement(
            voice_url=f"{url}/voice/{call.call_id}",
            status_url=f"{url}/status/{call.call_id}",
            from_number="+12025550101",
            to_number="+12025550102",
            inbound_audio=voice("inbound", call.frames),
            outbound_audio=voice("outbound", call.frames),
            allow_insecure=True,
            behaviour=Behaviour(abandoned_after_s=ABANDONED_S),
            faults=(call.twilio,),
            call_sid=call.call_id,
        )
        return await place(
            placement, account=self._world.account, switchboard=self._world.switchboard, observe=self._note
        )

    @property
    def _is_over(self) -> bool:
        return any(isinstance(each.entry.body, CallEnded) for each in self._watch.log)

    @property
    def _streams(self) -> set[str]:
        bodies = (each.entry.body for each in self._watch.log)
        return {body.media_stream for body in bodies if isinstance(body, LegStarted)}

    def _note(self, event: CallEvent) -> None:
        if isinstance(event, StreamOpened):
            self.connected.set()
        elif isinstance(event, StreamFailed) and self._broke_at is None:
            self._broke_at = datetime.now(UTC)
