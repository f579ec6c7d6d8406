"""The adapter that has hooks asked: one invocation of a function each, lossy, never waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from bridge.aws import invoke
from bridge.meter import Meter
from bridge.turns import Turns
from callscribe.errors import Unavailable
from callscribe.hooks import Said

if TYPE_CHECKING:
    from types_aiobotocore_lambda import LambdaClient

# An invocation that nobody waits for takes some 20 ms to be taken; what takes longer than this is too late to help.
TURN_S = 1.0
INVOKE_S = 1.0


class Assistant:
    """The function that asks hooks, for all calls of the process; none of them has more than its share of turns."""

    def __init__(self, functions: LambdaClient, name: str, meter: Meter) -> None:
        """`name` is the function's."""
        self._functions = functions
        self._name = name
        self._meter = meter
        self._turns = Turns(at_once=16, each=4)

    def ask(self, about: Iterable[Said], tasks: asyncio.TaskGroup) -> None:
        """Have hooks asked about what was said; never waits."""
        for said in about:
            tasks.create_task(self._ask(said))

    async def _ask(self, said: Said) -> None:
        try:
            async with asyncio.timeout(TURN_S):
                await self._turns.enter(said.call_id)
        except TimeoutError:
            self._meter.count("hooks_skipped")
            return
        try:
            async with asyncio.timeout(INVOKE_S):
                await invoke(self._functions, self._name, msgspec.json.encode(said))
        except (Unavailable, TimeoutError):
            self._meter.count("hooks_failed")
        else:
            self._meter.count("hooks_asked")
        finally:
            self._turns.leave(said.call_id)
