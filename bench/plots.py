"""The plots of docs/performance.md: the same results give the same files, to the byte."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from bench.aims import CALL_KB, P99_MS
from bench.results import Measured, Results
from bench.subjects import EVERYTHING, FLOOR, RELAY, RELAY_TLS, SUBJECTS

COLOURS = {FLOOR.name: "#767676", RELAY.name: "#1f5fa8", RELAY_TLS.name: "#1f9d8a", EVERYTHING.name: "#c2571a"}
OTHERS = "#a0a0a0"
LEAST = 25  # calls; with fewer the process itself is what is seen
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "callscribe",  # else ids differ each time
    "svg.fonttype": "none",  # text stays text, in a font of the reader's
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
}


def draw(results: Results, folder: Path) -> None:
    """Write both files into `folder`."""
    with mpl.rc_context(_STYLE):
        for name, figure in (("bench-curves", curves(results)), ("bench-bridges", bridges(results))):
            # A white ground, as pages may be dark; and no date.
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None}, facecolor="white")


def curves(results: Results) -> Figure:
    """Return CPU time, delay and memory by load."""
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    cpu, delay, memory = figure.subplots(1, 3)
    for subject, told in _lines(results):
        calls, colour = [each.case.calls for each in told], COLOURS[subject]
        cpu.plot(calls, [statistics.median(each.cpu_ms()) for each in told], "o-", color=colour, label=subject, ms=3)
        if subject != FLOOR.name:
            memory.plot(calls, [each.call_kb() for each in told], "o-", color=colour, label=subject, ms=3)
    _axes(cpu, "CPU time of a call", "calls at once", "ms for each second")
    _axes(memory, "Memory of a call", "calls at once", "KB")
    memory.axhline(CALL_KB, color="#b00020", lw=0.8, ls=":")
    _delay(delay, results.trusted(RELAY.name))
    for axes in (cpu, memory):
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
    return figure


def bridges(results: Results) -> Figure:
    """Return the CPU time of a call, of each subject with few calls."""
    told = [trusted[0] for name in SUBJECTS if name != RELAY_TLS.name and (trusted := _few(results, name))]
    figure = Figure(figsize=(7, 0.4 * len(told) + 1), layout="constrained")
    axes = figure.subplots()
    values = [statistics.median(each.cpu_ms()) for each in told]
    names = [f"{each.case.subject}, {each.case.calls} calls" for each in told]
    bars = axes.barh(names, values, color=[COLOURS.get(each.case.subject, OTHERS) for each in told], height=0.6)
    axes.bar_label(bars, [f"{value:.1f}" for value in values], padding=3)
    axes.invert_yaxis()
    _axes(axes, "CPU time of a call, both tracks", "ms for each second", "")
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.12)
    return figure


def _lines(results: Results) -> Iterator[tuple[str, list[Measured]]]:
    for subject in COLOURS:
        told = [each for each in results.unfilled(subject) if each.case.calls >= LEAST]
        if told:
            yield subject, told


def _few(results: Results, subject: str) -> list[Measured]:
    return (
        results.trusted(subject)[-1:]
        if not SUBJECTS[subject].is_ours
        else [each for each in results.trusted(subject) if each.case.calls == 10]
    )


def _delay(axes: Axes, told: list[Measured]) -> None:
    points = sorted(
        (100 * each.cpu_share, added) for each in told if not each.is_full and (added := each.added_ms()) is not None
    )
    shares = [share for share, _ in points]
    for place, (label, style) in enumerate((("p50", "o-"), ("p99", "o--"), ("p99.9", "o:"))):
        axes.plot(shares, [added[place] for _, added in points], style, color=COLOURS[RELAY.name], label=label, ms=3)
    for share, most_ms in P99_MS.items():
        axes.plot([100 * share], [most_ms], "v", color="#b00020", label="aim for the p99" if share == 0.7 else None)
    axes.set_yscale("log")
    _plain(axes)
    _axes(axes, "Delay added, relay alone", "% of a core", "ms (logarithmic)")


def _plain(axes: Axes) -> None:
    """Write plain numbers on a logarithmic axis."""
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _axes(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set_title(title, loc="left", fontweight="bold", fontsize=9)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8)
