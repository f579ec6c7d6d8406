"""The adapter that drives one media stream: events in from carrier and Gladia, effects out, deadlines kept."""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections import Counter
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter

from bridge import session_events as session
from bridge.arrival import Arrivals, posix_ms
from bridge.audience import Audience
from bridge.call_end import end_call
from bridge.dialects.events import Audio, Started, Stopped, StreamEvent
from bridge.gladia_link import GladiaLink, Turnstile
from bridge.hearing import Effect, ToSession
from bridge.hooks import Hooks
from bridge.log_writer import LogWriter
from bridge.look_up import look_up, open_log
from bridge.media_stream import KEEP_ALIVE_S, MediaStream
from bridge.origin import Origin
from bridge.pacing import Pacing
from bridge.services import Services
from bridge.session import SILENT_S
from bridge.succession import LOST_S, Moved, Succession
from bridge.takeover import Keeper, Taken, begin_ms
from bridge.telling import Append, Partial
from bridge.tenure import Tenure
from bridge.trace import Heard
from callscribe.call import Call, fold
from callscribe.entries import LegEnded, Utterance
from callscribe.log import Log
from callscribe.settings import CallSettings
from callscribe.subscriptions import Subscriptions

logger = logging.getLogger(__name__)

# The end of a connection may never come. After so long without a frame the carrier is asked how the call stands, and
# for another media stream if it goes on, as some carriers send nothing in silence.
QUIET_S = 20.0
# If nobody can be asked: longer than anybody is silent, with room on the line.
QUIET_LIMIT_S = 300.0
# A socket that rests is read when what makes a chunk whole has had a moment to come, so that a chunk is one read: the
# least late packets of ten seconds tell when. Shorter rests gain nothing.
LATE_S = 0.001
WORTH_S = 0.025
_MEDIA_MS = attrgetter("media_ms")


