"""Asks the carrier for another media stream of a call, which goes to whichever task takes calls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from enum import Enum

from bridge.aws import perform
from bridge.carrier import Carrier
from bridge.dynamodb import Dynamodb
from callscribe.errors import Unavailable
from callscribe.media_address import media_stream_url
from callscribe.sessions import Sessions
from callscribe.twilio_rest import CallOver, StreamStarted, Track, carrying

# A media stream that was asked for is there within a second or two; whoever waits longer may ask again.
AGAIN_MS = 5_000
TIMES = 3


class Answer(Enum):
    """What came of it."""

    ASKED = "asked"
    ASKED_BEFORE = "asked before"  # by this task or another, a moment ago
    CALL_OVER = "call over"


class Recall:
    """The carrier's REST API, used once for a call in five seconds, whichever tasks want it."""

    def __init__(
        self,
        client: Dynamodb,
        sessions: Sessions,
        carrier: Carrier,
        *,
        task: str,
        media_url: str,
        key: Callable[[], str],
    ) -> None:
        """`media_url` is the bridge as carriers see it; `key` returns what signs the tickets for it."""
        self._client = client
        self._sessions = sessions
        self._carrier = carrier
        self._task = task
        self._media_url = media_url
        self._key = key

    async def ask(self, *, account: str, call_id: str, tenant: str, tracks: Iterable[str]) -> Answer:
        """Ask for a media stream with `tracks`. Raises Unavailable, Refused, or MalformedMessage."""
        now_ms = time.time_ns() // 1_000_000
        asking = self._sessions.ask(call_id, by=self._task, now_ms=now_ms, again_after_ms=AGAIN_MS)
        if not await perform(self._client, asking):
            return Answer.ASKED_BEFORE
        url = media_stream_url(self._media_url, tenant=tenant, call_id=call_id, key=self._key(), now_s=now_ms / 1000)
        started = await self._start(account, call_id, url=url, track=carrying(tracks))
        return Answer.CALL_OVER if isinstance(started, CallOver) else Answer.ASKED

    async def _start(self, account: str, call_id: str, *, url: str, track: Track) -> StreamStarted | CallOver:
        """Ask, a few times if the carrier is busy: whoever asks next has to wait, and the call with it."""
        for _ in range(TIMES - 1):
            try:
                return await self._carrier.start_stream(account, call_id, url=url, track=track)
            except Unavailable as error:
                if error.__cause__ is not None:  # the answer was lost, and a second media stream may be the result
                    raise
                await asyncio.sleep(error.retry_after_s)
        return await self._carrier.start_stream(account, call_id, url=url, track=track)

    async def dismiss(self, *, account: str, call_id: str, media_stream: str) -> None:
        """Let the carrier end a media stream that nobody hears any more. Raises as `ask`."""
        await self._carrier.stop_stream(account, call_id, media_stream)
