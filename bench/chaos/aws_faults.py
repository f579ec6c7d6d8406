"""What can go wrong with AWS in one call, by seed: the same seed, the same faults at the same requests."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "throttled",  # 400, ProvisionedThroughputExceededException
    "failed",  # 500, InternalServerError
    "slow",  # answered late
    "hung",  # never answered
    "cut",  # the connection ends before anything is done
    "answer_lost",  # done, and the connection ends before the answer
]
Subscriber = Literal["none", "reads", "gone", "throttled", "failed", "hangs"]
KINDS: tuple[Kind, ...] = ("throttled", "failed", "slow", "hung", "cut", "answer_lost")
# A hang costs a client its whole patience, so it is rarer.
_WEIGHTS = (4, 3, 3, 1, 3, 5)
_SUBSCRIBERS: tuple[Subscriber, ...] = ("reads", "gone", "throttled", "failed", "hangs")
_MOST_FAULTS = 4
_REQUESTS = 40  # about as many as a call makes
_LONGEST_BURST = 4  # a writer waits longer after each; four bursts of it are half a minute
SLOW_S = 0.3


@dataclass(frozen=True, slots=True)
class AwsFault:
    """Strikes a call's requests to DynamoDB from number `first` on, `times` of them, counted from 1."""

    kind: Kind
    first: int
    times: int

    def strikes(self, number: int) -> bool:
        """Return whether it strikes request `number`."""
        return self.first <= number < self.first + self.times


def drawn(chance: random.Random) -> tuple[AwsFault, ...]:
    """Return one to four faults of DynamoDB."""
    faults = []
    for _ in range(chance.randint(1, _MOST_FAULTS)):
        (kind,) = chance.choices(KINDS, weights=_WEIGHTS)
        times = 1 if kind in ("hung", "answer_lost") else chance.randint(1, _LONGEST_BURST)
        faults.append(AwsFault(kind, chance.randint(1, _REQUESTS), times))
    return tuple(faults)


def subscriber(chance: random.Random) -> Subscriber:
    """Return how a subscriber of the call behaves."""
    return chance.choice(_SUBSCRIBERS)
