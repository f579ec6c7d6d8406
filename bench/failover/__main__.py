"""`python -m bench.failover --calls 20 --how kill`: two bridges behind a balancer, and one of them dies in mid-call.

Without `--how`, it is killed, told to go, replaced with the other as a deployment does, and left alone while the media
streams die, one run after the other. Calls go at their real pace. The exit status is 1 if anything is lost, repeated,
heard late, or not told to the frame.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys

import uvloop
from rich.console import Console

from bench.failover.report import is_clean, problems, table
from bench.failover.run import HOWS, Outcome, Run, play

console = Console(highlight=False)


def main() -> int:
    """Run and report; return the exit status."""
    arguments = _arguments()
    return uvloop.run(_run(arguments))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.failover", description=__doc__)
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long a call is at the most")
    parser.add_argument("--how", nargs="+", choices=HOWS, default=("kill", "term", "rollout", "lost"))
    parser.add_argument("--throttled-s", type=float, default=0.0, help="DynamoDB refuses all for so long, meanwhile")
    parser.add_argument("--refusals", type=int, nargs="*", default=(), help="first answers of Twilio's REST API")
    return parser.parse_args()


async def _run(arguments: argparse.Namespace) -> int:
    outcomes: list[Outcome] = []
    for how in arguments.how:
        run = Run(
            how=how,
            calls=arguments.calls,
            seconds=arguments.seconds,
            throttled_s=arguments.throttled_s,
            refusals=tuple(arguments.refusals),
        )
        with console.status(how) as status:
            outcomes.append(await play(run, lambda text, how=how: status.update(f"{how}: {text}")))  # type: ignore[misc]
    console.print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    console.print(table(outcomes))
    for line in problems(outcomes):
        console.print(line, style="red", markup=False)
    return 0 if is_clean(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
