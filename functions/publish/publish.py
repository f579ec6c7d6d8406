"""Puts a batch of entries on the bus, in the order of the stream.

The bus promises no order and delivers at least once; what we can do is to put each entry after those before it, and to
put again what it did not take before going on. What Lambda is told to bring back, it brings back with all that follows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from callscribe.bus import event, failed, requests
from callscribe.errors import Unavailable
from functions.stream_records import Batch, Written

Put = Callable[[Sequence[dict[str, str]]], Sequence[dict[str, Any]]]
"""Sends one request; returns the answer's `Entries`. Raises Unavailable."""

PAUSES_S = (0.1, 0.4, 1.0)  # between attempts; the service's own pace of 400 requests a second and more passes quickly


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a batch."""

    events: int = 0
    again: int = 0  # events that had to be put again
    failed: Written | None = None  # the earliest that the bus has not taken


def publish(batch: Batch, put: Put, *, bus: str, sleep: Callable[[float], None]) -> Published:
    """Put every entry of `batch` on `bus`."""
    written = sorted((each for entries in batch.calls.values() for each in entries), key=lambda each: each.position)
    events = again = 0
    for request in requests((each, event(each.entry, bus)) for each in written):
        left = request
        for pause_s in (*PAUSES_S, None):
            left = _left(left, put)
            if not left:
                break
            if pause_s is None:
                return Published(events + len(request) - len(left), again, left[0][0])
            again += len(left)
            sleep(pause_s)
        events += len(request)
    return Published(events, again)


def _left(request: list[tuple[Written, dict[str, str]]], put: Put) -> list[tuple[Written, dict[str, str]]]:
    """Return what of `request` the bus did not take."""
    try:
        answer = put([given for _, given in request])
    except Unavailable:
        return request
    return [request[place] for place in failed(answer)]
