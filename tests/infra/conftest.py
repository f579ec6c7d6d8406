"""One synth for all tests here: the command that `make synth` runs, on a machine that has little."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.bundle import ROOT
from tests.infra.templates import Templates


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


@pytest.fixture(scope="session")
def synth(tmp_path_factory: pytest.TempPathFactory) -> Synth:
    outdir = tmp_path_factory.mktemp("cdk.out")
    # No Node, no Docker, no account: nothing is on PATH, and no variable of AWS's is set.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_", "JSII_"))}
    done = subprocess.run(
        [sys.executable, "app.py", "--output", outdir],
        cwd=ROOT,
        env={**environment, "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Synth(outdir=outdir, said=done.stdout + done.stderr)


@pytest.fixture(scope="session")
def templates(synth: Synth) -> Templates:
    return Templates.read(synth.outdir)
