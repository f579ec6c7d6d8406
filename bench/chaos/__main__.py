"""`python -m bench.chaos --calls 10000 --seed 1`: calls with faults by seed, through real bridges.

Each worker is a process with a bridge beside it and a share of the calls. `--only 4711` places that call of the run
alone, with the same faults, and tells its story. The exit status is 1 if anything was lost or repeated where there was
a way to keep it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench.chaos.judge import Verdict
from bench.chaos.observation import Observation
from bench.chaos.plan import SIDES, call_plan
from bench.chaos.report import Outcome, Tally, tables
from bench.chaos.run import Afterwards, Run, play
from bench.chaos.story import tell

_LINE_BYTES = 1 << 24
console = Console(highlight=False)


def main() -> int:
    """Run and report; return the exit status."""
    arguments = _arguments()
    run = Run(seed=arguments.seed, at_once=arguments.at_once, sides=frozenset(arguments.sides), pace=arguments.pace)
    if arguments.share is not None:
        share, of = arguments.share
        return uvloop.run(_work(run, range(share, arguments.calls, of), name=f"chaos-{share}"))
    if arguments.only is not None:
        return uvloop.run(_replay(run, arguments.only))
    return uvloop.run(_run(run, arguments))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=100, help="calls at once, all workers together")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=SIDES, help="where faults come from")
    parser.add_argument("--only", type=int, metavar="CALL", help="place this call of the run alone, and tell its story")
    parser.add_argument("--pace", type=float, help="with --only: times real time, where a failure is one of timing")
    parser.add_argument("--report", type=Path, default=Path(".callscribe/chaos.json"))
    parser.add_argument("--share", type=int, nargs=2, help=argparse.SUPPRESS)  # a worker's: which, of how many
    return parser.parse_args()


async def _run(run: Run, arguments: argparse.Namespace) -> int:
    tally = Tally(run.seed)
    began_s = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("calls", total=arguments.calls)

        def add(outcome: Outcome) -> None:
            tally.add(outcome)
            progress.update(task, advance=1, description=f"calls, {len(tally.failed)} failed")

        async with asyncio.TaskGroup() as workers:
            for share in range(arguments.workers):
                workers.create_task(_follow(run, arguments, share, tally, add))
    for table in tables(tally, elapsed_s=time.monotonic() - began_s):
        console.print(table)
    for line in tally.outside:
        console.print(line, style="red")
    arguments.report.parent.mkdir(parents=True, exist_ok=True)
    arguments.report.write_text(json.dumps(tally.document(), indent=2) + "\n", encoding="utf-8")
    console.print(f"every failed call, and how to place it again: {arguments.report}")
    return 0 if tally.is_clean and tally.calls == arguments.calls else 1


async def _follow(
    run: Run, arguments: argparse.Namespace, share: int, tally: Tally, add: Callable[[Outcome], None]
) -> None:
    """Run one worker, and take what it says line by line."""
    command = (
        sys.executable, "-m", "bench.chaos", "--share", str(share), str(arguments.workers),
        "--calls", str(arguments.calls), "--seed", str(run.seed), "--sides", *sorted(run.sides),
        "--at-once", str(max(1, run.at_once // arguments.workers)),
    )  # fmt: skip
    worker = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, limit=_LINE_BYTES)
    assert worker.stdout is not None  # noqa: S101 - it was asked for
    while line := await worker.stdout.readline():
        said = msgspec.json.decode(line, type=Outcome | Afterwards)
        if isinstance(said, Outcome):
            add(said)
        else:
            tally.end(said)
    if status := await worker.wait():
        tally.outside.append(f"worker {share} ended with {status}")


async def _work(run: Run, numbers: range, *, name: str) -> int:
    """Be a worker: place the calls of `numbers`, and say each outcome as a line of JSON."""

    def say(what: Outcome | Afterwards) -> None:
        sys.stdout.buffer.write(msgspec.json.encode(what) + b"\n")
        sys.stdout.buffer.flush()

    say(await play(run, numbers, lambda seen, verdict: say(Outcome.of(seen, verdict)), name=name))
    return 0


async def _replay(run: Run, number: int) -> int:
    problems = 0

    def done(seen: Observation, verdict: Verdict) -> None:
        nonlocal problems
        problems += len(verdict.problems)
        for line in tell(call_plan(run.seed, number, sides=run.sides), seen, verdict):
            console.print(line, markup=False, soft_wrap=True)

    afterwards = await play(run, [number], done, name="chaos-only")
    for line in afterwards.outside:
        console.print(line, style="red")
    return 1 if problems or afterwards.outside else 0


if __name__ == "__main__":
    sys.exit(main())
