"""`python -m bench.costs`: what an hour of calls costs and what limits it; writes the tables of docs/costs.md."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table

from bench.costs.page import PAGE, filled, tables

SHOWN = ("costs", "limits")


def main() -> int:
    """Print the two tables that people ask for, and bring the page up to date."""
    console = Console(highlight=False)
    for computed in tables():
        if computed.name in SHOWN:
            table = Table(title=computed.name, title_justify="left")
            for place, head in enumerate(computed.heads):
                table.add_column(head, justify="right" if 0 < place < len(computed.heads) - 2 else "left")
            for row in computed.rows:
                table.add_row(*(cell.replace("**", "") for cell in row))
            console.print(table)
    before = PAGE.read_text(encoding="utf-8")
    after = filled(before)
    if after == before:
        console.print(f"{PAGE.name} is up to date")
    else:
        PAGE.write_text(after, encoding="utf-8")
        console.print(f"{PAGE.name} is written anew")
    return 0


if __name__ == "__main__":
    sys.exit(main())
