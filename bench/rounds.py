"""One round: some calls through one subject for some seconds, and what that took."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import statistics
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from bench.bridge import MEDIA_URL
from bench.load import Caller, Talking
from bench.measured import MeasuredProcess, busy_s
from bench.services import Services, added_ms, serving
from bench.subjects import FRAME_BYTES, Subject, serving_context, started

# Beyond this share of a core what comes has to wait, and what is measured is the queue.
FULL = 0.95
OPENING = 40  # media streams at once: carriers' calls do not begin all in one moment either
PATIENCE_S = 20.0  # for sessions to open
STALLED_S = 1.0  # without a byte: nothing more comes
ENDING_S = 5.0  # for sessions to end
SETTLING_S = 1.0
STEP_S = 0.02


@dataclass(frozen=True, slots=True)
class Round:
    """What one round measured."""

    cpu_share: float  # of one core, by the process that is measured
    load_share: float  # of its own core, by the load with its Gladia and its AWS
    late_s: float  # p99 of the load's own lateness
    bytes_in: int  # of audio, as it ought to come out: linear samples are two bytes each
    bytes_out: int  # of audio, at Gladia
    memory_kb: int  # of the process, with the calls
    idle_kb: int  # and before them
    others_share: float = 0.0  # of the measured core, by whoever else runs on this machine
    others_beside_share: float = 0.0  # and of the load's
    added_ms: tuple[float, float, float] | None = None  # p50, p99, p99.9 from a chunk's last frame to Gladia

    @property
    def is_full(self) -> bool:
        """Whether the process took all of the core that was left to it."""
        return self.cpu_share > FULL * (1 - self.others_share)


async def measure(subject: Subject, calls: int, *, seconds: float) -> Round:
    """Run one round; `seconds` are measured, from when all sessions are open."""
    async with contextlib.AsyncExitStack() as stack:
        tls, authority = await stack.enter_async_context(serving_context(subject))
        services = Services(speaks=subject.speaks, tls=tls)
        await stack.enter_async_context(serving(services))
        process = await stack.enter_async_context(started(subject, services, authority))
        trial = _Trial(subject, services)
        # What is loaded at the first call belongs to no call's memory.
        async with trial.calling("CAwarm", 1) as callers:
            async with Talking(callers):
                await trial.opened(1)
            for caller in callers:
                caller.hang_up()
        services.sessions.clear()
        gc.collect()
        return await trial.measured(process, calls, seconds)


@dataclass(frozen=True, slots=True)
class _Shares:
    """What was taken of both cores in a while."""

    cpu: float
    load: float
    others: float
    others_beside: float

    @classmethod
    async def of(cls, process: MeasuredProcess, seconds: float) -> _Shares:
        """Measure for so long."""
        before = time.monotonic(), process.cpu_s(), time.process_time(), *busy_s()
        await asyncio.sleep(seconds)
        after = time.monotonic(), process.cpu_s(), time.process_time(), *busy_s()
        took_s, cpu_s, load_s, core_s, beside_s = (now - then for now, then in zip(after, before, strict=True))
        return cls(cpu_s / took_s, load_s / took_s, max(core_s - cpu_s, 0) / took_s, max(beside_s - load_s, 0) / took_s)


class _Trial:
    """A round under way."""

    def __init__(self, subject: Subject, services: Services) -> None:
        self._subject = subject
        self._services = services

    async def measured(self, process: MeasuredProcess, calls: int, seconds: float) -> Round:
        """Let so many calls talk, be heard in full, and hang up."""
        idle_kb = process.memory_kb()
        async with self.calling("CA", calls) as callers:
            async with Talking(callers) as talking:
                await self.opened(calls)
                await asyncio.sleep(SETTLING_S)
                for arrivals in self._services.sessions.values():
                    arrivals.at_s.clear()
                talking.forget()
                shares = await _Shares.of(process, seconds)
                memory_kb = process.memory_kb()
            expected = self._subject.bytes_out * FRAME_BYTES * sum(each.frames for each in callers)
            for caller in callers:
                caller.hang_up()
            if self._subject.hears:
                await self._drained(expected)
        return Round(
            shares.cpu,
            shares.load,
            talking.late_s(),
            bytes_in=expected,
            bytes_out=self._received if self._subject.hears else expected,
            memory_kb=memory_kb,
            idle_kb=idle_kb,
            others_share=shares.others,
            others_beside_share=shares.others_beside,
            added_ms=self._added(callers),
        )

    @contextlib.asynccontextmanager
    async def calling(self, prefix: str, calls: int) -> AsyncIterator[list[Caller]]:
        """Have so many calls, which are over afterwards."""
        callers = [
            Caller(f"{prefix}{number}-{'-'.join(tracks)}", MEDIA_URL, tracks=tracks)
            for number in range(calls)
            for tracks in self._subject.streams
        ]
        for begin in range(0, len(callers), OPENING):
            await asyncio.gather(*(caller.open() for caller in callers[begin : begin + OPENING]))
        yield callers
        for caller in callers:
            caller.leave()
        sessions = self._services.sessions.values()
        await _until(lambda: all(each.ended.is_set() for each in sessions), within_s=ENDING_S)

    async def opened(self, calls: int) -> None:
        """Wait until all sessions hear something; not for ever, as a core that is full may not come to it."""
        count = 2 * calls // self._subject.session_tracks if self._subject.hears else 0
        sessions = self._services.sessions
        await _until(
            lambda: len(sessions) >= count and all(each.received for each in sessions.values()), within_s=PATIENCE_S
        )

    async def _drained(self, expected: int) -> None:
        """Wait until so many bytes have come, or until nothing more comes."""
        before = -1
        while before < self._received < expected:
            before = self._received
            await _until(lambda: self._received >= expected, within_s=STALLED_S)

    @property
    def _received(self) -> int:
        return sum(each.received for each in self._services.sessions.values())

    def _added(self, callers: list[Caller]) -> tuple[float, float, float] | None:
        by_id = {caller.call_id: caller for caller in callers}
        added = [
            value
            for each in self._services.sessions.values()
            for value in added_ms(
                by_id[each.call_id],
                each.at_s,
                tick_bytes=self._subject.tick_bytes,
                chunk_bytes=self._subject.chunk_bytes,
            )
        ]
        if len(added) < 2:
            return None
        quantiles = statistics.quantiles(added, n=1000)
        return quantiles[499], quantiles[989], quantiles[998]


async def _until(holds: Callable[[], bool], *, within_s: float) -> None:
    """Return when it holds, or when that took too long: what is missing then shows in the sums."""
    begin_s = time.monotonic()
    # Events would be set 10,000 times a second.
    while not holds() and time.monotonic() - begin_s < within_s:  # noqa: ASYNC110
        await asyncio.sleep(STEP_S)
