"""`python -m bench`: what a call costs the bridge, beside the floor and beside other bridges, and what delay it adds.

What is measured runs as its own process on one core; the load, a Gladia that discards and an AWS that agrees run on the
other. CPU time is the operating system's own account. What is compared takes turns, so that a machine that changes its
pace changes it for all.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from pathlib import Path

import uvloop
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from bench.measured import leave_its_core, quiet
from bench.plan import QUICK, WHOLE, Case, Plan, turns
from bench.report import PAGE, console, publish, show
from bench.results import FILE, Results
from bench.rounds import Round, measure
from bench.subjects import PEERS_PYTHON, SUBJECTS
from bench.trust import is_disturbed

ATTEMPTS = 5
QUIET_S = 60.0  # how long a round waits for others to be done


async def undisturbed(case: Case, seconds: float) -> Round:
    """Return a round; if others ran meanwhile, it is measured again, though not for ever."""
    for _ in range(ATTEMPTS):
        await quiet(within_s=QUIET_S)
        found = await measure(SUBJECTS[case.subject], case.calls, seconds=seconds)
        if not is_disturbed(found):
            break
    return found


async def run(plan: Plan) -> dict[Case, list[Round]]:
    """Return the rounds of every case."""
    measured: dict[Case, list[Round]] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)
        for number in range(plan.rounds):
            for case in turns(plan, measured, number):
                progress.update(
                    task, description=f"round {number + 1} of {plan.rounds}: {case.subject}, {case.calls} calls"
                )
                measured.setdefault(case, []).append(await undisturbed(case, plan.seconds))
                progress.advance(task)
            # How many cases there are is known after the first round; the last ones may have fewer.
            progress.update(task, total=plan.rounds * len(measured))
    return measured


def main() -> int:
    """Measure, keep, tell; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two short rounds with few calls; the page stays as it is")
    quick = parser.parse_args().quick
    if not PEERS_PYTHON.exists() or len(os.sched_getaffinity(0)) < 2:
        console.print("`make bench` sets up what this needs, and it needs two cores")
        return 2
    plan, file = (QUICK, FILE.with_name("bench-quick.json")) if quick else (WHOLE, FILE)
    leave_its_core()
    gc.disable()  # a pass over all that a round has noted would make the load late; rounds collect in between
    results = Results.of(uvloop.run(run(plan)), seconds=plan.seconds)
    results.write(file)
    show(results)
    if not quick:
        publish(results)
        console.print(f"written to {PAGE.relative_to(Path.cwd())}")
    return 1 if results.untrusted() else 0


if __name__ == "__main__":
    sys.exit(main())
