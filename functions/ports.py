"""What a decision asks the outside by: its handler gives it these, a test others."""

from __future__ import annotations

from typing import Protocol, TypeVar

from callscribe.exchange import Exchange
from callscribe.log import Steps

T = TypeVar("T")


class Perform(Protocol):
    """Runs the steps of a DynamoDB operation; raises Unavailable."""

    def __call__(self, steps: Steps[T], /) -> T:
        """Return what the operation returns."""


class Ask(Protocol):
    """Performs an HTTP exchange; raises Unavailable, Refused, MalformedMessage."""

    def __call__(self, exchange: Exchange[T], /) -> T:
        """Return what the answer means."""
