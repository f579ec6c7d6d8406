"""The adapter that drives one media stream: events in from carrier and Gladia, effects out, deadlines kept."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import aiohttp

from bridge import session_events as session
from bridge.audience import Audience
from bridge.aws import perform
from bridge.dialects.events import DialectEvent, Started
from bridge.environment import Environment
from bridge.gladia_link import GladiaLink
from bridge.log_writer import LogWriter
from bridge.media_stream import Effect, MediaStream, ToSession
from bridge.pacing import Pacing
from bridge.telling import Append, Partial
from callscribe.call import Call, fold
from callscribe.entries import CallStarted, Entry, Utterance
from callscribe.errors import Refused, Unavailable
from callscribe.log import Log
from callscribe.settings import NumberSettings, Then, settings_in_force
from callscribe.subscriptions import Subscriptions
from callscribe.tickets import Ticket

if TYPE_CHECKING:
    from types_aiobotocore_apigatewaymanagementapi import ApiGatewayManagementApiClient
    from types_aiobotocore_dynamodb import DynamoDBClient

logger = logging.getLogger(__name__)

# A call waits no longer than this for its settings; its audio is kept meanwhile. Words that come some seconds late are
# better than a whole call under the wrong settings.
LOOK_UP_S = 10.0
LOOK_UP_AGAIN_S = 0.2
WITHOUT_SETTINGS = NumberSettings(then=Then(say=""))


@dataclass(frozen=True, slots=True)
class Services:
    """What all relays of a process share."""

    environment: Environment
    dynamodb: DynamoDBClient
    connections: ApiGatewayManagementApiClient
    http: aiohttp.ClientSession
    gladia_key: str


class Relay:
    """One media stream of one call, from its `start` to the last entry written."""

    def __init__(self, services: Services, ticket: Ticket) -> None:
        self._services = services
        self._ticket = ticket
        self._early: list[DialectEvent] = []
        self._stream: MediaStream | None = None
        self._links: dict[int, GladiaLink] = {}
        self._pacing = Pacing()
        self._closed = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._pacing_timer: asyncio.TimerHandle | None = None
        self.malformed: Counter[str] = Counter()

    async def run(self, started: Started) -> None:
        """Relay until the last word of the media stream is in the log. One bad call ends this and nothing else."""
        self._loop = asyncio.get_running_loop()
        log = Log(self._services.environment.calls_table, started.call_id)
        entries = await self._look_up(log)
        call = fold(entries or [])
        logger.info("media stream opened", extra={"call_id": started.call_id, "media_stream": started.media_stream})
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self._writer = LogWriter(
                self._services.dynamodb,
                log,
                tenant=self._ticket.tenant,
                tail=None if entries is None else call.seq,
            )
            writing = tasks.create_task(self._writer.run())
            self._audience = Audience(
                dynamodb=self._services.dynamodb,
                connections=self._services.connections,
                subscriptions=Subscriptions(self._services.environment.subscriptions_table),
                call_id=started.call_id,
                tenant=self._ticket.tenant,
                tasks=tasks,
            )
            if entries is not None and call.started is None:
                self._writer.append(_opening(started))
            self._begin(started, call)
            await self._closed.wait()
            if self._pacing_timer is not None:
                self._pacing_timer.cancel()
            self._writer.finish()
            await writing
        self._say_closed(started, self._begun)

    def hear(self, event: DialectEvent) -> None:
        """Take what the carrier sends; never waits."""
        if self._closed.is_set():
            return  # the transcript has ended, well or not, and nobody writes its log here any more
        if self._stream is None:
            self._early.append(event)
        elif not isinstance(event, Started):
            self._perform(self._stream.hear(event, now=self._loop.time()))

    def _begin(self, started: Started, call: Call) -> None:
        self._begun = stream = MediaStream(
            started,
            self._settings(call),
            direction=call.started.direction if call.started else "inbound",
            offset_ms=_offset_ms(call),
            jitter=random.random,
        )
        self._stream = stream
        self._perform(stream.open())
        for event in self._early:
            self.hear(event)
        self._early.clear()

    async def _look_up(self, log: Log) -> list[Entry] | None:
        """Return the call's log so far, None if it can't be read: the call is transcribed all the same."""
        entries: list[Entry] = []
        try:
            async with asyncio.timeout(LOOK_UP_S):
                while True:
                    try:
                        page = await perform(self._services.dynamodb, log.read(after=len(entries)))
                    except Unavailable:
                        await asyncio.sleep(LOOK_UP_AGAIN_S)
                        continue
                    if not page:
                        return entries
                    entries += page
        except TimeoutError:
            logger.warning("the call's log can't be read", extra={"call_id": log.call_id})
            return None

    def _settings(self, call: Call) -> NumberSettings:
        if call.started is None or not call.started.settings:
            return WITHOUT_SETTINGS
        try:
            return settings_in_force(call.started.settings)
        except Refused:
            logger.warning("the call's settings can't be read")
            return WITHOUT_SETTINGS

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case ToSession(number=number, command=command):
                    self._link(number).perform(command)
                case Append(body=body):
                    if isinstance(body, Utterance):
                        self._pacing.settle(body.id)
                    self._writer.append(effect)
                case Partial():
                    self._pacing.offer(effect)
                    if self._pacing_timer is None:
                        self._show()
        self._set_timer()
        if self._stream is not None and self._stream.closed:
            self._closed.set()

    def _link(self, number: int) -> GladiaLink:
        if number not in self._links:
            self._links[number] = GladiaLink(
                http=self._services.http,
                url=self._services.environment.gladia_url,
                api_key=self._services.gladia_key,
                tasks=self._tasks,
                tell=lambda event: self._from_gladia(number, event),
            )
        return self._links[number]

    def _from_gladia(self, number: int, event: session.Event) -> None:
        if self._stream is not None:
            self._perform(self._stream.from_gladia(number, event, now=self._loop.time()))

    def _show(self) -> None:
        self._pacing_timer = None
        now = self._loop.time()
        if partials := self._pacing.take(now=now):
            self._audience.show(partials, after=self._writer.tail, now=now)
        elif self._pacing.due is not None:
            self._pacing_timer = self._loop.call_at(self._pacing.due, self._show)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._stream is not None and self._stream.deadline is not None:
            self._timer = self._loop.call_at(self._stream.deadline, self._wake)

    def _wake(self) -> None:
        if self._stream is not None:
            self._perform(self._stream.wake(now=self._loop.time()))

    def _say_closed(self, started: Started, stream: MediaStream) -> None:
        logger.info(
            "media stream closed",
            extra={
                "call_id": started.call_id,
                "media_stream": started.media_stream,
                **stream.totals(),
                "malformed": dict(self.malformed),
                "log_delays": self._writer.delays,
                "partials_skipped": self._audience.skipped,
                "partials_failed": self._audience.failed,
            },
        )


def _opening(started: Started) -> Append:
    """Return the entry that opens a call of which no webhook has told, with what the media stream knows of it."""
    body = CallStarted(
        provider="twilio",
        direction="inbound",
        account=started.account,
        from_number="",
        to_number="",
        metadata=started.parameters,
        settings={},
    )
    return Append(body, started.call_id)


def _offset_ms(call: Call) -> int:
    """Return where a media stream that begins now stands on the call's clock: 0 for the call's first one."""
    if call.first_leg_at is None:
        return 0
    return max(0, round((datetime.now(UTC) - datetime.fromisoformat(call.first_leg_at)).total_seconds() * 1000))
