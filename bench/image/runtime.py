"""Containers of one image, run by runc in the foreground."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, cast

import httpx
import msgspec

from bench.image.container import Task, write_bundle
from bench.image.layout import Runs
from local.process import Process

START_S = 60.0
_numbers = itertools.count(1)


class Line(TypedDict, total=False):
    """A line of the bridge's log."""

    message: str
    port: int


@dataclass(frozen=True, slots=True)
class Unpacked:
    """An image that can be started."""

    root: Path
    runs: Runs
    task: Task


@dataclass(frozen=True, slots=True)
class Start:
    """One start and its end."""

    healthy_s: float  # from the runtime's start to a good health check
    status: int  # after SIGTERM
    stop_s: float


class Runtime:
    """runc, with its state and its bundles in `folder`."""

    def __init__(self, folder: Path, image: Unpacked) -> None:
        self._folder = folder
        self._image = image
        self._runc = ("runc", "--root", str(folder / "runc"))
        self.names: list[str] = []  # of all containers so far
        self.environment: dict[str, str] = {}  # of the last one

    def bridge(self, environment: Mapping[str, str], log: Path) -> Process:
        """Return the bridge of the laptop, in a container."""
        return Process(
            "the bridge's image",
            self._command(environment),
            log=log,
            ready=lambda line: "ready" if line.get("message") == "listening" else None,
        )

    async def start_and_stop(self, environment: Mapping[str, str]) -> Start:
        """Start a container, ask for its health, and end it with SIGTERM."""
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *self._command(environment), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(START_S + self._image.task.stop_s):
            await healthy(f"http://127.0.0.1:{await _port(process)}")
            healthy_s = time.monotonic() - began
            told = time.monotonic()
            process.terminate()  # runc passes it on
            await process.communicate()
        return Start(healthy_s, cast("int", process.returncode), time.monotonic() - told)

    async def python(self, name: str, program: str) -> bytes:
        """Return what the image's Python prints when it runs `program` in the container `name`."""
        process = await asyncio.create_subprocess_exec(
            *self._runc, "exec", name, "python", "-c", program, stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(START_S):
            said, _ = await process.communicate()
        return said

    async def remove(self) -> None:
        """End what is left of all containers: nothing, unless a run was broken off."""
        for name in self.names:
            process = await asyncio.create_subprocess_exec(*self._runc, "delete", "--force", name)
            await process.wait()

    def _command(self, environment: Mapping[str, str]) -> list[str]:
        name = f"callscribe-{os.getpid()}-{next(_numbers)}"
        bundle = self._folder / name
        image = self._image
        write_bundle(bundle, root=image.root, runs=image.runs, task=image.task, environment=environment)
        self.names.append(name)
        self.environment = dict(environment)
        return [*self._runc, "run", "--bundle", str(bundle), name]


async def healthy(url: str) -> dict[str, int]:
    """Return the status of each health check of the bridge at `url`."""
    async with httpx.AsyncClient() as http:
        return {path: (await http.get(url + path)).status_code for path in ("/healthz", "/readyz")}


async def _port(process: asyncio.subprocess.Process) -> int:
    """Return the port that the bridge says it listens on."""
    output = cast("asyncio.StreamReader", process.stdout)
    while line := await output.readline():
        said = msgspec.json.decode(line, type=Line)
        if said.get("message") == "listening":
            return said["port"]
    raise RuntimeError("the container ended before it listened")
