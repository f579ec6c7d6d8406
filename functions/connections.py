"""Clients' connections to the WebSocket API, as something to post frames to."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from http.client import HTTPException
from typing import TypeAlias

from callscribe.errors import Refused, SubscriberGone, Unavailable
from functions.straight_posts import PostAnswer

_LONGEST_PAUSE_S = 0.8

Post: TypeAlias = Callable[[str, bytes], PostAnswer]  # connection id, frame; raises OSError, HTTPException


class NotPermitted(RuntimeError):
    """The function may not post, or posts to what is no connection: it is set up wrongly."""


class Connections:
    """The connections of one stage."""

    def __init__(
        self,
        post: Post,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`post` makes one attempt, since this has a patience of its own; it may be called by many threads."""
        self._attempt = post
        self._clock = clock
        self._sleep = sleep

    def post(self, connection_id: str, frame: bytes, *, patience_s: float) -> None:
        """Send `frame`, trying again for `patience_s` seconds while the service can't take it.

        Raises SubscriberGone; Unavailable when patience ran out; Refused for a frame that is too long for any
        connection; NotPermitted.
        """
        deadline = self._clock() + patience_s
        pause_s = 0.05
        while True:
            try:
                return self._post(connection_id, frame)
            except Unavailable:
                # Between half and all of it, so that the posts which failed together don't come back together.
                pause_now_s = pause_s * random.uniform(0.5, 1)  # noqa: S311
                if self._clock() + pause_now_s >= deadline:
                    raise
                self._sleep(pause_now_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _post(self, connection_id: str, frame: bytes) -> None:
        try:
            status, error = self._attempt(connection_id, frame)
        except (OSError, HTTPException) as failure:
            raise Unavailable(f"post: {type(failure).__name__}") from failure
        if 200 <= status < 300:
            return
        if status == 410:
            raise SubscriberGone("the connection is closed")
        if status == 413:
            raise Refused(f"a frame of {len(frame)} bytes is too long")
        if status == 429 or status >= 500:
            raise Unavailable(f"post: {status} {error}")
        raise NotPermitted(f"post: {status} {error}")
