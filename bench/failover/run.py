"""One run: calls on two bridges, then the fault, and what became of each call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, get_args

from bench.failover.call import Live, Seen, plan
from bench.failover.fleet import Fleet, Member
from bench.failover.judge import Verdict, judge
from local.twilio.faults import Death, Parting, Script, SecondStream

How = Literal[
    "kill",  # SIGKILL for the bridge with most calls
    "term",  # SIGTERM for it
    "rollout",  # as many others start, then SIGTERM for all that were there: a deployment of ECS
    "lost",  # the media streams die, and the bridges live
    "silent",  # the media streams bring nothing any more, and stay open
    "ending",  # SIGTERM at the very moment when its calls hang up
    "early",  # SIGTERM while its calls are only just beginning
    "both",  # SIGKILL for all bridges; then another one starts
    "parallel",  # a second media stream of each call is opened, and nothing goes wrong
]
HOWS: tuple[How, ...] = get_args(How)
_IN_ORDER: tuple[How, ...] = ("term", "rollout", "ending", "early")  # nothing may be missing
_BY_SCRIPT: tuple[How, ...] = ("lost", "silent")  # it strikes each call by itself, and not at once
_PARTINGS: tuple[Parting, ...] = ("close", "cut", "reset")
_FINALS = 6  # that each call has when the fault strikes: 2.4 s of both parties
_DEATH_MS = 3000
_FINALS_AGAIN = 4  # that each call has from then on, before it hangs up


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What happens in a run."""

    how: How
    calls: int = 20
    seconds: float = 60.0  # a call, at the most: it hangs up when it has been heard again for a while
    promised_s: float = 10.0  # within which each call is heard again
    drain_s: int = 30
    patience: Mapping[str, float] | None = None  # constants of the bridges, by their path
    throttled_s: float = 0.0  # from the fault on, DynamoDB refuses everything for so long
    clock_frames: int = 0  # a gap may be off by so many, as the clocks of two processes are on a full machine
    refusals: tuple[int, ...] = ()  # from the fault on, Twilio's REST API answers so first


@dataclass(slots=True)
class Outcome:
    """What a run came to."""

    run: Run
    verdicts: list[Verdict] = field(default_factory=list)
    moved: set[str] = field(default_factory=set)  # calls that had to go on in another media stream
    exit_s: float | None = None  # from SIGTERM to the end of the process; of several, the last
    problems: list[str] = field(default_factory=list)  # of no call

    @property
    def is_clean(self) -> bool:
        """Whether all was as promised."""
        return not self.problems and not any(verdict.problems for verdict in self.verdicts)


async def play(run: Run, tell: Callable[[str], None] = lambda _: None) -> Outcome:
    """Place the calls, let the fault strike, wait for the last word of each; `tell` is told what happens."""
    outcome = Outcome(run)
    fleet = Fleet(name=f"failover-{run.how}", drain_s=run.drain_s, patience=run.patience)
    async with fleet:
        plans = [plan(number, round(run.seconds * 50), _script(run.how, number)) for number in range(run.calls)]
        calls = [Live(each, fleet) for each in plans]
        tell(f"placing {run.calls} calls")
        async with asyncio.TaskGroup() as placed:
            observed = [placed.create_task(call.observe()) for call in calls]
            await asyncio.gather(*(_has_begun(run, call) for call in calls))
            struck_at = await _strike(run, fleet, outcome, placed, tell)
            await asyncio.gather(*(_has_recovered(run, call, outcome) for call in calls))
            tell("every call is heard again; they hang up")
            for call in calls:
                call.hang_up()
        for seen in (each.result() for each in observed):
            at = seen.broke_at if run.how in _BY_SCRIPT else struck_at
            verdict = judge(seen, struck_at=at, clock_frames=run.clock_frames)
            verdict.problems += _broken_promises(run, verdict, is_moved=seen.call_id in outcome.moved)
            outcome.verdicts.append(verdict)
            if run.how in ("term", "rollout") and seen.call_id in outcome.moved:
                outcome.problems += _not_dismissed(fleet, seen)
        outcome.problems += [f"an entry came after its call was judged: {each}" for each in fleet.strays]
        outcome.problems += [f"AWS was asked what it does not know: {each}" for each in fleet.aws.unsupported]
        outcome.problems += [each for member in fleet.members for each in _errors(member)]
    return outcome


async def _has_begun(run: Run, call: Live) -> None:
    """Wait until the fault may strike, as far as this call is concerned."""
    if run.how == "early":
        await call.connected.wait()
    else:
        await call.said(_FINALS)


