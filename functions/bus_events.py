"""Events of the bus as a queue hands them to a function: which entry of which call each one tells of.

Source: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS"; Amazon EventBridge User Guide, "Events".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from callscribe.bus import Detail
from callscribe.decoding import NOT_DECODABLE

Record: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Received:
    """One event, and what its message in the queue is known by."""

    message_id: str  # what `batchItemFailures` names
    receipt: str  # what the queue knows this time by
    times: int  # it was received, this time included
    detail: Detail


@dataclass(frozen=True, slots=True)
class Batch:
    """The events of one invocation, in the queue's order."""

    events: tuple[Received, ...]
    malformed: int  # messages that hold no event of ours and never will


class _Event(msgspec.Struct, frozen=True):
    detail: Detail


_event = msgspec.json.Decoder(_Event)


def read(records: Iterable[Record]) -> Batch:
    """Return the events in `records`. A malformed message is counted and passed over, as it would only come again."""
    events: list[Received] = []
    malformed = 0
    for record in records:
        try:
            events.append(
                Received(
                    message_id=record["messageId"],
                    receipt=record["receiptHandle"],
                    times=int(record["attributes"]["ApproximateReceiveCount"]),
                    detail=_event.decode(record["body"]).detail,
                )
            )
        except (*NOT_DECODABLE, KeyError, TypeError, ValueError, UnicodeEncodeError):
            malformed += 1
    return Batch(tuple(events), malformed)
