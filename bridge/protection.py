"""Keeps this task from being stopped by a deployment or by scaling in while it has calls.

Source: Amazon ECS, "Task scale-in protection endpoint".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import aiohttp

logger = logging.getLogger(__name__)

LOOK_S = 5.0
# Renewed long before it ends, and short enough that a task which hangs does not stay for hours.
MINUTES = 30
RENEW_S = 600.0
TIMEOUT_S = 5.0


class Protection:
    """The protection of one task, as long as it has calls. Outside ECS, where there is no agent, it does nothing."""

    def __init__(
        self, http: aiohttp.ClientSession, agent_url: str, live: Callable[[], int], *, look_s: float = LOOK_S
    ) -> None:
        """`live` tells how many calls there are."""
        self._http = http
        self._url = f"{agent_url}/task-protection/v1/state" if agent_url else ""
        self._live = live
        self._look_s = look_s
        self._is_protected = False
        self._renew_at = 0.0
        self.failed = 0

    async def run(self) -> None:
        """Protect, renew and lift until cancelled."""
        while self._url:
            await self.look()
            await asyncio.sleep(self._look_s)

    async def look(self) -> None:
        """Do what is due now."""
        now = asyncio.get_running_loop().time()
        has_calls = self._live() > 0
        if has_calls and (not self._is_protected or now >= self._renew_at):
            if await self._put({"ProtectionEnabled": True, "ExpiresInMinutes": MINUTES}):
                self._is_protected, self._renew_at = True, now + RENEW_S
        elif not has_calls and self._is_protected and await self._put({"ProtectionEnabled": False}):
            self._is_protected = False

    async def _put(self, state: dict[str, bool | int]) -> bool:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            async with self._http.put(self._url, json=state, timeout=timeout) as response:
                await response.read()
                done = response.ok
        except (aiohttp.ClientError, TimeoutError):
            done = False
        if not done:
            # The agent limits how often it is asked; the next look tries again.
            self.failed += 1
            logger.warning("the task's protection can't be set", extra={"failed": self.failed})
        return done
