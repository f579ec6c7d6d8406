"""The bridge's image, made by its own recipe without Docker."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest
import uv

from infra.packages import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.conftest import Synth

RECIPE = (ROOT / "bridge" / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def sources(synth: Synth) -> Path:
    """Return the folder that Docker is given."""
    (image,) = json.loads((synth.outdir / "Bridge.assets.json").read_text())["dockerImages"].values()
    assert image["source"]["dockerFile"] == "bridge/Dockerfile"
    assert image["source"]["platform"] == "linux/arm64"
    return synth.outdir / str(image["source"]["directory"])


def test_docker_is_given_the_bridge_and_what_it_needs_alone(sources: Path) -> None:
    given = {path.name for path in sources.iterdir()}

    assert given == {".dockerignore", "bridge", "callscribe", "pyproject.toml", "uv.lock"}
    assert not list(sources.rglob("__pycache__"))


def test_the_recipe_copies_only_what_docker_is_given(sources: Path) -> None:
    for line in re.findall(r"^COPY (?!--from)(.+)$", RECIPE, re.MULTILINE):
        for copied in line.split()[:-1]:
            assert (sources / copied).exists()


def test_the_recipe_uses_the_uv_that_wrote_the_lock() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["infra"]

    assert re.findall(r"uv==[\d.]+", RECIPE) == [line for line in listed if line.startswith("uv==")]


def test_the_image_runs_the_newest_python_and_not_as_root() -> None:
    assert RECIPE.splitlines()[1] == "ARG BASE=python:3.14-slim"
    assert re.findall(r"^USER (\w+)$", RECIPE, re.MULTILINE) == ["bridge"]
    assert RECIPE.splitlines()[-1] == 'CMD ["python", "-m", "bridge"]'


def test_the_user_that_the_image_runs_as_owns_the_folder_that_is_written_to() -> None:
    assert "install --directory --owner=bridge /spill" in RECIPE
    assert 'VOLUME ["/spill"]' in RECIPE


def test_the_recipe_keeps_the_services_that_the_bridge_asks_and_the_one_that_roles_come_from() -> None:
    bridge = "".join(path.read_text() for path in (ROOT / "bridge").rglob("*.py"))

    kept = set(re.findall(r"! -name (\w+)", RECIPE))
    assert kept == {*re.findall(r"create_client\(\s*\"(\w+)\"", bridge), "sts"}


def test_the_recipe_finds_the_python_of_its_base_wherever_that_is() -> None:
    assert "--no-managed-python --python python3" in RECIPE
    assert not re.search(r"/bin/python|python3\.\d", RECIPE)


def test_what_the_recipe_installs_is_enough_to_start_the_bridge(sources: Path, tmp_path: Path) -> None:
    (command,) = re.findall(r"^RUN uv (sync .+)$", RECIPE, re.MULTILINE)
    options = [option for option in shlex.split(command) if option not in ("--no-cache", "--compile-bytecode")]
    options[options.index("--python") + 1] = sys.executable
    environment = {"UV_PROJECT_ENVIRONMENT": str(tmp_path / "packages"), "UV_NO_PROGRESS": "1"}
    subprocess.run([uv.find_uv_bin(), *options], cwd=sources, env=environment, capture_output=True, check=True)

    done = subprocess.run(
        [tmp_path / "packages" / "bin" / "python", "-B", "-m", "bridge"],
        cwd=sources,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )

    # All is imported by the time it misses its settings.
    assert "CALLS_TABLE is not set" in done.stdout + done.stderr
    assert done.returncode == 2
