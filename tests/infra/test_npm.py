"""Programs that npm has: what comes is what was pinned, or nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from infra import cdk_cli
from infra.npm import Pinned


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return a package of npm's, of one file."""
    folder = tmp_path / "thing"
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps({"name": "thing", "version": "1.0.0"}))
    return folder


def test_what_is_not_what_was_pinned_is_refused_and_not_unpacked(package: Path, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    pinned = Pinned(name="thing", version=f"file:{package}", integrity="sha512-AAAA")

    with pytest.raises(ValueError, match=r"thing file:.* is not what was pinned"):
        pinned.unpack(scratch)

    assert [path.suffix for path in scratch.iterdir()] == [".tgz"]


def test_cdks_command_line_is_the_pinned_one_and_passes_on_what_it_is_told() -> None:
    command = [sys.executable, "-m", "infra.cdk_cli", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PATH": ""})

    assert done.stdout.startswith(f"{cdk_cli.PACKAGE.version} (build ")
