"""The adapter that shows partials to a call's subscribers: lossy, newest only, never waited for."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import msgspec

from bridge.aws import perform, post
from bridge.media_stream import Partial
from callscribe.errors import SubscriberGone, Unavailable
from callscribe.messages import PartialMessage
from callscribe.subscriptions import Subscription, Subscriptions

if TYPE_CHECKING:
    from types_aiobotocore_apigatewaymanagementapi import ApiGatewayManagementApiClient
    from types_aiobotocore_dynamodb import DynamoDBClient

# How soon someone who joins sees partials; finals do not wait for this.
REFRESH_S = 1.0
# A post takes 10 to 50 ms; a connection that needs longer is out of the running until it is done.
POST_TIMEOUT_S = 2.0


class Audience:
    """The subscribers of one call, as they were a moment ago."""

    def __init__(
        self,
        *,
        dynamodb: DynamoDBClient,
        connections: ApiGatewayManagementApiClient,
        subscriptions: Subscriptions,
        call_id: str,
        tenant: str,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._dynamodb = dynamodb
        self._connections = connections
        self._subscriptions = subscriptions
        self._call_id = call_id
        self._tenant = tenant
        self._tasks = tasks
        self._subscribers: list[Subscription] = []
        self._busy: set[str] = set()
        self._refreshed_at = float("-inf")
        self._refreshing = False
        self.skipped = 0
        self.failed = 0

    def show(self, partials: list[Partial], *, after: int, now: float) -> None:
        """Post `partials` to every subscriber that is not still busy with the last ones; never waits.

        `after` is the number of the last entry that was written when this was said.
        """
        if now - self._refreshed_at >= REFRESH_S and not self._refreshing:
            self._refreshing = True
            self._tasks.create_task(self._refresh(partials, after))
            if self._refreshed_at == float("-inf"):
                return  # the first refresh shows them
        self._post(partials, after)

    def _post(self, partials: list[Partial], after: int) -> None:
        frame = b"\n".join(msgspec.json.encode(self._message(partial, after)) for partial in partials)
        for subscriber in self._subscribers:
            if subscriber.connection_id in self._busy:
                self.skipped += 1
            else:
                self._busy.add(subscriber.connection_id)
                self._tasks.create_task(self._post_to(subscriber, frame))

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

    async def _post_to(self, subscriber: Subscription, frame: bytes) -> None:
        try:
            async with asyncio.timeout(POST_TIMEOUT_S):
                await post(self._connections, subscriber.connection_id, frame)
        except SubscriberGone:
            self._subscribers = [each for each in self._subscribers if each != subscriber]
        except (Unavailable, TimeoutError):
            self.failed += 1
        finally:
            self._busy.discard(subscriber.connection_id)

    async def _refresh(self, first: list[Partial], after: int) -> None:
        steps = self._subscriptions.of_call(self._call_id, now_s=time.time())
        is_first = self._refreshed_at == float("-inf")
        try:
            async with asyncio.timeout(POST_TIMEOUT_S):
                found = await perform(self._dynamodb, steps)
            self._subscribers = [each for each in found if each.tenant == self._tenant]
        except (Unavailable, TimeoutError):
            self.failed += 1
        finally:
            self._refreshed_at = asyncio.get_running_loop().time()
            self._refreshing = False
        if is_first:
            self._post(first, after)
