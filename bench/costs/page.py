"""The tables of docs/costs.md, which stand between markers of their names, and the same for the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from bench.costs.bill import Bill, cost
from bench.costs.limits import LIMITS, MOST, Limit
from bench.costs.parameters import Parameters, explained
from bench.costs.prices import PRICES
from bench.costs.usage import Hour

PAGE: Final = Path(__file__).parents[2] / "docs" / "costs.md"
SIZES: Final = (1, 100, 10_000)
DETAILED: Final = 100
_ADDRESS: Final = re.compile(r"(https://)([\w.-]+)[^\s,;)]*")
_BETWEEN: Final = re.compile(r"(<!-- computed: (\w+) -->\n).*?(<!-- end -->\n)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Computed:
    """One table: its name on the page, its heads, its rows."""

    name: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """Return it as Markdown; all but the first column stand to the right where they hold numbers."""
        rules = ["---", *("---:" if _is_number(cell) else "---" for cell in self.rows[0][1:])]
        return "".join(f"| {' | '.join(row)} |\n" for row in (self.heads, rules, *self.rows))


def tables() -> Iterator[Computed]:
    """Yield every table of the page."""
    hours = [Hour(calls) for calls in SIZES]
    yield _costs([Bill.of(hour) for hour in hours])
    yield _limits(hours)
    yield _quantities(Hour(DETAILED))
    yield _prices()
    yield _parameters()


def filled(page: str) -> str:
    """Return `page` with what is computed between its markers. Raises KeyError for a marker of no table."""
    computed = {table.name: table.markdown() for table in tables()}
    return _BETWEEN.sub(lambda found: f"{found[1]}{computed[found[2]]}{found[3]}", page)


def dollars(value: Decimal) -> str:
    """Return a sum as the page has it: whole dollars from 100 on, cents from 1 on, below to a hundredth of a cent."""
    digits = "1" if value >= 100 else "0.01" if value >= 1 else "0.0001"
    return f"{value.quantize(Decimal(digits)):,}"


def amount(value: Decimal) -> str:
    """Return a quantity to three digits, or whole."""
    if value >= 100 or value == value.to_integral_value():
        return f"{value.quantize(Decimal(1)):,}"
    return f"{value:.3g}" if value >= Decimal("0.01") else "under 0.01"


def _costs(bills: Sequence[Bill]) -> Computed:
    def row(name: str, values: Iterable[Decimal]) -> list[str]:
        found = [[dollars(value), dollars(value / bill.calls)] for value, bill in zip(values, bills, strict=True)]
        return [name, *(cell for pair in found for cell in pair)]

    rows = [row(part, (bill.parts[part] for bill in bills)) for part in bills[0].parts]
    rows += [
        row("**AWS together**", (bill.aws for bill in bills)),
        row("**all**", (bill.total for bill in bills)),
        row("all, at Gladia's price for many hours", (bill.total_at_growth for bill in bills)),
        row("beside it, the phone call itself", (bill.carrier for bill in bills)),
    ]
    heads = ["part", *(f"{bill.calls:,} at once{what}" for bill in bills for what in (", an hour", ", a call-hour"))]
    return Computed("costs", heads, rows)


def _limits(hours: Sequence[Hour]) -> Computed:
    def needed(limit: Limit, hour: Hour) -> str:
        text = amount(limit.needed(hour))
        return text if limit.holds(hour) else f"**{text}**"

    rows = []
    for limit in sorted(LIMITS, key=lambda each: each.most_calls()):
        most = limit.most_calls()
        rows.append([
            limit.what, f"{limit.there_is:,}", *(needed(limit, hour) for hour in hours),
            "more than a million" if most == MOST else f"{most:,}", limit.then, _linked(limit.source),
        ])  # fmt: skip
    heads = ["limit", "there is", *(f"{hour.calls:,} need" for hour in hours), "enough for", "what to do", "source"]
    return Computed("limits", heads, rows)


def _quantities(hour: Hour) -> Computed:
    rows = [[line.part, line.what, amount(line.quantity), dollars(cost(line))] for line in hour.lines()]
    return Computed("quantities", ("part", "what", "quantity", "dollars"), rows)


def _prices() -> Computed:
    rows = []
    for price in PRICES.values():
        unit = price.unit if price.per == 1 else f"{price.per:,} {price.unit}"
        rows.append([unit, str(price.usd), price.told_by, _linked(price.source), price.read])
    return Computed("prices", ("unit", "dollars", "who says so", "source", "read"), rows)


def _parameters() -> Computed:
    rows = [[f"`{each.name}`", str(each.value), each.known, each.why] for each in explained(Parameters())]
    return Computed("parameters", ("parameter", "value", "known", "why"), rows)


def _linked(source: str) -> str:
    """Return `source` with each address shortened to a link that reads as its host."""
    return _ADDRESS.sub(lambda found: f"[{found[2]}]({found[0]})", source)


def _is_number(cell: str) -> bool:
    return cell.strip("*").replace(",", "").replace(".", "", 1).isdigit() or cell.startswith("under ")
