"""`python -m bench.guard`: the instructions of the bridge's work, held against what is written in kept.json.

What is compared is a ratio within one run: how many times the instructions that the libraries alone take for a message
of audio. More than 15 % above what was kept is exit status 1; `--keep` writes what is measured now.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.guard.work import AUDIO, FINAL, LIBRARIES, POST

KEPT = Path(__file__).with_name("kept.json")
WORSE, BETTER = 1.15, 0.9
MEANS = {
    AUDIO: "a message of audio, from the carrier's socket to Gladia's and acknowledged",
    FINAL: "a final, from Gladia's message to the request that appends it",
    POST: "a post of partials, to the request that is sent",
}
console = Console(highlight=False)


class CannotCount(Exception):
    """There is no tool to count with, or it counted nothing."""


def instructions(name: str) -> float:
    """Return the instructions of one unit of the work of that name. Raises CannotCount."""
    if shutil.which("valgrind") is None:
        raise CannotCount("valgrind is missing: apt-get install valgrind")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder}/counted",
             sys.executable, "-m", "bench.guard.work", name],
            env=os.environ | {"PYTHONHASHSEED": "0"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    units, counted = re.search(r"^units (\d+)", done.stdout, re.MULTILINE), re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or units is None or counted is None or int(counted[1]) == 0:
        raise CannotCount(f"{name} could not be counted: {done.stderr[-2000:]}")
    return int(counted[1]) / int(units[1])


def judged(ratio: float, kept: float) -> str:
    """Return what is to be said of `ratio`, where `kept` stood; empty if it is about the same."""
    if ratio > WORSE * kept:
        return f"{ratio / kept - 1:.0%} worse"
    return f"{1 - ratio / kept:.0%} better: keep it, by --keep" if ratio < BETTER * kept else ""


def main() -> int:
    """Count, print, and return the exit status."""
    kept: dict[str, float] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    table = Table("what", "instructions", "times the libraries", "kept", "")
    found: dict[str, float] = {}
    try:
        with console.status("counting") as status:
            libraries = instructions(LIBRARIES)
            for name, meaning in MEANS.items():
                status.update(f"counting: {meaning}")
                counted = instructions(name)
                found[name] = round(counted / libraries, 3)
                verdict = judged(found[name], kept.get(name, found[name]))
                was = f"{kept[name]:.2f}" if name in kept else ""
                table.add_row(meaning, f"{counted:,.0f}", f"{found[name]:.2f}", was, verdict)
    except CannotCount as error:
        console.print(str(error))
        return 2
    console.print(table)
    console.print(f"The libraries alone take {libraries:,.0f} instructions for a message of audio.")
    if "--keep" in sys.argv:
        KEPT.write_text(json.dumps(found, indent=2) + "\n")
        return 0
    return int(any(found[name] > WORSE * kept.get(name, found[name]) for name in found))


if __name__ == "__main__":
    sys.exit(main())
