"""What Lambda gets to run: a function's folder, what it shares with the others, and its packages as locked."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

import uv

PYTHON: Final = "3.14"  # Lambda's newest, supported until the middle of 2029
ROOT: Final = Path(__file__).resolve().parent.parent

# Lambda brings its own botocore with boto3; a second one would be four fifths of the bundle.
PROVIDED: Final = ("botocore",)

# What a function reads beside what it imports, by its name.
READ: Final = {"page": ("web",)}

# The groups of packages that a function has besides `functions`, by its name: what the others need not carry.
MORE: Final = {"join": ("join",)}

# What changes without the code changing, so that equal code has equal hashes: caches, uv's lock, and scripts that
# name this machine's Python on their first line, with the file that lists their checksums.
_UNSTABLE: Final = shutil.ignore_patterns("__pycache__", "*.pyc", ".lock", "bin", "RECORD")


class BundleFailed(RuntimeError):
    """A bundle can't be made; the message says why in one line."""


class Target(StrEnum):
    """Whom a bundle is for: Lambda on arm64, this machine's own Python, or nobody, who wants the templates alone."""

    LAMBDA = "lambda"
    HOST = "host"
    NONE = "none"

    def options(self) -> list[str]:
        """Return the options that make uv install for this target, whatever machine it runs on."""
        if self is Target.LAMBDA:
            # Amazon Linux 2023, which Lambda runs this Python on, has glibc 2.34.
            return ["--python-platform", "aarch64-manylinux_2_34", "--python-version", PYTHON]
        return ["--python", sys.executable]

    def fingerprint(self) -> str:
        """Return what two machines must share for their packages to be interchangeable."""
        if self is Target.LAMBDA:
            return f"lambda {PYTHON}"
        return f"{platform.platform()} {sys.version}"


class Bundles:
    """Folders ready to be zipped, one a function, for as long as it is open.

    The packages are installed once for all functions and kept in `cache` under a name made of the lock's
    content, so only the first synth after a change of the lock uses the network, and only for wheels that uv's own
    cache lacks.
    """

    def __init__(self, *, target: Target, cache: Path = ROOT / ".callscribe" / "bundles") -> None:
        self._target = target
        self._cache = cache
        self._scratch = tempfile.TemporaryDirectory(prefix="callscribe-bundles-")

    def __enter__(self) -> Self:
        """Return itself; the folders last until the `with` ends."""
        return self

    def __exit__(self, *_: object) -> None:
        self._scratch.cleanup()

    def make(self, name: str) -> Path:
        """Return a folder with `functions.<name>`, everything it imports and what it reads. Raises BundleFailed."""
        function = ROOT / "functions" / name
        bundle = Path(self._scratch.name) / name
        if self._target is Target.NONE:
            bundle.mkdir()
            return bundle
        if not (function / "handler.py").is_file():
            raise BundleFailed(f"functions/{name}/handler.py isn't there")
        shutil.copytree(self._packages(*MORE.get(name, ())), bundle, ignore=_UNSTABLE)
        shutil.copytree(ROOT / "callscribe", bundle / "callscribe", ignore=_UNSTABLE)
        shutil.copytree(function, bundle / "functions" / name, ignore=_UNSTABLE)
        for module in (ROOT / "functions").glob("*.py"):
            shutil.copy2(module, bundle / "functions")
        for folder in READ.get(name, ()):
            shutil.copytree(ROOT / folder, bundle / folder, ignore=_UNSTABLE)
        return bundle

    def _packages(self, *more: str) -> Path:
        requirements = export_requirements(*more)
        key = hashlib.sha256(f"{self._target.fingerprint()}\n{requirements}".encode()).hexdigest()[:16]
        packages = self._cache / f"{self._target}-{key}"
        if not packages.is_dir():
            self._cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._cache) as scratch:
                fresh = Path(scratch) / "packages"
                install(requirements, into=fresh, target=self._target)
                _move(fresh, packages)
        return packages


def export_requirements(*more: str) -> str:
    """Return the lock's pins and hashes for the functions, and of the groups `more`, as a requirements file.

    Raises BundleFailed.
    """
    prune = [option for package in PROVIDED for option in ("--prune", package)]
    groups = [option for group in ("functions", *more) for option in ("--only-group", group)]
    return _uv(["export", "--frozen", *groups, *prune, "--no-header", "--no-annotate", "--quiet"])


def install(requirements: str, *, into: Path, target: Target) -> None:
    """Install what `requirements` lists and nothing else, as wheels, into the new folder `into`.

    Only wheels: a package built here would be for this machine. Raises BundleFailed.
    """
    listed = into.with_suffix(".txt")
    listed.write_text(requirements, encoding="utf-8")
    options = ["--target", str(into), "--no-deps", "--only-binary", ":all:", *target.options()]
    _uv(["pip", "install", "--quiet", "--requirements", str(listed), *options])


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


def _move(fresh: Path, packages: Path) -> None:
    """Put `fresh` in its place at once, so that a synth beside this one sees all of it or nothing."""
    try:
        fresh.rename(packages)
    except OSError:
        if not packages.is_dir():  # otherwise the other one was first, with the same content
            raise
