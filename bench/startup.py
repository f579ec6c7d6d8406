"""`python -m bench.startup`: from `callscribe demo` to the first word on the screen, and what takes it.

The demonstration is run as a person runs it, in a terminal, on a machine on which all is set up and the templates are
synthesized. The word is looked for on the screen; the stages are what `callscribe demo --timings` says of itself.

`--beside TREE` runs another checkout's in turns with it, for a comparison.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import pty
import re
import select
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from infra.packages import ROOT
from local.stages import Stage

ROUNDS: Final = 5
CALL_S: Final = 5  # then the simulated caller hangs up
LIMIT_S: Final = 120.0
FIRST_WORD: Final = re.compile(rb"[Nn]obody")  # "Nobody is available to take your call at the moment."
TIMINGS: Final = Path(".callscribe") / "timings.json"


class NoWord(RuntimeError):
    """The demonstration showed no words; the message is the end of what it showed."""


def until_first_word(command: Sequence[str], *, folder: Path, word: re.Pattern[bytes] = FIRST_WORD) -> float:
    """Run `command` in a terminal, to its end, and return the seconds until it showed `word`. Raises NoWord."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(folder), "TERM": "xterm-256color", "COLUMNS": "100"}
    began_s = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    shown, first_s = b"", None
    with contextlib.suppress(OSError):  # EIO: the other side has closed it
        while select.select([ours], [], [], LIMIT_S)[0] and (piece := os.read(ours, 65536)):
            shown += piece
            if first_s is None and word.search(shown):
                first_s = time.perf_counter() - began_s
    os.close(ours)  # which ends one that hangs
    process.wait(LIMIT_S)
    if first_s is None:
        raise NoWord(shown[-2000:].decode(errors="replace"))
    return first_s


def command(tree: Path, *options: str) -> list[str]:
    """Return what runs the demonstration of the checkout `tree`."""
    return [str(tree / ".venv" / "bin" / "python"), "-m", "local.cli", "demo", "--seconds", str(CALL_S), *options]


def stages_of(tree: Path) -> list[Stage]:
    """Return what the last demonstration said of its stages."""
    return msgspec.json.decode((tree / TIMINGS).read_bytes(), type=list[Stage])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.startup", description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--beside", type=Path, metavar="TREE", help="another checkout, with its environments")
    given = parser.parse_args()
    console = Console()
    trees = {"this tree": ROOT} | ({str(given.beside): given.beside.resolve()} if given.beside else {})
    took: dict[str, list[float]] = {name: [] for name in trees}
    stages: list[list[Stage]] = []
    with console.status("setting up"):
        for tree in trees.values():
            until_first_word(command(tree), folder=tree)  # not counted: templates are synthesized, archives made
    with console.status("demonstrating"):
        for _ in range(given.rounds):
            for name, tree in trees.items():
                options = ("--timings",) if tree == ROOT else ()  # which another tree may not know
                took[name].append(until_first_word(command(tree, *options), folder=tree))
            stages.append(stages_of(ROOT))
    for name, seconds in took.items():
        console.print(f"{name}: first word after {told(seconds)}")
    console.print(_table(stages))


def told(seconds: Sequence[float]) -> str:
    """Return the median and the range."""
    return f"{statistics.median(seconds):.1f} s ({min(seconds):.1f} to {max(seconds):.1f})"


def _table(rounds: Sequence[Sequence[Stage]]) -> Table:
    table = Table("stage", "began", "took", title=f"{platform.machine()}, Python {platform.python_version()}; medians")
    for name in dict.fromkeys(stage.name for stage in sorted(rounds[-1], key=lambda stage: stage.began_s)):
        found = [stage for stages in rounds for stage in stages if stage.name == name]
        began_s = statistics.median(stage.began_s for stage in found)
        table.add_row(name, f"{began_s:.1f} s", told([stage.ended_s - stage.began_s for stage in found]))
    return table


if __name__ == "__main__":
    main()