async def _has_recovered(run: Run, call: Live, outcome: Outcome) -> None:
    """Wait until the call is heard as before, or is over."""
    if run.how in _BY_SCRIPT or call.call_id in outcome.moved:
        await call.moved()
    await call.said(call.finals + _FINALS_AGAIN)


async def _strike(
    run: Run, fleet: Fleet, outcome: Outcome, tasks: asyncio.TaskGroup, tell: Callable[[str], None]
) -> datetime:
    victim = fleet.fullest()
    everybody = {call for member in fleet.members for call in member.calls()}
    by_how = {**dict.fromkeys(("lost", "silent", "both", "rollout"), everybody), "parallel": set[str]()}
    outcome.moved = by_how.get(run.how, victim.calls())
    fleet.rest.refusals.extend(run.refusals)
    if run.throttled_s:
        tasks.create_task(_throttle(fleet, run.throttled_s))
    struck_at = datetime.now(UTC)
    match run.how:
        case "kill":
            victim.process.kill()
        case "both":
            struck_at = await _kill_all(fleet, tell)
        case "rollout":
            struck_at = await _roll_out(fleet, outcome, tasks, tell)
        case "early":  # the balancer has not heard of it either
            victim.process.terminate()
            tasks.create_task(_time_exit(victim, outcome))
        case "term" | "ending":
            if run.how == "ending":
                for live in filter(None, map(fleet.switchboard.live, outcome.moved)):
                    live.hang_up()
            fleet.retire(victim)
            tasks.create_task(_time_exit(victim, outcome))
    tell(f"{run.how}: {len(outcome.moved)} calls have to move")
    return struck_at


async def _kill_all(fleet: Fleet, tell: Callable[[str], None]) -> datetime:
    for member in fleet.members:
        member.process.kill()
    tell("all bridges are dead; another one starts")
    await fleet.add()
    return datetime.now(UTC)


async def _roll_out(fleet: Fleet, outcome: Outcome, tasks: asyncio.TaskGroup, tell: Callable[[str], None]) -> datetime:
    before = list(fleet.members)
    tell(f"{len(before)} others start")
    await asyncio.gather(*(fleet.add() for _ in before))
    struck_at = datetime.now(UTC)
    for member in before:
        fleet.retire(member)
        tasks.create_task(_time_exit(member, outcome))
    return struck_at


async def _throttle(fleet: Fleet, seconds: float) -> None:
    fleet.aws.is_throttled = True
    await asyncio.sleep(seconds)
    fleet.aws.is_throttled = False


async def _time_exit(member: Member, outcome: Outcome) -> None:
    began_s = time.monotonic()
    await member.process.ended()
    outcome.exit_s = max(outcome.exit_s or 0.0, time.monotonic() - began_s)
    if outcome.exit_s > outcome.run.drain_s:
        outcome.problems.append(f"the process took {outcome.exit_s:.1f} s to end")


def _script(how: How, number: int) -> Script:
    match how:
        case "lost":
            return (Death(_DEATH_MS, _PARTINGS[number % len(_PARTINGS)]),)
        case "silent":
            return (Death(_DEATH_MS, "nothing"),)
        case "parallel":
            return (SecondStream(_DEATH_MS),)
        case _:
            return ()


def _broken_promises(run: Run, verdict: Verdict, *, is_moved: bool) -> Iterator[str]:
    """Yield what the call shows, and no call of such a run may."""
    if verdict.sessions != 1:
        yield f"{verdict.sessions} sessions at Gladia"
    if (not is_moved or run.how in _IN_ORDER) and verdict.real_frames:
        yield f"{verdict.real_frames} frames are missing"
    if run.how in ("ending", "early") or not is_moved:
        return
    if verdict.streams < 2:
        yield "no other media stream was heard"
    elif verdict.again_s is not None and verdict.again_s > run.promised_s:
        yield f"heard again after {verdict.again_s:.1f} s"


def _not_dismissed(fleet: Fleet, seen: Seen) -> Iterator[str]:
    first = seen.report.media_streams[0]
    if not any(path.endswith(f"/Streams/{first.stream_sid}.json") for _, path in fleet.rest.requests):
        yield f"{seen.call_id}: the media stream that was left was not ended by REST"
    if first.problem is not None:
        yield f"{seen.call_id}: the media stream that was left broke: {first.problem.text}"


def _errors(member: Member) -> Iterator[str]:
    for line in member.lines():
        if line.get("level") in ("ERROR", "CRITICAL"):
            yield f"bridge {member.port}: {line.get('message')} {line.get('exception', '')}".strip()
