"""What reaches the local AWS's bucket for a function."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

from local.aws.assets import zipped


def unpacked(folder: Path, into: Path) -> Path:
    zipfile.ZipFile(io.BytesIO(zipped(folder))).extractall(into)
    return into


def test_a_function_is_compiled_for_all_its_copies_and_has_its_source_for_tracebacks(tmp_path):
    package = tmp_path / "function" / "package"
    package.mkdir(parents=True)
    (package / "handler.py").write_text("def handler():\n    raise ValueError\n")
    (package / "data.json").write_text("{}")

    folder = unpacked(tmp_path / "function", tmp_path / "copy")

    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    compiled = f"package/__pycache__/handler.{sys.implementation.cache_tag}.pyc"
    assert files == {"package/handler.py", "package/data.json", compiled}
    # Another time of the source, as each unpacking gives it, is no reason to compile it again.
    os.utime(folder / "package" / "handler.py", (0, 0))
    said = subprocess.run(
        [sys.executable, "-v", "-c", "import package.handler"], cwd=folder, capture_output=True, text=True, check=True
    ).stderr
    assert f"code object from {str(folder / compiled)!r}" in said
