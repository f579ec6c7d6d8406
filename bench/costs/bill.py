"""What an hour costs: quantities times prices, summed by part."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from bench.costs.prices import PRICES
from bench.costs.usage import Hour, Line

OTHERS: Final = ("Gladia", "Twilio Media Streams")


def cost(line: Line) -> Decimal:
    """Return what a line costs, in dollars."""
    return line.quantity * PRICES[line.price].of_one


@dataclass(frozen=True, slots=True)
class Bill:
    """An hour's costs, in dollars."""

    calls: int
    parts: dict[str, Decimal]  # in the order in which they are listed
    carrier: Decimal  # the phone call itself
    at_growth: Decimal  # Gladia, by its plan for many hours

    @classmethod
    def of(cls, hour: Hour) -> Bill:
        """Return what `hour` comes to."""
        parts: dict[str, Decimal] = {}
        for line in hour.lines():
            parts[line.part] = parts.get(line.part, Decimal(0)) + cost(line)
        channels = hour.calls * hour.given.tracks
        return cls(hour.calls, parts, cost(hour.carrier()), channels * PRICES["gladia_growth"].of_one)

    @property
    def aws(self) -> Decimal:
        """All of AWS."""
        return self.total - sum(self.parts[name] for name in OTHERS)

    @property
    def total(self) -> Decimal:
        """All but the phone call itself."""
        return sum(self.parts.values(), Decimal(0))

    @property
    def total_at_growth(self) -> Decimal:
        """The same with Gladia's plan for many hours."""
        return self.total - self.parts["Gladia"] + self.at_growth
