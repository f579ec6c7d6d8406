"""The log of one call as it is written, and whether it has come to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bench.chaos.observation import Written
from callscribe.entries import CallEnded, CallFailed, LegEnded, LegStarted


class Watch:
    """Told each entry as it is put."""

    def __init__(self) -> None:
        self.log: list[Written] = []
        self._changed = asyncio.Event()

    def add(self, written: Written) -> None:
        """Take note of an entry."""
        self.log.append(written)
        self._changed.set()

    async def settled(self, legs: frozenset[str]) -> None:
        """Wait until the call has ended and each of `legs` as well: said, or failed before it began."""
        await self.until(lambda: self._is_settled(legs))

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until the log is such that it `holds`."""
        while not holds():
            self._changed.clear()
            await self._changed.wait()

    def _is_settled(self, legs: frozenset[str]) -> bool:
        bodies = [written.entry.body for written in self.log]
        begun = {body.leg for body in bodies if isinstance(body, LegStarted)}
        over = {body.leg for body in bodies if isinstance(body, LegEnded)}
        failed = {written.token for written in self.log if isinstance(written.entry.body, CallFailed)}
        streams_failed = {token.partition("/")[0] for token in failed}
        never_began = {leg for leg in legs - begun if leg.partition("/")[0] in streams_failed}
        return any(isinstance(body, CallEnded) for body in bodies) and legs <= over | never_began