class Relay:
    """One media stream of one call, from its `start` to the last entry written."""

    def __init__(self, services: Services, origin: Origin) -> None:
        self._services = services
        self._origin = origin
        self._keeper = Keeper(services.task, origin.tenant, origin.provider)
        self._recall = services.recall if origin.tells_of_calls else None
        self._began = datetime.now(UTC)
        self._early: list[StreamEvent] = []
        self._arrivals = Arrivals()
        self._stream: MediaStream | None = None
        self._succession: Succession | None = None
        self._links: dict[int, GladiaLink] = {}
        self._pacing = Pacing()
        self._closed = asyncio.Event()
        self._moving: asyncio.Task[Moved] | None = None
        self._moves_within_s: float | None = None  # it was to move before it had begun
        self._lost: Stopped | None = None  # the carrier's socket ended, and not as it should
        self._timer: asyncio.TimerHandle | None = None
        self._fires_at = math.inf  # when the stream is woken
        self._pacing_timer: asyncio.TimerHandle | None = None
        self.malformed: Counter[str] = Counter()

    async def run(self, started: Started) -> None:
        """Relay until the last word of the media stream is in the log. One bad call ends this and nothing else."""
        self._loop = asyncio.get_running_loop()
        self._started = started
        began_s = time.time()
        log = Log(self._services.environment.calls_table, started.call_id)
        tenure = Tenure(
            self._services.dynamodb,
            self._services.sessions,
            self._keeper,
            call_id=started.call_id,
            media_stream=started.media_stream,
        )
        entries = await look_up(self._services.dynamodb, log)
        opening = self._origin.opening(started, began=self._began)
        if entries == [] and not self._origin.tells_of_calls:
            entries = await open_log(self._services.dynamodb, log, opening, tenant=self._keeper.tenant)
        call = fold(entries or [])
        settings = self._origin.settings(call)
        stream = self._new_stream(started, call, settings)
        self._hooks = Hooks(settings.hooks, call_id=started.call_id, tenant=self._keeper.tenant)
        taken = await tenure.take_over(lane.name for lane in stream.lanes)
        if taken:  # whoever had it may have written more
            entries = await look_up(self._services.dynamodb, log)
            stream.know(entry.body for entry in entries or [])
        call = fold(entries or [])
        logger.info(
            "media stream opened",
            extra={"call_id": started.call_id, "media_stream": started.media_stream, "taken_over": len(taken)},
        )
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self._writer = LogWriter(
                self._services.dynamodb,
                log,
                tenant=self._keeper.tenant,
                tail=None if entries is None else call.seq,
                spill=self._services.spill,
                meter=self._services.meter,
            )
            writing = tasks.create_task(self._writer.run())
            self._audience = self._new_audience(tasks)
            self._succession = Succession(
                stream,
                started,
                arrivals=self._arrivals,
                keeper=self._keeper,
                tenure=tenure,
                recall=self._recall,
                process=self,
            )
            keeping = [tasks.create_task(self._succession.keep())]
            if self._origin.tells_of_calls:  # of a PBX the socket itself is watched, as it may well be silent
                keeping.append(tasks.create_task(self._keep_vigil(self._succession, stream)))
            if entries is not None and call.started is None:
                self._writer.append(Append(opening, started.call_id))
            self._take_over(stream, taken)
            with self._services.meter.follow(stream.totals, since_now=True):
                self._begin(stream)
                await self._closed.wait()
                await self._moved()
            for each in keeping:
                each.cancel()
            if self._pacing_timer is not None:
                self._pacing_timer.cancel()
            self._writer.finish()
            await writing
        ended_at = datetime.now(UTC)
        if not self.handed_over:
            await tenure.forget()
        self._say_closed(started, stream)
        self._services.traces.tell(
            Heard(
                call_id=started.call_id,
                media_stream=started.media_stream,
                began_s=began_s,
                ended_s=time.time(),
                totals=stream.totals(),
                failed=any(lane.failure is not None for lane in stream.lanes),
            )
        )
        if not self._origin.tells_of_calls and not self.handed_over:
            await end_call(
                self._services.dynamodb, self._services.sessions, log, tenant=self._keeper.tenant, at=ended_at
            )

    def expect(self, started: Started) -> None:
        """Take note of what comes: its audio may be heard before `run` has begun."""
        self._began = datetime.now(UTC)
        self._arrivals = Arrivals(started.form, begin_ms=0 if started.begins_now else None)

    def hear(self, event: StreamEvent) -> None:
        """Take what the carrier sends; never waits."""
        if isinstance(event, Audio):
            self.hear_audio([event])
        elif self._closed.is_set():
            pass  # the transcript has ended, well or not, and nobody writes its log here any more
        elif self._stream is None:
            self._early.append(event)
        elif isinstance(event, Stopped) and not event.is_proper and self._recall is not None:
            self._recover(event)
        else:
            self.perform(self._stream.hear(event, now=self._loop.time()))

    def hear_audio(self, frames: list[Audio]) -> None:
        """Take the frames, at least one, that came at once; never waits."""
        if self._closed.is_set():
            return
        # Of those that came at once the newest was delayed least.
        self._arrivals.note(max(frames, key=_MEDIA_MS), now=time.monotonic())
        if self._stream is None:
            self._early += frames
            return
        now = self._loop.time()
        effects = self._stream.hear_audio(frames, now=now)
        if self._fires_at <= now + min(SILENT_S, KEEP_ALIVE_S) and all(map(_is_audio, effects)):
            # What puts off nothing that the timer is not early enough for: a chunk that goes out, or waits to be whole.
            for effect in effects:
                self._do(effect)
        else:
            self.perform(effects)

    @property
    def rest_s(self) -> float:
        """How long nothing that comes can have an effect, so that it may wait, to be read at once; 0 if it may have."""
        if self._stream is None or self._moving is not None or not self._started.keeps_time:
            return 0.0  # while the call moves, each byte counts that this process has
        due_ms = self._stream.due_ms
        due_at = None if due_ms is None else self._arrivals.due_at(due_ms)
        rest_s = 0.0 if due_at is None else due_at + LATE_S - time.monotonic()
        return rest_s if rest_s > WORTH_S else 0.0

    def count_malformed(self, kind: str) -> None:
        """Count a message of the carrier that made no sense."""
        self.malformed[kind] += 1
        self._services.meter.count_malformed(kind)

    def move_on(self, *, within_s: float) -> None:
        """Let another task have the call, if one comes to take it; else it ends here as calls do."""
        if self._stream is None:
            self._moves_within_s = within_s  # once it is known what there is to hand over
        elif self._moving is None and self._succession is not None and not self._closed.is_set():
            self._moving = self._tasks.create_task(self._move_on(self._succession, within_s))

    async def let_go(self) -> None:
        """Leave the call to whoever comes; this process ends."""
        if self._succession is not None:
            await self._succession.let_go()

    @property
    def handed_over(self) -> bool:
        """Whether the call goes on elsewhere."""
        return self._succession is not None and self._succession.handed_over

    @property
    def carrier_is_gone(self) -> bool:
        """Whether the carrier's socket has ended, and not as it should."""
        return self._lost is not None

    def perform(self, effects: list[Effect]) -> None:
        """Begin to do what the media stream wants done."""
        for effect in effects:
            self._do(effect)
        self._set_timer()
        if self._stream is not None and self._stream.closed:
            self._closed.set()

    def _do(self, effect: Effect) -> None:
        match effect:
            case ToSession(number=number, command=command):
                self._link(number).perform(command)
            case Append(body=body):
                if isinstance(body, Utterance):
                    self._pacing.settle(body.id)
                    self._time(body)
                    self._ask_about(body)
                elif isinstance(body, LegEnded):
                    self._services.meter.count("legs_ended")
                    self._services.meter.count("legs_incomplete", not body.ledger.was_taken)
                self._writer.append(effect)
            case Partial():
                self._pacing.offer(effect)
                if self._pacing_timer is None:
                    self._show()

    async def disconnected(self) -> None:
        """Wait until no socket to Gladia is open any more."""
        for link in self._links.values():
            await link.closed()

    async def written(self) -> None:
        """Wait until the log has all that it is to have, trying at once."""
        await self._writer.caught_up()

    def _new_stream(self, started: Started, call: Call, settings: CallSettings) -> MediaStream:
        return MediaStream(
            started,
            settings,
            direction=call.started.direction if call.started else "inbound",
            offset_ms=_offset_ms(call, self._began),
            jitter=random.random,
        )

    def _new_audience(self, tasks: asyncio.TaskGroup) -> Audience:
        return Audience(
            dynamodb=self._services.dynamodb,
            connections=self._services.connections,
            subscriptions=Subscriptions(self._services.environment.subscriptions_table),
            call_id=self._started.call_id,
            tenant=self._keeper.tenant,
            tasks=tasks,
            shares=self._services.shares,
            meter=self._services.meter,
        )

    def _take_over(self, stream: MediaStream, taken: dict[str, Taken]) -> None:
        heard = [event for event in self._early if isinstance(event, Audio)]
        first_at = self._arrivals.first_at
        first_at_ms = posix_ms(time.monotonic() if first_at is None else first_at)
        places = {name: begin_ms(each, heard, first_at_ms=first_at_ms) for name, each in taken.items()}
        for lane in stream.lanes:
            if lane.name in taken:
                stream.take_over(lane.name, taken[lane.name], places[lane.name])
            elif taken:  # on the same clock as the others
                stream.begin_at(lane.name, next(iter(places.values())))

    def _begin(self, stream: MediaStream) -> None:
        self._stream = stream
        self.perform(stream.open(now=self._loop.time()))
        if self._succession is not None:  # so that there is something to go on with, should this process die at once
            self._succession.changed()
        # As they came: one track may be pieces ahead of the other, which are not to be given out without it.
        for is_audio, events in groupby(self._early, key=lambda event: isinstance(event, Audio)):
            if is_audio:
                self.hear_audio([event for event in events if isinstance(event, Audio)])
            else:
                for event in events:
                    self.hear(event)
        self._early.clear()
        if self._moves_within_s is not None:
            self.move_on(within_s=self._moves_within_s)

    def _recover(self, lost: Stopped) -> None:
        """Go on after the carrier's socket is gone: in another one, or to the last words."""
        self._lost = lost
        if self._succession is not None:
            self._succession.has_ended = True
            self.move_on(within_s=LOST_S)

    async def _move_on(self, succession: Succession, within_s: float) -> Moved:
        moved = await succession.move_on(within_s=within_s)
        if moved is Moved.HANDED_OVER:
            self._services.meter.count("hand_overs")
        elif self._lost is not None:
            self._stop(self._lost)
        return moved

    def _stop(self, stopped: Stopped) -> None:
        if self._stream is not None:
            self.perform(self._stream.hear(stopped, now=self._loop.time()))

    async def _keep_vigil(self, succession: Succession, stream: MediaStream) -> None:
        """Notice when nothing comes of the carrier any more, not even the end."""
        while not stream.is_over:
            await asyncio.sleep(QUIET_S / 4)
            quiet_s = 0.0 if stream.heard_at is None else self._loop.time() - stream.heard_at
            if quiet_s < QUIET_S or self._moving is not None:
                continue
            # Apart from this, which ends with the media stream, as the hand-over does not.
            self._moving = self._tasks.create_task(self._move_on(succession, LOST_S))
            await self._moved()
            moved, self._moving = self._moving.result(), None
            if moved is Moved.CALL_OVER or (moved is Moved.NOT and quiet_s >= QUIET_LIMIT_S):
                self._stop(Stopped(f"the carrier sent nothing for {quiet_s:.0f} s"))

    async def _moved(self) -> None:
        if self._moving is not None:
            await asyncio.wait({self._moving})

    def _link(self, number: int) -> GladiaLink:
        if number not in self._links:
            self._links[number] = GladiaLink(
                http=self._services.http,
                url=self._services.environment.gladia_url,
                api_key=self._services.keys.now.gladia,
                turnstile=self._turnstile(number),
                tasks=self._tasks,
                tell=lambda event: self._from_gladia(number, event),
            )
        return self._links[number]

    def _turnstile(self, number: int) -> Turnstile:
        name = "" if self._stream is None else self._stream.slot_name(number)
        return Turnstile(
            governor=self._services.governor,
            holder=f"{self._started.call_id}/{name}",
            tenant=self._keeper.tenant,
            wait_s=self._services.environment.slot_wait_s,
            waits=lambda taken: self._waits(number, taken),
        )

    def _waits(self, number: int, taken: int) -> None:
        if self._stream is not None:
            self.perform(self._stream.waits(number, taken))

    def _from_gladia(self, number: int, event: session.Event) -> None:
        if self._stream is not None:
            now = self._loop.time()
            effects = self._stream.from_gladia(number, event, now=now)
            # Most of what Gladia says is that it has a chunk, which only puts off what is waited for.
            if effects or not isinstance(event, session.Received) or now + SILENT_S < self._fires_at:
                self.perform(effects)
        if self._succession is not None and isinstance(event, session.SessionOpened):
            self._succession.changed()

    def _show(self) -> None:
        self._pacing_timer = None
        now = self._loop.time()
        if partials := self._pacing.take(now=now):
            self._audience.show(partials, after=self._writer.tail, now=now)
            if self._services.assistant is not None:
                about = self._hooks.partials(partials, now=now, at_ms=round(1000 * time.time()))
                self._services.assistant.ask(about, self._tasks)
        elif self._pacing.due is not None:
            self._pacing_timer = self._loop.call_at(self._pacing.due, self._show)

    def _ask_about(self, final: Utterance) -> None:
        if self._services.assistant is not None and self._stream is not None:
            about = self._hooks.final(final, party=self._stream.party, at_ms=round(1000 * time.time()))
            self._services.assistant.ask(about, self._tasks)

    def _time(self, final: Utterance) -> None:
        """Measure how long after it was said a final is there."""
        first_at = self._arrivals.first_at
        if self._stream is not None and first_at is not None:
            said_at = first_at + (final.end_ms - self._stream.begins_ms) / 1000
            self._services.meter.observe("final_s", max(0.0, time.monotonic() - said_at))

    def _set_timer(self) -> None:
        """See to it that the timer fires by the next deadline.

        Deadlines mostly move on, with each frame: a timer that is early finds that out when it fires.
        """
        deadline = None if self._stream is None else self._stream.deadline
        if deadline is not None and self._fires_at <= deadline:
            return
        if self._timer is not None:
            self._timer.cancel()
        # uvloop's timers don't always know when they fire.
        self._fires_at, self._timer = math.inf, None
        if deadline is not None:
            self._fires_at, self._timer = deadline, self._loop.call_at(deadline, self._wake)

    def _wake(self) -> None:
        self._fires_at, self._timer = math.inf, None
        if self._stream is not None:
            self.perform(self._stream.wake(now=self._loop.time()))

    def _say_closed(self, started: Started, stream: MediaStream) -> None:
        logger.info(
            "media stream closed",
            extra={
                "call_id": started.call_id,
                "media_stream": started.media_stream,
                "handed_over": self.handed_over,
                **stream.totals(),
                "malformed": dict(self.malformed),
                "log_delays": self._writer.delays,
                "partials_skipped": self._audience.skipped,
                "partials_failed": self._audience.failed,
            },
        )


def _is_audio(effect: Effect) -> bool:
    if not isinstance(effect, ToSession):
        return False
    command = effect.command
    return isinstance(command, session.Send) and isinstance(command.message, bytes)


def _offset_ms(call: Call, began: datetime) -> int:
    """Return where a media stream that `began` then stands on the call's clock: 0 for the call's first one."""
    if call.clock_at is None:
        return 0
    return max(0, round(1000 * (began - datetime.fromisoformat(call.clock_at)).total_seconds()))
