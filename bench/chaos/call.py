"""Places one call of a plan, waits for the last word of its log, and says what each side saw."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

from bench.chaos.observation import Observation, SessionSeen, StreamSeen
from bench.chaos.plan import CallPlan
from bench.chaos.voice import voice
from bench.chaos.world import World, call_of
from local.gladia.faults import Closed, Fault, kind
from local.gladia.injector import Injected
from local.gladia.session import Phase, Session
from local.twilio import Behaviour, CallReport, MediaStreamReport, Placement, place
from local.twilio.events import HungUp

# Longer than the bridge's own patience with a session whose stored result does not come, and with DynamoDB after it.
SETTLE_S = 120.0
# A media stream whose end nobody saw is gone after this; a real one was seen after four minutes.
ABANDONED_S = 3.0
# The machine is full while a run goes on, and a media stream that is not accepted in time is none of its faults.
CONNECT_S = 30.0


async def observe(plan: CallPlan, world: World, *, pace: float | None = None) -> Observation:
    """Place the call and return what came of it, when its log is settled or has had its time.

    `pace` is the simulated Twilio's: times real time, or as fast as the sockets take it.
    """
    watch = world.expect(plan)
    await world.talking.acquire()
    began_s = time.monotonic()
    report = await place(
        _placement(plan, world, pace=pace),
        account=world.account,
        switchboard=world.switchboard,
        # A call that is over only waits for its last words, while another one may speak.
        observe=lambda event: world.talking.release() if isinstance(event, HungUp) else None,
    )
    opened = [stream for stream in report.media_streams if stream.opened]
    legs = frozenset(f"{stream.stream_sid}/{track}" for stream in opened for track in stream.tracks)
    settled = True
    try:
        async with asyncio.timeout(SETTLE_S):
            await watch.settled(legs)
    except TimeoutError:
        settled = False
    struck = world.struck(plan.call_id)
    observation = Observation(
        number=plan.number,
        call_id=plan.call_id,
        streams=tuple(_stream(stream) for stream in opened),
        sessions=tuple(
            _session(session, struck)
            for session in world.gladia.sessions.values()
            if call_of(session.request.custom_metadata) == plan.call_id
        ),
        log=tuple(watch.log),
        settled=settled,
        seconds=time.monotonic() - began_s,
        faults=_faults(plan, report, world.aws.struck(plan.call_id), struck),
        story=tuple(f"{each.who.partition('/')[2] or '?'}: {each.fault}" for each in struck),
        trouble=_trouble(report),
    )
    world.forget(plan.call_id)
    return observation


def _placement(plan: CallPlan, world: World, *, pace: float | None) -> Placement:
    return Placement(
        voice_url=f"{world.url}/voice/{plan.call_id}",
        status_url=f"{world.url}/status/{plan.call_id}",
        from_number="+12025550101",
        to_number="+12025550102",
        inbound_audio=voice("inbound", plan.frames),
        outbound_audio=voice("outbound", plan.frames),
        pace=pace,
        allow_insecure=True,
        behaviour=Behaviour(abandoned_after_s=ABANDONED_S, connect_timeout_s=CONNECT_S),
        faults=(plan.twilio,),
        call_sid=plan.call_id,
    )


def _stream(report: MediaStreamReport) -> StreamSeen:
    return StreamSeen(
        media_stream=report.stream_sid,
        starts_ms=report.starts_ms or 0,
        delivered={str(track): spans for track, spans in report.delivered.items()},
        undelivered={str(track): spans for track, spans in report.undelivered.items()},
        bytes_sent={str(track): count for track, count in report.bytes_sent.items()},
        script=report.injected,
    )


def _session(session: Session, struck: Sequence[Injected]) -> SessionSeen:
    return SessionSeen(
        session_id=session.session_id,
        media_stream=str((session.request.custom_metadata or {}).get("media_stream", "")),
        channels=session.audio_format.split(bytes(session.audio)),
        finals=tuple(utterance.text for utterance in session.finals),
        ended=session.phase is Phase.ENDED,
        refused_bytes=session.refused_bytes,
        was_cut=any(each.session_id == session.session_id and _cuts_off(each.fault) for each in struck),
    )


def _cuts_off(fault: Fault) -> bool:
    """Return whether a client takes it for the end of the session: a code that says so, or that is a client's own."""
    return isinstance(fault, Closed) and (fault.code == 1001 or 4400 <= fault.code < 4500)


def _faults(plan: CallPlan, report: CallReport, aws: Counter[str], gladia: Sequence[Injected]) -> Counter[str]:
    struck = Counter(f"gladia: {kind(each.fault)}" for each in gladia)
    struck.update(f"aws: {word}" for word in aws.elements())
    for stream in report.media_streams:
        struck.update(f"twilio: {type(fault).__name__.lower()}" for fault in stream.injected)
    if plan.subscriber not in ("none", "reads"):
        struck[f"aws: subscriber {plan.subscriber}"] += 1
    return struck


def _trouble(report: CallReport) -> tuple[str, ...]:
    """Return what the carrier found wrong that no fault asked for: a webhook, or an upgrade refused."""
    found = [] if report.ended_normally else [f"the call ended early: {report.failure}"]
    found += [f"an upgrade was answered {each.status}" for each in report.media_streams if not each.opened]
    return tuple(found)
