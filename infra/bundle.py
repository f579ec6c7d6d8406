"""What Lambda gets to run: a function's folder, what it shares with the others, and its packages as locked.

All Python in it is compiled beforehand (`infra.bytecode`), and clients of AWS read short descriptions of its services
(`infra.service_models`).
"""

import hashlib
import platform
import shutil
import sys
import tempfile
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Final, Self

from infra import service_models
from infra.bytecode import PYODIDE, PYTHON, compile_for_here, compile_for_lambda
from infra.packages import LEFT_OUT, ROOT, BundleFailed, export_requirements, install

# What a function reads beside what it imports, by its name.
READ: Final = {"page": ("web",)}

# The groups of packages that a function has besides `functions`, by its name: what the others need not carry.
MORE: Final = {"join": ("join",)}

# Our own working copy may hold what other Pythons have compiled.
_COMPILED: Final = shutil.ignore_patterns("__pycache__", "*.pyc")


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
            return f"lambda {PYTHON}, by {PYODIDE.version}"
        return f"{platform.platform()} {sys.version}"

    def compile(self, folder: Path) -> None:
        """Compile all Python in `folder`. Raises BundleFailed."""
        if self is Target.LAMBDA:
            compile_for_lambda(folder)
        else:
            compile_for_here(folder)


class Bundles:
    """Folders ready to be zipped, one a function, for as long as it is open.

    The packages are installed and compiled once for all functions and kept in `cache` under a name made of the lock's
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
        bundle = Path(self._scratch.name) / "functions" / name
        if self._target is Target.NONE:
            bundle.mkdir(parents=True)
            return bundle
        if not (function / "handler.py").is_file():
            raise BundleFailed(f"functions/{name}/handler.py isn't there")
        if bundle.is_dir():
            return bundle
        shutil.copytree(self._packages(*MORE.get(name, ())), bundle)
        for folder in ("callscribe", f"functions/{name}", "functions/__pycache__", service_models.FOLDER):
            shutil.copytree(self._own / folder, bundle / folder)
        for module in (self._own / "functions").glob("*.py"):
            shutil.copy2(module, bundle / "functions")
        for folder in READ.get(name, ()):
            shutil.copytree(ROOT / folder, bundle / folder, ignore=_COMPILED)
        return bundle

    @cached_property
    def _own(self) -> Path:
        """What is ours in all functions, compiled."""
        own = Path(self._scratch.name) / "own"
        for folder in ("callscribe", "functions"):
            shutil.copytree(ROOT / folder, own / folder, ignore=_COMPILED)
        self._target.compile(own)
        service_models.write(own / service_models.FOLDER)
        return own

    def _packages(self, *more: str) -> Path:
        requirements = export_requirements(*more)
        made_of = (self._target.fingerprint(), requirements, *LEFT_OUT)
        key = hashlib.sha256("\n".join(made_of).encode()).hexdigest()[:16]
        packages = self._cache / f"{self._target}-{key}"
        if not packages.is_dir():
            self._cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._cache) as scratch:
                fresh = Path(scratch) / "packages"
                install(requirements, into=fresh, options=self._target.options())
                self._target.compile(fresh)
                _move(fresh, packages)
        return packages


def _move(fresh: Path, packages: Path) -> None:
    """Put `fresh` in its place at once, so that a synth beside this one sees all of it or nothing."""
    try:
        fresh.rename(packages)
    except OSError:
        if not packages.is_dir():  # otherwise the other one was first, with the same content
            raise
