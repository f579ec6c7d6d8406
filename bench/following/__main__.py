"""`python -m bench.following`: what following calls keeps and costs, in one run.

A client whose connections are cut a thousand times, and one that joins after every number; the page in a browser; then,
on the locally deployed stack, fifty calls whose partials are followed, and five hundred subscribers on one call,
without and with one who never reads. The exit status is 1 if anybody does not have exactly the log.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.following.cuts import cut_off, late
from bench.following.fan_out import FanOut, fan_out
from bench.following.page import UTTERANCES, page_ms
from bench.following.partials import Gladia, shown_ms
from bench.following.service import KEY, FollowingService
from bench.services import serving
from callscribe.client import Callscribe, link
from local.laptop import laptop

console = Console(highlight=False, width=120)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of `values` are; NaN of none."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


async def promises(cuts: int, joins: int) -> bool:
    """Cut a client off, and let others join late; return whether each had exactly the log."""
    link.FIRST_RETRY_S = 0.0
    with console.status("cutting") as status:
        done = 0

        def cut() -> None:
            nonlocal done
            done += 1
            status.update(f"{done} of {cuts} cuts")

        async with FollowingService() as service, Callscribe(service.url, key=KEY) as client:
            seen, length = await cut_off(service, client, cuts, done=cut)
            is_whole = seen == list(range(1, length + 1))
            console.print(
                f"{cuts} cuts: {len(seen)} entries given of {length}, {'exactly the log' if is_whole else 'WRONG'}"
            )
            status.update(f"joining after each of {joins} numbers")
            wrong = await late(service, client, joins)
    link.FIRST_RETRY_S = 0.5
    console.print(
        f"joined after each of {joins} numbers: {'exactly the rest each time' if not wrong else f'WRONG {wrong}'}"
    )
    return is_whole and not wrong


def spread_ms(values_s: Sequence[float]) -> str:
    """Return the median of these seconds, and their range, in ms."""
    low, middle, high = (value * 1000 for value in (min(values_s), quantile(values_s, 0.5), max(values_s)))
    return f"{middle:.0f} ms ({low:.0f} to {high:.0f})"


def table(rows: Sequence[tuple[str, FanOut]]) -> Table:
    """Return what came of each fan-out."""
    shown = Table(title="From the append of a final to its subscribers", title_justify="left", title_style="bold")
    for name in ("", "subscribers", "half had it after", "the slowest after", "without exactly the log"):
        shown.add_column(name, justify="right" if name else "left")
    for name, each in rows:
        shown.add_row(
            name, str(each.subscribers), spread_ms(each.medians_s), spread_ms(each.slowest_s), str(each.incomplete)
        )
    return shown


async def main() -> int:
    """Run, print; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.following", description=__doc__)
    parser.add_argument("--cuts", type=int, default=1000)
    parser.add_argument("--joins", type=int, default=200, help="length of the log that is joined after every number")
    parser.add_argument("--subscribers", type=int, default=500)
    parser.add_argument("--finals", type=int, default=10)
    parser.add_argument("--calls", type=int, default=50, help="whose partials are followed")
    parser.add_argument("--seconds", type=float, default=30.0)
    arguments = parser.parse_args()
    console.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    well = await promises(arguments.cuts, arguments.joins)
    with console.status("looking at the page"):
        shown, frames = await page_ms()
    console.print(
        f"the page: {len(shown)} partials, from the message to the screen: p50 {quantile(shown, 0.5):.0f} ms, "
        f"p99 {quantile(shown, 0.99):.0f} ms; {UTTERANCES} utterances scrolled through: a frame every "
        f"{quantile(frames, 0.5):.1f} ms, p99 {quantile(frames, 0.99):.1f} ms"
    )
    gladia = Gladia()
    with console.status("setting up") as status:
        async with serving(gladia):
            os.environ["GLADIA_API_KEY"], os.environ["GLADIA_API_URL"] = "k", gladia.url
            state = Path(tempfile.mkdtemp(prefix="callscribe-following-"))
            async with laptop(progress=status.update, state_dir=state) as (addresses, stack):
                found = await shown_ms(
                    addresses, stack, calls=arguments.calls, seconds=arguments.seconds, said_so=status.update
                )
                fans = [
                    (
                        name,
                        await fan_out(
                            addresses, stack, subscribers=arguments.subscribers, finals=arguments.finals,
                            never_reads=never_reads, said_so=status.update,
                        ),
                    )
                    for name, never_reads in (("all read", False), ("beside one who never reads", True))
                ]  # fmt: skip
    console.print(
        f"{arguments.calls} calls: {len(found)} partials, from Gladia to the client's hands: "
        f"p50 {quantile(found, 0.5):.1f} ms, p99 {quantile(found, 0.99):.1f} ms"
    )
    console.print(table(fans))
    return 0 if well and not any(each.incomplete for _, each in fans) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
