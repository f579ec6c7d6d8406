"""What Lambda gets to run."""

from __future__ import annotations

import _imp
import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.cold import LAMBDA_LIKE, environment
from infra.bundle import Bundles, Target
from infra.packages import LEFT_OUT, BundleFailed

FUNCTIONS = (
    "voice", "authorize", "subscribe", "push", "publish", "finish", "batch", "join", "deliver", "assist", "calls",
    "sweep", "page",
)  # fmt: skip


@pytest.fixture(scope="module")
def here() -> Iterator[Bundles]:
    with Bundles(target=Target.HOST) as bundles:
        yield bundles


@pytest.fixture(scope="module")
def for_lambda() -> Iterator[Bundles]:
    with Bundles(target=Target.LAMBDA) as bundles:
        yield bundles


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_handler_runs_on_its_bundle_and_what_lambda_brings(here: Bundles, name: str) -> None:
    assert f"functions.{name}.handler" in imported_by(name, here.make(name))


def test_a_bundle_holds_one_function_and_what_they_share(for_lambda: Bundles) -> None:
    bundle = for_lambda.make("push")

    assert {path.name for path in (bundle / "functions").iterdir() if path.is_dir()} == {"push", "__pycache__"}
    assert (bundle / "functions" / "__init__.py").is_file()
    assert (bundle / "callscribe" / "log.py").is_file()


def test_a_bundle_for_lambda_holds_arm_code_for_its_python(for_lambda: Bundles) -> None:
    compiled = [path.name for path in for_lambda.make("push").rglob("*.so")]

    assert compiled
    assert {name.split(".", 1)[1] for name in compiled} == {"cpython-314-aarch64-linux-gnu.so"}


@pytest.mark.parametrize(("name", "most_bytes"), [(name, 4_000_000) for name in FUNCTIONS if name != "join"])
def test_the_sdk_is_left_to_lambda_so_that_a_bundle_stays_small(
    for_lambda: Bundles, name: str, most_bytes: int
) -> None:
    bundle = for_lambda.make(name)

    assert not (bundle / "botocore").exists()
    assert sum(len(content) for content in files(bundle).values()) < 4_000_000


PYTHON_3_14 = 3627  # the magic number of its bytecode
UNCHECKED = 0b01  # PEP 552: taken by its source's hash, which nobody looks at


def test_lambda_gets_all_python_compiled_for_the_python_that_it_has(for_lambda: Bundles) -> None:
    held = files(for_lambda.make("voice"))
    sources = [Path(name) for name in held if name.endswith(".py")]

    assert len(sources) > 100
    for path in sources:
        compiled = held[str(path.parent / "__pycache__" / f"{path.stem}.cpython-314.pyc")]
        assert int.from_bytes(compiled[:2], "little") == PYTHON_3_14
        assert int.from_bytes(compiled[4:8], "little") == UNCHECKED
        key = int.from_bytes(compiled[:4], "little")
        assert compiled[8:16] == _imp.source_hash(key, held[str(path)]), path
    assert sum(name.endswith(".pyc") for name in held) == len(sources)


def test_what_was_compiled_is_run_and_no_source_is_read(here: Bundles, tmp_path: Path) -> None:
    bundle = here.make("page")
    for source in bundle.rglob("*.py"):
        source.write_text("raise SystemExit('compiled anew')")

    assert imported_by("page", bundle) >= {"functions.page.handler", "aws_lambda_powertools"}


# What took most of a cold start, or would: each is imported by whoever needs it, once it is needed.
HEAVY = {
    "aws_lambda_powertools.event_handler", "aws_lambda_powertools.utilities.batch",
    "aws_lambda_powertools.utilities.data_classes", "aws_lambda_powertools.utilities.idempotency",
    "aws_lambda_powertools.utilities.parser", "aws_xray_sdk", "asyncio", "boto3.dynamodb.table", "email.mime",
    "httpx", "importlib.metadata", "jsonschema", "multiprocessing", "pydantic", "requests",
}  # fmt: skip
# The page's function asks AWS for nothing.
HEAVIER = {"page": {"boto3", "botocore", "msgspec"}}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_cold_start_imports_nothing_heavy_that_its_first_event_may_not_need(here: Bundles, name: str) -> None:
    brought = imported_by("", Path())

    assert not (imported_by(name, here.make(name)) - brought) & (HEAVY | HEAVIER.get(name, set()))


def test_what_is_left_out_of_packages_nobody_asks_for(here: Bundles) -> None:
    left_out = tuple(folder.replace("/", ".") for folder in LEFT_OUT)
    # For data that is a model of Pydantic's, which no function has.
    known = {("aws_lambda_powertools/shared/functions.py", "aws_lambda_powertools.event_handler.openapi.compat")}
    bundle = here.make("batch")

    asked = {
        (str(path.relative_to(bundle)), name)
        for path in bundle.rglob("*.py")
        for name in imports(path)
        if name.startswith(left_out)
    }
    assert asked == known


def imports(path: Path) -> Iterator[str]:
    """Yield the modules that running `path` imports, at any time; what only type checkers see doesn't run."""
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module)
        elif isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def imported_by(name: str, bundle: Path) -> set[str]:
    """Return the modules that are there once the handler of `name` is; without a name, those of boto3 alone."""
    handler = f"import functions.{name}.handler" if name else "import boto3; boto3.client('dynamodb')"
    program = f"import sys; sys.path.insert(0, sys.argv[1]); {handler}; print(*sys.modules)"
    command = [LAMBDA_LIKE, "-I", "-B", "-c", program, bundle]
    done = subprocess.run(command, env=environment(name), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


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
