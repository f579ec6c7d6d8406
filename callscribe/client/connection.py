"""The adapter between a link and its WebSocket: connects, again and again, and does what the link says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from callscribe.client.errors import CannotFollow
from callscribe.client.link import Link, Seen
from callscribe.errors import Unavailable

# API Gateway sends at most 128 KB a message.
MESSAGE_LIMIT_BYTES = 128 * 1024
OPEN_S = 15.0
CLOSE_S = 2.0
# Who could never connect in so many attempts is told why; whoever was connected once comes back, however long it takes.
# A ticket that was just made opens a connection: when so many in a row did not, they never will.
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave to connect: the address with the ticket in it, a secret, and how many seconds it lasts."""

    url: str = field(repr=False)
    lasts_s: float


Fetch = Callable[[], Awaitable[Leave]]  # raises Unavailable, CannotFollow


async def happenings(link: Link, fetch: Fetch) -> AsyncGenerator[Seen, None]:
    """Give what is seen on `link`, for ever, over as many connections as it takes. Raises CannotFollow."""
    failures = refusals = 0
    was_connected = False
    while True:
        why = "the push service can't be reached"
        try:
            leave = await fetch()
            async with _connection(leave) as socket:
                was_connected, refusals = True, 0
                async for seen in _on(socket, link, leave.lasts_s):
                    yield seen
        except Unavailable as error:
            why = str(error)
        except InvalidStatus as error:
            status = error.response.status_code
            why = f"the push service answered {status}"
            refusals += status in {401, 403}
        except InvalidURI:
            raise CannotFollow("the push service's address is none") from None
        except (OSError, TimeoutError, InvalidHandshake, ConnectionClosed):
            pass  # another connection goes on where this one was
        failures += 1
        if refusals == ATTEMPTS or (failures == ATTEMPTS and not was_connected):
            raise CannotFollow(why)
        await asyncio.sleep(link.lost())


def _connection(leave: Leave) -> connect:
    return connect(
        leave.url,
        max_size=MESSAGE_LIMIT_BYTES,
        compression=None,
        open_timeout=OPEN_S,
        close_timeout=CLOSE_S,
        ping_interval=None,  # the link has a ping of its own, which API Gateway takes for a sign of life
        proxy=None,
    )


async def _on(socket: ClientConnection, link: Link, lasts_s: float) -> AsyncGenerator[Seen, None]:
    """Give what is seen on one connection, until it is spent. Raises ConnectionClosed."""
    clock = asyncio.get_running_loop().time
    for text in link.opened(now=clock(), lasts_s=lasts_s):
        await socket.send(text)
    while not link.is_spent(clock()):
        try:
            async with asyncio.timeout_at(link.deadline):
                frame = await socket.recv()
        except TimeoutError:
            for text in link.wake(now=clock()):
                await socket.send(text)
            continue
        said = link.received(frame, now=clock())
        for text in said.send:
            await socket.send(text)
        for seen in said.seen:
            yield seen
