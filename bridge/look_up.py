"""What the call's log says when its media stream begins: the settings in force, and all that was written before."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

from bridge.aws import perform
from bridge.dynamodb import Dynamodb
from callscribe.call import Call
from callscribe.entries import CallStarted, Entry, timestamp
from callscribe.errors import MalformedMessage, Refused, Unavailable
from callscribe.log import Log
from callscribe.settings import CallSettings, NumberSettings, Then, settings_in_force

logger = logging.getLogger(__name__)

# A call waits no longer than this for its settings; its audio is kept meanwhile. Words that come some seconds late are
# better than a whole call under the wrong settings.
LOOK_UP_S = 10.0
AGAIN_S = 0.2
WITHOUT_SETTINGS = NumberSettings(then=Then(say=""))


async def look_up(client: Dynamodb, log: Log) -> list[Entry] | None:
    """Return the call's log so far, None if it can't be read: the call is transcribed all the same."""
    entries: list[Entry] = []
    try:
        async with asyncio.timeout(LOOK_UP_S):
            while True:
                try:
                    page = await perform(client, log.read(after=len(entries)))
                except Unavailable:
                    await asyncio.sleep(AGAIN_S)
                    continue
                if not page:
                    return entries
                entries += page
    except (TimeoutError, Refused, MalformedMessage):
        logger.warning("the call's log can't be read", extra={"call_id": log.call_id})
        return None


async def open_log(client: Dynamodb, log: Log, started: CallStarted, *, tenant: str) -> list[Entry] | None:
    """Return the call's first entry, `started` if it has none; None if that can't be told in time."""
    at = timestamp(datetime.now(UTC))
    try:
        async with asyncio.timeout(LOOK_UP_S):
            while True:
                try:
                    return [await perform(client, log.open(started, at=at, tenant=tenant, token=log.call_id))]
                except Unavailable:
                    await asyncio.sleep(AGAIN_S)
    except (TimeoutError, Refused, MalformedMessage):
        logger.warning("the call's log can't be opened", extra={"call_id": log.call_id})
        return None


def settings_of(call: Call) -> CallSettings:
    """Return the settings in force for `call`; defaults if its log doesn't say, or says what makes no sense."""
    if call.started is None or not call.started.settings:
        return WITHOUT_SETTINGS
    try:
        return settings_in_force(call.started.settings)
    except Refused:
        logger.warning("the call's settings can't be read")
        return WITHOUT_SETTINGS
