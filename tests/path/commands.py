"""The command line, as people use it on a laptop that is up."""

from __future__ import annotations

import os
import subprocess
import sys

CALLSCRIBE = [sys.executable, "-m", "local.cli"]


def said_by(up, *words: str, status: int = 0) -> tuple[str, str]:
    """Return what a command says, and what it says beside it."""
    done = subprocess.run(
        [*CALLSCRIBE, *words, "--state", str(up.state)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"COLUMNS": "200"},
    )
    assert done.returncode == status, done.stderr
    return done.stdout, done.stderr
