"""The secrets of the process: read at start and every few minutes, so that they can be replaced while calls are on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from bridge.door import Door
from bridge.environment import Environment
from callscribe.errors import Refused

logger = logging.getLogger(__name__)

EVERY_S = 240.0  # what is put in now is known everywhere five minutes later

Read = Callable[[str], Awaitable[Mapping[str, str]]]
"""Returns the fields of a secret by its name. Raises Refused if it can't be read or is no JSON object of strings."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What the secrets hold. Of those that are being replaced the first is used, and each is taken."""

    gladia: str = field(repr=False)
    auth_tokens: tuple[str, ...] = field(repr=False)
    signing: tuple[str, ...] = field(repr=False)

    @classmethod
    async def read(cls, read: Read, environment: Environment) -> Self:
        """Return what the secrets hold now. Raises Refused, naming the secret that lacks something."""
        gladia = await read(environment.gladia_secret)
        twilio = await read(environment.twilio_secret)
        signing = await read(environment.signing_secret)
        return cls(
            gladia=_required(gladia, "api_key", environment.gladia_secret),
            auth_tokens=_each(twilio, "auth_token", "previous_auth_token", environment.twilio_secret),
            signing=_each(signing, "current", "previous", environment.signing_secret),
        )

    def door(self, door: Door) -> Door:
        """Return `door` with these keys."""
        return replace(door, signing_keys=self.signing, auth_tokens=self.auth_tokens)


class KeyRing:
    """The keys that are in force."""

    def __init__(self, keys: Keys, read: Callable[[], Awaitable[Keys]], *, every_s: float = EVERY_S) -> None:
        """`read` returns what the secrets hold; raises Refused."""
        self.now = keys
        self._read = read
        self._every_s = every_s

    async def run(self, changed: Callable[[Keys], None]) -> None:
        """Read the secrets time and again, until cancelled; tell `changed` when they are others."""
        while True:
            await asyncio.sleep(self._every_s)
            try:
                keys = await self._read()
            except Refused as error:
                # Those that were good stay so: a secret that can't be read is no reason to turn calls away.
                logger.warning("keys stay as they are", extra={"reason": str(error)})
                continue
            if keys != self.now:
                self.now = keys
                changed(keys)
                logger.info("keys replaced")


def _required(secret: Mapping[str, str], name: str, of: str) -> str:
    if not secret.get(name):
        raise Refused(f"the secret {of} has no {name}")
    return secret[name]


def _each(secret: Mapping[str, str], name: str, older: str, of: str) -> tuple[str, ...]:
    """Return the value in force and, while it is being replaced, the one before."""
    current = _required(secret, name, of)
    return (current, secret[older]) if secret.get(older) else (current,)
