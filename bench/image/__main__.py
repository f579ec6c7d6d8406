"""`python -m bench.image`: the bridge's image, built without Docker, started under its task definition, and tried.

A call goes through it as through the deployed one: simulated Twilio, emulated Gladia, local AWS under the task's role.
The exit status is 1 if anything is not as it has to be, and 2 if it can't be tried here.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys

from rich.console import Console

from bench.image.build import Builder, BuildFailed, image_sources
from bench.image.container import task_of
from bench.image.layout import read_layout
from bench.image.machine import missing
from bench.image.report import layers, problems, trial
from bench.image.runtime import Unpacked
from bench.image.trial import put_to_trial
from local.aws.assembly import read_assembly
from local.laptop import STATE, LaptopError
from local.synthesis import synthesized

console = Console(highlight=False, width=100)


def main() -> int:
    """Build, try and report; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.image", description=__doc__)
    parser.add_argument("--base", default="", help="the image to build on, one of Debian's packages unless given")
    arguments = parser.parse_args()
    if (lacking := missing()) is not None:
        console.print(lacking, markup=False, soft_wrap=True)
        return 2
    try:
        return _build_and_try(arguments.base)
    except (BuildFailed, LaptopError) as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        return 1


def _build_and_try(base: str) -> int:
    console.print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with console.status("setting up") as status:
        assembly = synthesized()
        builder = Builder(STATE / "image", progress=status.update)
        builder.build(image_sources(assembly), base or builder.base())
        image = read_layout(builder.export())
        console.print(layers(image))
        container, root = builder.unpack()
        try:
            unpacked = Unpacked(root, image.runs, task_of(read_assembly(assembly)))
            seen = asyncio.run(put_to_trial(unpacked, progress=status.update))
        finally:
            builder.remove(container)
    console.print(trial(seen))
    wrong = problems(unpacked, seen)
    for line in wrong:
        console.print(line, style="red", markup=False)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
