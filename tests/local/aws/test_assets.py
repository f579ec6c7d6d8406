"""What reaches the local AWS's bucket for a function."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile

from infra.bytecode import compile_for_here
from local.aws.assets import LARGE_BYTES, zipped


def test_a_function_that_was_compiled_is_not_compiled_again_where_it_is_unpacked(tmp_path):
    package = tmp_path / "function" / "package"
    package.mkdir(parents=True)
    (package / "handler.py").write_text("def handler():\n    raise ValueError\n")
    (package / "data.json").write_text("{}")
    compile_for_here(tmp_path / "function")

    folder = tmp_path / "copy"
    zipfile.ZipFile(zipped(tmp_path / "function")).extractall(folder)

    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    compiled = f"package/__pycache__/handler.{sys.implementation.cache_tag}.pyc"
    assert files == {"package/handler.py", "package/data.json", compiled}
    # Another time of the source, as each unpacking gives it, is no reason to compile it again.
    os.utime(folder / "package" / "handler.py", (0, 0))
    said = subprocess.run(
        [sys.executable, "-v", "-c", "import package.handler"], cwd=folder, capture_output=True, text=True, check=True
    ).stderr
    assert f"code object from {str(folder / compiled)!r}" in said


def test_an_archive_is_made_once_and_holds_the_folder_whatever_its_size(tmp_path):
    folder = tmp_path / "asset.0123"
    (folder / "within").mkdir(parents=True)
    (folder / "small.txt").write_bytes(b"small")
    (folder / "within" / "large.so").write_bytes(bytes(LARGE_BYTES + 1))

    archive = zipped(folder)
    made_at = archive.stat().st_mtime_ns

    with zipfile.ZipFile(archive) as held:
        assert held.read("small.txt") == b"small"
        assert held.read("within/large.so") == bytes(LARGE_BYTES + 1)
    assert archive.stat().st_size < LARGE_BYTES
    assert zipped(folder) == archive
    assert archive.stat().st_mtime_ns == made_at
    assert {path.name for path in tmp_path.iterdir()} == {"asset.0123", "asset.0123.zip"}
