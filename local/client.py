"""Follow a call over the push service: entries in order, none missing and none twice, partials in between."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI

from callscribe.entries import Entry
from callscribe.following import Following
from callscribe.messages import (
    EntryMessage,
    ErrorMessage,
    Message,
    PartialMessage,
    Replay,
    ReplayedMessage,
    Subscribe,
    decode_frame,
    encode_action,
    entry_of,
)

# API Gateway sends at most 128 KB a message.
MESSAGE_LIMIT_BYTES = 128 * 1024


class CannotFollow(RuntimeError):
    """The push service won't let this call be followed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Something of the call, and when it came: seconds of this machine's CLOCK_MONOTONIC."""

    what: Entry | PartialMessage
    at_s: float


async def follow(push_url: str, ticket: str, call_id: str, *, after: int = 0) -> AsyncGenerator[Seen, None]:
    """Give what happens in `call_id` from entry `after + 1` on, until the caller has enough. Raises CannotFollow."""
    following = Following(after=after)
    try:
        async with connect(
            f"{push_url}?ticket={ticket}", max_size=MESSAGE_LIMIT_BYTES, compression=None, proxy=None
        ) as socket:
            await socket.send(encode_action(Subscribe(call_id, after)))
            is_replaying = True
            async for frame in socket:
                at_s = time.monotonic()
                for message in decode_frame(frame):
                    for what in _seen(message, following):
                        yield Seen(what, at_s)
                    is_replaying = is_replaying and not isinstance(message, ReplayedMessage)
                if following.has_hole and not is_replaying:
                    await socket.send(encode_action(Replay(call_id, following.seen)))
                    is_replaying = True
    except InvalidStatus as error:
        status = error.response.status_code
        raise CannotFollow(f"the push service answered {status}: the ticket is missing, wrong or expired") from error
    except (OSError, TimeoutError, InvalidHandshake, InvalidURI) as error:
        raise CannotFollow(f"the push service can't be reached at {push_url}: is `callscribe up` running?") from error


def _seen(message: Message, following: Following) -> list[Entry | PartialMessage]:
    match message:
        case EntryMessage():
            return list(following.receive(entry_of(message)))
        case PartialMessage():
            return [message]
        case ErrorMessage(message=text):
            raise CannotFollow(f"the push service refused: {text}")
        case _:
            return []
