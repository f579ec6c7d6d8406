"""One synth for all tests here: what `make synth` runs, with nothing on PATH and no account."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.infra.templates import Templates

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from aws_cdk import App


@dataclass(frozen=True, slots=True)
class Synth:
    """What the command wrote, and what it said."""

    outdir: Path
    said: str


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests on one worker, so that one synth serves them."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("infra"))


# CDK takes seconds to import, so it isn't while tests are merely collected.


@pytest.fixture(scope="session")
def command() -> ModuleType:
    return importlib.import_module("infra.synth")


@pytest.fixture(scope="session")
def compose() -> Callable[[App], None]:
    compose: Callable[[App], None] = importlib.import_module("app").compose
    return compose


@pytest.fixture(scope="session")
def synth(tmp_path_factory: pytest.TempPathFactory, command: ModuleType, compose: Callable[[App], None]) -> Synth:
    outdir = tmp_path_factory.mktemp("cdk.out")
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as machine, contextlib.redirect_stdout(said):
        machine.setenv("PATH", "")
        for name in os.environ:
            if name.startswith(("AWS_", "CDK_")):
                machine.delenv(name)
        machine.setattr(sys, "argv", ["app.py", "--output", str(outdir)])
        command.main(compose)
    return Synth(outdir=outdir, said=said.getvalue())


@pytest.fixture(scope="session")
def templates(synth: Synth) -> Templates:
    return Templates.read(synth.outdir)
