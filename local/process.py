"""A process of the laptop: started on a leash, ready when it says so, its output kept in a file."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

LEASH = Path(__file__).parent / "aws" / "leash.py"
START_S = 60.0
GRACE_S = 5.0


class ProcessFailed(RuntimeError):
    """A process did not start or ended too early; the message is one line that says where to look."""


class Process:
    """One process that runs while inside, and never longer than its parent.

    `ready` is asked about each JSON line that it prints, and returns what is to be known of it (its address, say) once
    it can be used, else None.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        ready: Callable[[dict[str, Any]], str | None],
        environment: Mapping[str, str] | None = None,
        grace_s: float = GRACE_S,
    ) -> None:
        """`grace_s` is how long it may take to end after it was asked to."""
        self._name = name
        self._command = command
        self._log = log
        self._ready = ready
        self._environment = environment
        self._grace_s = grace_s
        self._said: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def pid(self) -> int:
        """The process's group."""
        return self._process.pid

    async def __aenter__(self) -> Self:
        """Return once it is ready. Raises ProcessFailed."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(LEASH),
            str(self._grace_s),
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self._environment,
            start_new_session=True,
        )
        self._reader = asyncio.create_task(self._read())
        try:
            async with asyncio.timeout(START_S):
                await asyncio.shield(self._said)
        except TimeoutError:
            await self._end()
            raise ProcessFailed(f"{self._name} was not ready within {START_S:.0f} s: see {self._log}") from None
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end()

    def kill(self) -> None:
        """End it as a crash would: at once, without a word (SIGKILL)."""
        os.killpg(self.pid, signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end (SIGTERM)."""
        self._process.terminate()

    async def ended(self) -> None:
        """Wait until nothing of it is left that could say anything."""
        await self._process.wait()
        await asyncio.wait({self._reader})

    async def said(self) -> str:
        """Return what it said when it was ready."""
        return await self._said

    async def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        last = ""
        with self._log.open("wb") as log:
            while line := await self._process.stdout.readline():
                log.write(line)
                log.flush()
                last = line.decode(errors="replace").strip() or last
                if not self._said.done() and (answer := self._answer(line)) is not None:
                    self._said.set_result(answer)
        if not self._said.done():
            self._said.set_exception(ProcessFailed(f"{self._name} ended at once: {last}"))

    def _answer(self, line: bytes) -> str | None:
        try:
            return self._ready(msgspec.json.decode(line, type=dict[str, Any]))
        except msgspec.DecodeError:
            return None

    async def _end(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()
        await self._reader
