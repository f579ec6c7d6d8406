"""The queue of `deliver`: events of the bus, and deliveries of its own, each of which is to be attempted once.

Source: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from callscribe.bus import Detail
from callscribe.decoding import NOT_DECODABLE
from callscribe.deliveries import Delivery

Record: TypeAlias = Mapping[str, Any]


class Due(msgspec.Struct, frozen=True):
    """A delivery to be attempted, if there were `attempts` before: what comes twice finds that there were more."""

    endpoint: str
    tenant: str
    call_id: str
    seq: int
    at: str
    kind: str
    attempts: int

    @property
    def delivery(self) -> Delivery:
        """The delivery as it was then."""
        return Delivery(self.endpoint, self.tenant, self.call_id, self.seq, self.at, self.kind, attempts=self.attempts)


class _Body(msgspec.Struct, frozen=True):
    detail: Detail | None = None
    due: Due | None = None


_body = msgspec.json.Decoder(_Body)


@dataclass(frozen=True, slots=True)
class Received:
    """What one message asks for, and the id that `batchItemFailures` names it by."""

    message_id: str
    asks: Detail | Due


def due(delivery: Delivery) -> str:
    """Return the message that has a delivery attempted."""
    asked = Due(
        delivery.endpoint,
        delivery.tenant,
        delivery.call_id,
        delivery.seq,
        delivery.at,
        delivery.kind,
        delivery.attempts,
    )
    return msgspec.json.encode({"due": asked}).decode()


def read(records: Iterable[Record]) -> tuple[list[Received], int]:
    """Return what `records` ask for, and how many make no sense: those would only come again."""
    received: list[Received] = []
    malformed = 0
    for record in records:
        try:
            body = _body.decode(record["body"])
            asks = body.detail or body.due
            message_id = record["messageId"]
        except (*NOT_DECODABLE, KeyError, TypeError, UnicodeEncodeError):
            asks = None
        if asks is None:
            malformed += 1
        else:
            received.append(Received(message_id, asks))
    return received, malformed
