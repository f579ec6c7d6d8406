"""The adapter that shows partials to a call's subscribers: lossy, newest only, never waited for."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from bridge.aws import perform
from bridge.connections import Connections
from bridge.dynamodb import Dynamodb
from bridge.meter import Meter
from bridge.telling import Partial
from bridge.turns import Turns
from callscribe.errors import Refused, SubscriberGone, Unavailable
from callscribe.messages import PartialMessage
from callscribe.subscriptions import Subscription, Subscriptions

# How soon someone who joins sees partials; finals do not wait for this. While DynamoDB can't answer it is asked less
# and less.
REFRESH_S = 1.0
LAST_REFRESH_S = 30.0
# A post takes 10 to 50 ms, and a partial is replaced four times a second: what takes longer than this shows nobody
# anything.
TURN_S = 1.0
POST_S = 1.0
# A subscriber who could not be posted to is left alone for so long, and twice as long each time.
FIRST_REST_S = 1.0
LAST_REST_S = 8.0


@dataclass(frozen=True, slots=True)
class Shares:
    """What the audiences of one process share; fewer posts than the 100 connections to their service.

    64 under way at 50 ms each are 1,280 posts a second, what 320 subscribers are shown: more than the calls of a core
    have, so that some may hang. With 16 of them a call reaches 80 in the 250 ms that a partial lasts. Those that failed
    the last time have 8 turns among all calls, so that however many are dead, none of them is ahead of one that lives.
    """

    posts: Turns = field(default_factory=lambda: Turns(at_once=64, each=16))
    doubtful_posts: Turns = field(default_factory=lambda: Turns(at_once=8, each=2))
    refreshes: Turns = field(default_factory=lambda: Turns(at_once=16, each=1))


@dataclass(slots=True)
class _Follower:
    connection_id: str
    busy: bool = False
    failures: int = 0  # in a row
    rests_until: float = float("-inf")


class Audience:
    """The subscribers of one call, as they were a moment ago."""

    def __init__(
        self,
        *,
        dynamodb: Dynamodb,
        connections: Connections,
        subscriptions: Subscriptions,
        call_id: str,
        tenant: str,
        tasks: asyncio.TaskGroup,
        shares: Shares | None = None,
        meter: Meter | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`shares` are the process's; without them this audience has shares of its own. `jitter` is from 0 to 1."""
        self._dynamodb = dynamodb
        self._connections = connections
        self._subscriptions = subscriptions
        self._call_id = call_id
        self._tenant = tenant
        self._tasks = tasks
        self._shares = shares or Shares()
        self._meter = meter or Meter()
        self._jitter = jitter
        self._followers: dict[str, _Follower] = {}
        self._gone: set[str] = set()
        self._frame = b""  # the newest
        self._now = 0.0  # when it was made
        self._refresh_at = float("-inf")
        self._refreshing = False
        self._refresh_failures = 0  # in a row
        self._known = False  # whether the subscribers were ever asked for
        self.shown = 0
        self.skipped = 0
        self.failed = 0

    def show(self, partials: list[Partial], *, after: int, now: float) -> None:
        """Post `partials` to every subscriber that is not still busy with others, or resting; never waits.

        `after` is the number of the last entry that was written when this was said.
        """
        self._frame = b"\n".join(msgspec.json.encode(self._message(partial, after)) for partial in partials)
        self._now = now
        if now >= self._refresh_at and not self._refreshing:
            self._refreshing = True
            self._tasks.create_task(self._refresh())
        if self._known:
            self._post()
        # Otherwise the first refresh does.

    def _post(self) -> None:
        for follower in self._followers.values():
            if follower.busy or self._now < follower.rests_until:
                self._skip()
            else:
                follower.busy = True
                self._tasks.create_task(self._post_to(follower))

    def _message(self, partial: Partial, after: int) -> PartialMessage:
        return PartialMessage(
            call_id=self._call_id,
            leg=partial.leg,
            party=partial.party,
            id=partial.id,
            text=partial.text,
            start_ms=partial.start_ms,
            end_ms=partial.end_ms,
            after=after,
        )

    async def _post_to(self, follower: _Follower) -> None:
        turns = self._shares.doubtful_posts if follower.failures else self._shares.posts
        try:
            async with asyncio.timeout(TURN_S):
                await turns.enter(self._call_id)
        except TimeoutError:
            self._skip()
            follower.busy = False
            return
        try:
            async with asyncio.timeout(POST_S):
                await self._connections.post(follower.connection_id, self._frame)
        except SubscriberGone:
            self._gone.add(follower.connection_id)
            self._followers.pop(follower.connection_id, None)
        except (Unavailable, TimeoutError):
            follower.failures += 1
            follower.rests_until = self._now + self._rest_s(follower.failures)
            self.failed += 1
            self._meter.count("partials_failed")
        else:
            follower.failures = 0
            self.shown += 1
            self._meter.count("partials_shown")
        finally:
            turns.leave(self._call_id)
            follower.busy = False

    def _skip(self) -> None:
        self.skipped += 1
        self._meter.count("partials_skipped")

    def _rest_s(self, failures: int) -> float:
        longest_s: float = min(LAST_REST_S, FIRST_REST_S * 2 ** min(failures - 1, 16))
        return longest_s * (0.5 + self._jitter() / 2)

    async def _refresh(self) -> None:
        try:
            async with asyncio.timeout(TURN_S):
                await self._shares.refreshes.enter(self._call_id)
        except TimeoutError:
            self._refreshed()
            return
        try:
            found = await perform(self._dynamodb, self._subscriptions.of_call(self._call_id, now_s=time.time()))
        except (Unavailable, Refused):
            self._refresh_failures += 1
        else:
            self._refresh_failures = 0
            self._meet(found)
        finally:
            self._shares.refreshes.leave(self._call_id)
        self._refreshed()

    def _refreshed(self) -> None:
        # Not all calls that began together ask together for ever.
        interval_s = min(LAST_REFRESH_S, REFRESH_S * 2 ** min(self._refresh_failures, 16))
        self._refresh_at = self._now + interval_s * (0.75 + self._jitter() / 2)
        self._refreshing = False
        if not self._known:
            self._known = True
            self._post()

    def _meet(self, found: list[Subscription]) -> None:
        """Go on with the subscribers that were found; the table may not know yet who is gone."""
        ids = [each.connection_id for each in found if each.tenant == self._tenant]
        self._gone.intersection_update(ids)
        self._followers = {each: self._followers.get(each) or _Follower(each) for each in ids if each not in self._gone}
