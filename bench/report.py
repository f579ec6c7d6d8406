"""`python -m bench.report`: tables and plots of the last run, into docs/performance.md, without measuring again."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.aims import aims, spread
from bench.plots import draw
from bench.results import FILE, Measured, Results, ratios
from bench.subjects import FLOOR, RELAY, SUBJECTS

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "performance.md"
PICTURES = DOCS / "pictures"
BEGIN, END = "<!-- measured: make bench -->\n", "<!-- end -->\n"
FEW = 10  # calls, beside which other bridges are measured
console = Console(highlight=False, width=150)


@dataclass(frozen=True, slots=True)
class Grid:
    """One table: its title, its heads, its rows."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """Return it as Markdown; what comes first stands left, what is a figure right."""
        rules = ["---" if place == 0 or "aim" in self.heads else "---:" for place in range(len(self.heads))]
        return "".join(f"| {' | '.join(row)} |\n" for row in (self.heads, rules, *self.rows))

    def rich(self) -> Table:
        """Return it for the terminal."""
        table = Table(title=self.title, title_justify="left", title_style="bold")
        for place, head in enumerate(self.heads):
            table.add_column(head, justify="left" if place == 0 or "aim" in self.heads else "right")
        for row in self.rows:
            table.add_row(*(cell.replace("**", "") for cell in row))
        return table


def grids(results: Results) -> Iterator[Grid]:
    """Yield every table."""
    rows = [[aim.text, aim.found, "yes" if aim.is_met else "**no**"] for aim in aims(results)]
    yield Grid("Aims", ("aim", "found", "met"), rows)
    yield _few(results)
    yield _curves(results)


def told(results: Results) -> str:
    """Return the part of the page that is made by measuring."""
    few, most = (each(len(one.rounds) for one in results.measured) for each in (min, max))
    rounds = f"{few} to {most}" if few != most else str(few)
    parts = [
        f"{results.machine}, one core for what is measured; {rounds} rounds of {results.seconds:g} s each, in turns.\n"
    ]
    parts += [f"**{grid.title}**\n\n{grid.markdown()}" for grid in grids(results)]
    if left_out := [f"- {case.subject}, {case.calls} calls: {why}\n" for case, why in results.untrusted().items()]:
        parts.append("Left out, as what was measured is not the subject:\n\n" + "".join(left_out))
    parts.append(
        "".join(f"- **{each.name}**: {each.means}.\n" for each in SUBJECTS.values() if _is_told(results, each.name))
    )
    parts.append(
        "![CPU time of a call, delay and memory, by load](pictures/bench-curves.svg)\n\n"
        "![CPU time of a call, by bridge](pictures/bench-bridges.svg)\n"
    )
    return "\n".join(parts)


def filled(page: str, results: Results) -> str:
    """Return `page` with what is measured between its marks. Raises ValueError if it has none."""
    between = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if not between.search(page):
        raise ValueError("the page has no place for what is measured")
    return between.sub(lambda _: f"{BEGIN}{told(results)}{END}", page)


def show(results: Results) -> None:
    """Print every table, and what is left out."""
    console.print(str(results.machine))
    for case, why in results.untrusted().items():
        console.print(f"{case.subject}, {case.calls} calls: not told of, {why}", style="red")
    for grid in grids(results):
        console.print(grid.rich())


def publish(results: Results) -> None:
    """Write the page and its plots."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")
    draw(results, PICTURES)


def _is_told(results: Results, subject: str) -> bool:
    return bool(results.trusted(subject))


def _few(results: Results) -> Grid:
    """Return the subjects beside each other, with few calls, as other bridges carry few."""
    relay = next((each for each in results.trusted(RELAY.name) if each.case.calls == FEW), None)
    floors = {each.case.calls: each for each in results.trusted(FLOOR.name)}
    rows = [
        _row(each, floors.get(each.case.calls), relay)
        for subject in SUBJECTS
        for each in results.trusted(subject)
        if each.case.calls <= FEW
    ]
    heads = ("what", "calls", "CPU of a core", "ms of CPU for a second of a call", "times the floor",
             f"times relay alone with {FEW}", "added p50", "p99", "memory a call")  # fmt: skip
    return Grid("Beside others, with few calls", heads, rows)


def _row(each: Measured, floor: Measured | None, relay: Measured | None) -> list[str]:
    added = each.added_ms()
    return [
        each.case.subject, str(each.case.calls), _share(each), spread(each.cpu_ms(), 2),
        _times(each, floor), _times(each, relay),
        f"{added[0]:.1f} ms" if added else "", f"{added[1]:.1f} ms" if added else "", f"{each.call_kb():.0f} KB",
    ]  # fmt: skip


def _curves(results: Results) -> Grid:
    floors = {each.case.calls: each for each in results.trusted(FLOOR.name)}
    rows = [
        _curve_row(each, floors.get(each.case.calls))
        for subject in SUBJECTS.values()
        if subject.is_ours
        for each in results.trusted(subject.name)
        if each.case.calls > FEW
    ]
    heads = ("what", "calls", "CPU of a core", "ms of CPU for a second of a call", "times the floor",
             "added p50", "p99", "p99.9", "memory a call", "load late, p99")  # fmt: skip
    return Grid("By load", heads, rows)


def _curve_row(each: Measured, floor: Measured | None) -> list[str]:
    added = () if each.is_full else each.added_ms() or ()
    late_ms = 1000 * max(one.late_s for one in each.rounds)
    return [
        each.case.subject, str(each.case.calls), _share(each), spread(each.cpu_ms(), 2), _times(each, floor),
        *(f"{value:.1f} ms" for value in added), *("" for _ in range(3 - len(added))), f"{each.call_kb():.0f} KB",
        f"{late_ms:.1f} ms",
    ]  # fmt: skip


def _share(each: Measured) -> str:
    return f"{each.cpu_share:.1%}{', full' if each.is_full else ''}"


def _times(each: Measured, other: Measured | None) -> str:
    if other is None or other is each:
        return ""
    return spread(ratios(each, other))


def main() -> None:
    """Make the tables and plots of a run that was kept."""
    parser = argparse.ArgumentParser(prog="python -m bench.report", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=FILE)
    results = Results.read(parser.parse_args().file)
    show(results)
    publish(results)


if __name__ == "__main__":
    main()
