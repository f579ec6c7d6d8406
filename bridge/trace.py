"""What X-Ray is told of a media stream, so that a call's webhook, audio and pushes are found together by its id.

Source: AWS X-Ray, "AWS X-Ray segment documents" and PutTraceSegments.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

logger = logging.getLogger(__name__)

TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One media stream, from its first message to its last entry; times are seconds since 1970."""

    call_id: str
    media_stream: str
    began_s: float
    ended_s: float
    totals: Mapping[str, float]  # counts and sums alone
    failed: bool = False

    def segment(self) -> str:
        """Return the segment document of a trace of its own: what Twilio opens carries no trace header."""
        document = {
            "name": "bridge",
            "id": secrets.token_hex(8),
            "trace_id": f"1-{int(self.began_s):08x}-{secrets.token_hex(12)}",
            "start_time": self.began_s,
            "end_time": self.ended_s,
            "annotations": {"call_id": self.call_id, "media_stream": self.media_stream},
            "metadata": {"callscribe": dict(self.totals)},
            "fault": self.failed,
        }
        return msgspec.json.encode(document).decode()


class Traces:
    """Tells X-Ray, and waits for nothing: a trace that is lost is no loss to a call."""

    def __init__(self, xray: Any) -> None:
        """`xray` is aiobotocore's client, or None where there is no X-Ray."""
        self._xray = xray
        self._telling: set[asyncio.Task[None]] = set()

    def tell(self, heard: Heard) -> None:
        """Begin to tell; never waits."""
        if self._xray is not None:
            task = asyncio.create_task(self._tell(heard.segment()))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def told(self) -> None:
        """Wait until all that was begun has been told, or could not be."""
        if self._telling:
            await asyncio.wait(self._telling)

    async def _tell(self, segment: str) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer = await self._xray.put_trace_segments(TraceSegmentDocuments=[segment])
        except (BotoCoreError, ClientError, TimeoutError) as error:
            logger.warning("a trace is lost", extra={"reason": type(error).__name__})
            return
        for refused in answer.get("UnprocessedTraceSegments", []):
            logger.warning("a trace is refused", extra={"reason": refused.get("ErrorCode")})
