"""How commands speak to people: results on standard output, errors as one red line that says what to do."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Coroutine, Iterator
from typing import Any, NoReturn

import typer
from rich.console import Console

from callscribe.client import CannotFollow, RequestFailed
from local.audio import NotAudio
from local.laptop import LaptopError

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def fail(message: str) -> NoReturn:
    """Say what went wrong, and end with 2."""
    errors.print(f"callscribe: {message}", style="red", markup=False)
    raise typer.Exit(2)


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Let errors that are meant for people be lines rather than tracebacks."""
    try:
        yield
    except (CannotFollow, LaptopError, NotAudio, RequestFailed) as error:
        fail(str(error))


def run(work: Coroutine[Any, Any, int]) -> int:
    """Do `work` and return its exit status; Ctrl-C ends it with 130."""
    try:
        with told():
            return asyncio.run(work)
    except KeyboardInterrupt:
        sys.exit(130)
