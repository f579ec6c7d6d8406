"""How late this process was: on a full machine a run tests deadlines, and not what becomes of faults."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Self

_EVERY_S = 0.1


class Lateness:
    """Measures, while it is entered, how much later than asked the event loop comes back."""

    def __init__(self) -> None:
        self.worst_s = 0.0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin."""
        self._task = asyncio.create_task(self._measure())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Measure no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _measure(self) -> None:
        time = asyncio.get_running_loop().time
        while True:
            due = time() + _EVERY_S
            await asyncio.sleep(_EVERY_S)
            self.worst_s = max(self.worst_s, time() - due)
