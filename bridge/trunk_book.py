"""The adapter that asks the table of keys who a trunk is, and remembers it for a while: PBXs try again at once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Mapping

from bridge.aws import perform
from bridge.door import TurnedAway
from bridge.dynamodb import Dynamodb
from bridge.origin import Origin
from bridge.trunk_door import Refusals, Shown, admit, certified, shown
from callscribe.errors import MalformedMessage, Refused, Unavailable
from callscribe.trunks import Trunk, Trunks

logger = logging.getLogger(__name__)

# What is revoked is turned away so much later, and a new secret is known.
FRESH_S = 10.0
# While the table is out of reach, whoever was let in before is let in: the call would be lost for good.
STALE_S = 600.0
# Who is wrong by what is known may be right by now, with a trunk or a secret that is new.
NEWS_S = 1.0
MOST = 1000
ATTEMPT_S = 2.0


class TrunkBook:
    """The trunks that this process was asked about."""

    def __init__(self, client: Dynamodb, table: str) -> None:
        self._client = client
        self._trunks = Trunks(table)
        self._known: OrderedDict[str, tuple[Trunk | None, float]] = OrderedDict()  # and when that was so
        self._refusals = Refusals()

    async def admit(
        self, path: str, headers: Mapping[str, str], *, address: str, is_certified: bool = False
    ) -> Origin | TurnedAway:
        """Return who asks for a media socket at `path`, without its query, from `address`; or why there is none.

        With `is_certified`, `headers` come from a balancer that has checked the client certificate they tell.
        """
        request = (certified if is_certified else shown)(path, headers)
        return request if isinstance(request, TurnedAway) else await self.let_in(request, address=address)

    async def let_in(self, request: Shown, *, address: str) -> Origin | TurnedAway:
        """Return who it is that shows this, from `address`; or why it may not go on."""
        now_s = time.monotonic()
        known = self._fresh(request.trunk)
        if known is not None and admit(known, request, address=address, now_s=time.time()) is None:
            return Origin(request.dialect, trunk=known)  # whoever guesses at the same address
        if self._refusals.is_too_many(address, now_s=now_s):
            return TurnedAway(429, "too many wrong credentials")
        try:
            trunk = await self._find(request.trunk)
        except (Unavailable, Refused):
            return TurnedAway(503, "trunks can't be looked up")
        except MalformedMessage:
            return TurnedAway(503, "the trunk makes no sense")
        refused = admit(trunk, request, address=address, now_s=time.time())
        if refused is not None:
            self._refusals.count(address, now_s=now_s)
            return refused
        return Origin(request.dialect, trunk=trunk)

    def _fresh(self, name: str) -> Trunk | None:
        """Return the trunk as it was known a moment ago."""
        trunk, at_s = self._known.get(name, (None, -STALE_S))
        return trunk if time.monotonic() - at_s < FRESH_S else None

    async def _find(self, name: str) -> Trunk | None:
        now_s = time.monotonic()
        trunk, at_s = self._known.get(name, (None, -STALE_S))
        if now_s - at_s < NEWS_S:
            return trunk
        try:
            async with asyncio.timeout(ATTEMPT_S):
                trunk = await perform(self._client, self._trunks.find(name))
        except (Unavailable, TimeoutError) as error:
            if trunk is None or now_s - at_s > STALE_S:
                raise Unavailable("dynamodb: no answer in time") from error
            logger.warning("a trunk is taken to be as it was", extra={"trunk": name})
            return trunk
        self._known[name] = (trunk, now_s)
        self._known.move_to_end(name)
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return trunk


def address_of(forwarded: list[str], peer: str, *, hops: int) -> str:
    """Return where a request came from: what the last of `hops` trusted proxies saw, `peer` if there are none.

    Each proxy adds whom it saw at the end of `X-Forwarded-For`, all of whose fields are `forwarded`; what stands
    before that anybody may have written.
    """
    if not hops:
        return peer
    seen = [each.strip() for field in forwarded for each in field.split(",")]
    return seen[-hops] if len(seen) >= hops else ""
