"""Packages as locked, installed for another machine, without what nothing of ours imports."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uv

ROOT: Final = Path(__file__).resolve().parent.parent

# Lambda brings its own botocore with boto3; a second one would be four fifths of the bundle.
PROVIDED: Final = ("botocore",)

# Powertools comes whole, and most of it is for events that we read ourselves. A test holds what stays against this.
_UTILITIES: Final = (
    "auth_alpha", "batch", "circuit_breaker", "data_classes", "data_masking", "feature_flags", "kafka", "metadata",
    "parser", "streaming", "validation",
)  # fmt: skip
LEFT_OUT: Final = (
    "aws_lambda_powertools/event_handler",
    *(f"aws_lambda_powertools/utilities/{name}" for name in _UTILITIES),
)

# For type checkers; and what changes without the code changing, so that equal code has equal hashes: uv's lock, and
# scripts that name this machine's Python on their first line, with the file that lists their checksums.
_NOT_RUN: Final = ("*.pyi", "py.typed", ".lock", "bin", "*.dist-info/RECORD")


class BundleFailed(RuntimeError):
    """A bundle can't be made; the message says why in one line."""


def export_requirements(*more: str) -> str:
    """Return the lock's pins and hashes for the functions, and of the groups `more`, as a requirements file.

    Raises BundleFailed.
    """
    prune = [option for package in PROVIDED for option in ("--prune", package)]
    groups = [option for group in ("functions", *more) for option in ("--only-group", group)]
    return _uv(["export", "--frozen", *groups, *prune, "--no-header", "--no-annotate", "--quiet"])


def install(requirements: str, *, into: Path, options: Sequence[str]) -> None:
    """Install what `requirements` lists and nothing else, as wheels, into the new folder `into`; then take away.

    `options` are uv's for whom it is. Only wheels: a package built here would be for this machine. Raises BundleFailed.
    """
    listed = into.with_suffix(".txt")
    listed.write_text(requirements, encoding="utf-8")
    fixed = ["--target", str(into), "--no-deps", "--only-binary", ":all:"]
    _uv(["pip", "install", "--quiet", "--requirements", str(listed), *fixed, *options])
    for folder in LEFT_OUT:
        shutil.rmtree(into / folder)
    for pattern in _NOT_RUN:
        for path in into.rglob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _uv(arguments: Sequence[str]) -> str:
    # The environment that runs the synth has the uv that wrote the lock; another on PATH may differ.
    done = subprocess.run(  # noqa: S603
        [uv.find_uv_bin(), *arguments],
        cwd=ROOT,
        env={**os.environ, "UV_NO_PROGRESS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BundleFailed(f"uv {' '.join(arguments[:2])}: {_one_line(done.stderr)}")
    return done.stdout


def _one_line(text: str) -> str:
    """Return uv's causes, which it writes below each other, beside each other."""
    parts = (line.strip(" ├╰─▶│\N{MULTIPLICATION SIGN}") for line in text.splitlines())
    return "; ".join(part.removeprefix("error: ") for part in parts if part)
