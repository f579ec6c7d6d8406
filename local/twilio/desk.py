"""Twilio's REST API at a fixed port, for all calls that this process places meanwhile."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence

from local.twilio.account import Account, Number
from local.twilio.rest import RestServer
from local.twilio.switchboard import Switchboard


class Desk:
    """Answers while anybody is at it: the first who comes opens it, the last who goes closes it."""

    def __init__(self) -> None:
        self._switchboard = Switchboard()
        self._present = 0
        self._server = contextlib.AsyncExitStack()

    @contextlib.asynccontextmanager
    async def open(self, account: Account, port: int, *, numbers: Sequence[Number] = ()) -> AsyncIterator[Switchboard]:
        """Give the switchboard to place calls through; `numbers` are those of the account, said by who opens it.

        If the port is taken, another process answers for its own calls, and nobody for these.
        """
        self._present += 1
        try:
            if self._present == 1:
                server = RestServer(account, self._switchboard, port=port, numbers=numbers)
                with contextlib.suppress(OSError):
                    await self._server.enter_async_context(server)
            yield self._switchboard
        finally:
            self._present -= 1
            if not self._present:
                await self._server.aclose()


DESK = Desk()
