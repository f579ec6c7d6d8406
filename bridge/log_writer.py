"""Writes the entries of one media stream to its call's log, in the order in which they were decided."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bridge.aws import perform
from bridge.media_stream import Append
from callscribe.entries import timestamp
from callscribe.errors import Unavailable
from callscribe.log import Log

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

RETRY_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)  # then the last one again


@dataclass(frozen=True, slots=True)
class _Due:
    append: Append
    at: str


class LogWriter:
    """One writer of a log that others write too."""

    def __init__(self, client: DynamoDBClient, log: Log, *, tenant: str, tail: int | None) -> None:
        """`tail` is the last number known to be written; None if that could not be read."""
        self._client = client
        self._log = log
        self._tenant = tenant
        self._tail = tail
        self._due: asyncio.Queue[_Due | None] = asyncio.Queue()
        self.delays = 0

    @property
    def tail(self) -> int:
        """The last entry's number, as far as this writer knows."""
        return self._tail or 0

    def append(self, append: Append) -> None:
        """Write this after all before it; never waits."""
        self._due.put_nowait(_Due(append, timestamp(datetime.now(UTC))))

    def finish(self) -> None:
        """Nothing comes any more: end `run` once all is written."""
        self._due.put_nowait(None)

    async def run(self) -> None:
        """Write until `finish`."""
        while (due := await self._due.get()) is not None:
            await self._write(due)

    async def _write(self, due: _Due) -> None:
        tries = 0
        while True:
            steps = self._log.append(
                due.append.body, at=due.at, tenant=self._tenant, token=due.append.token, tail=self._tail
            )
            try:
                self._tail = (await perform(self._client, steps)).seq
            except Unavailable:
                self.delays += 1
                await asyncio.sleep(RETRY_S[min(tries, len(RETRY_S) - 1)])
                tries += 1
            else:
                return
