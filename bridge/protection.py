"""Keeps this task from being stopped while it has calls, unless it is to make room for another revision.

Scaling in passes by tasks that have calls. A deployment must not: with calls coming all the time, a protected task
would never be empty, and the deployment never end. What ECS does once the new tasks are well costs no call anything: it
takes the task from the load balancer and sends SIGTERM, and the calls are handed over.

Source: Amazon ECS, "Task scale-in protection endpoint".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

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
        self,
        http: aiohttp.ClientSession,
        agent_url: str,
        live: Callable[[], int],
        is_superseded: Callable[[], Awaitable[bool]],
        *,
        look_s: float = LOOK_S,
    ) -> None:
        """`live` tells how many calls there are, `is_superseded` whether another revision is deployed."""
        self._http = http
        self._url = f"{agent_url}/task-protection/v1/state" if agent_url else ""
        self._live = live
        self._is_superseded = is_superseded
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
        is_needed = self._live() > 0 and not await self._is_superseded()
        if is_needed and (not self._is_protected or now >= self._renew_at):
            if await self._put({"ProtectionEnabled": True, "ExpiresInMinutes": MINUTES}):
                self._is_protected, self._renew_at = True, now + RENEW_S
        elif not is_needed and self._is_protected and await self._put({"ProtectionEnabled": False}):
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
