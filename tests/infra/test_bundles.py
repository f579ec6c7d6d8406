"""What Lambda gets to run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bench.cold import LAMBDA_LIKE, environment
from infra.bundle import BundleFailed, Bundles, Target

FUNCTIONS = (
    "voice", "authorize", "subscribe", "push", "publish", "finish", "batch", "join", "deliver", "assist", "calls",
    "sweep", "page",
)  # fmt: skip


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_handler_runs_on_its_bundle_and_what_lambda_brings(name: str) -> None:
    program = (
        f"import sys; sys.path.insert(0, sys.argv[1]); from functions.{name}.handler import handler; print(handler)"
    )
    with Bundles(target=Target.HOST) as bundles:
        done = subprocess.run(
            [LAMBDA_LIKE, "-I", "-B", "-c", program, bundles.make(name)],
            env=environment(name),
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 0, done.stderr
    assert "function handler" in done.stdout


def test_a_bundle_holds_one_function_and_what_they_share() -> None:
    with Bundles(target=Target.LAMBDA) as bundles:
        bundle = bundles.make("push")

        assert {path.name for path in (bundle / "functions").iterdir() if path.is_dir()} == {"push"}
        assert (bundle / "functions" / "__init__.py").is_file()
        assert (bundle / "callscribe" / "log.py").is_file()


def test_a_bundle_for_lambda_holds_arm_code_for_its_python() -> None:
    with Bundles(target=Target.LAMBDA) as bundles:
        compiled = [path.name for path in bundles.make("push").rglob("*.so")]

    assert compiled
    assert {name.split(".", 1)[1] for name in compiled} == {"cpython-314-aarch64-linux-gnu.so"}


def test_the_sdk_is_left_to_lambda_so_that_a_bundle_stays_small() -> None:
    with Bundles(target=Target.LAMBDA) as bundles:
        bundle = bundles.make("voice")

        assert not (bundle / "botocore").exists()
        assert sum(len(content) for content in files(bundle).values()) < 10_000_000


def test_the_same_code_makes_the_same_bundle_wherever_it_is_made(tmp_path: Path) -> None:
    with (
        Bundles(target=Target.LAMBDA, cache=tmp_path / "one") as one,
        Bundles(target=Target.LAMBDA, cache=tmp_path / "other") as other,
    ):
        assert files(one.make("push")) == files(other.make("push"))


def test_packages_are_fetched_once_for_all_functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Bundles(target=Target.HOST, cache=tmp_path) as bundles:
        bundles.make("voice")
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
        monkeypatch.setenv("UV_OFFLINE", "1")

        assert (bundles.make("push") / "msgspec").is_dir()


def test_packages_that_cannot_be_fetched_are_named_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
    monkeypatch.setenv("UV_OFFLINE", "1")

    with Bundles(target=Target.LAMBDA, cache=tmp_path) as bundles, pytest.raises(BundleFailed) as failure:
        bundles.make("voice")

    assert "aws-lambda-powertools" in str(failure.value)
    assert "\n" not in str(failure.value)
    assert list(tmp_path.glob("lambda-*")) == []  # nothing half done is left to be taken for a whole


def test_a_function_that_is_not_there_is_named() -> None:
    with Bundles(target=Target.LAMBDA) as bundles, pytest.raises(BundleFailed, match=r"functions/nothing/handler\.py"):
        bundles.make("nothing")
