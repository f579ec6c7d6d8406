"""The adapter that ends the log of a call of which no webhook tells: once its last media stream is over."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from bridge.aws import perform
from bridge.dynamodb import Dynamodb
from bridge.look_up import look_up
from callscribe.call import fold
from callscribe.entries import CallEnded, Utterance, timestamp
from callscribe.errors import MalformedMessage, Refused, Unavailable
from callscribe.log import Log
from callscribe.sessions import Sessions

logger = logging.getLogger(__name__)

# A party that is transferred, or a fork that is opened anew, is back within so long.
LINGER_S = 3.0
TOKEN = "call.ended"  # noqa: S105 - names the fact


async def end_call(client: Dynamodb, sessions: Sessions, log: Log, *, tenant: str, at: datetime) -> None:
    """Write that the call ended `at`, unless somebody still hears a lane of it, or has written so.

    What can't be written now, the sweep writes.
    """
    await asyncio.sleep(LINGER_S)
    try:
        if await perform(client, sessions.find(log.call_id)):
            return
        entries = await look_up(client, log)
        call = fold(entries or [])
        if entries is None or call.ended is not None:
            return
        said_ms = [entry.body.end_ms for entry in entries if isinstance(entry.body, Utterance)]
        began = at if call.clock_at is None else datetime.fromisoformat(call.clock_at)
        duration_ms = round(1000 * (at - began).total_seconds())
        ended = CallEnded(reason="completed", duration_ms=max([0, duration_ms, *said_ms]))
        await perform(client, log.append(ended, at=timestamp(at), tenant=tenant, token=TOKEN, tail=call.seq))
    except (Unavailable, Refused, MalformedMessage) as error:
        logger.warning("the call's end is left to the sweep", extra={"call_id": log.call_id, "reason": str(error)})
