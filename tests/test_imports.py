"""Who may import whom: the folders' own rule, and what is installed where a process runs."""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.bundle import MORE

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {"callscribe", "bridge", "functions", "infra", "local", "bench", "tests"}

# Imports point inwards. What isn't listed (local, bench, tests) may import all.
MAY_IMPORT = {
    "callscribe": {"callscribe"},
    "bridge": {"bridge", "callscribe"},
    "functions": {"functions", "callscribe"},
    "infra": {"infra"},
}

# Modules by the package that brings them, where the names differ, and what comes with a package that is asked for.
MODULES = {
    "aws-lambda-powertools": {"aws_lambda_powertools", "aws_xray_sdk"},
    "aiobotocore": {"aiobotocore", "aiohttp", "botocore"},
}
BROUGHT_BY_LAMBDA = {"boto3", "botocore"}


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Yield the full name of each module that running `path` imports; what only type checkers see doesn't run."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def packages_of(group: str) -> set[str]:
    """Return the modules that the dependency group `group` brings."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"][group]
    names = {line.split("[")[0].split(">")[0].split("=")[0].strip() for line in listed}
    return {module for name in names for module in MODULES.get(name, {name.replace("-", "_")})}


def foreign(folder: str, *, but: str = "") -> set[str]:
    """Return the modules outside the project and the standard library that `folder` imports, its folder `but` apart."""
    apart = sources(but) if but else []
    roots = {name.partition(".")[0] for path in sources(folder) if path not in apart for name in imported(path)}
    return roots - FOLDERS - set(sys.stdlib_module_names)


@pytest.mark.parametrize("folder", sorted(MAY_IMPORT))
def test_imports_point_inwards(folder: str) -> None:
    broken = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(folder)
        for name in imported(path)
        if name.partition(".")[0] in FOLDERS - MAY_IMPORT[folder]
    ]

    assert broken == []


def test_the_app_composes_constructs_and_imports_nothing_else() -> None:
    roots = {name.partition(".")[0] for name in imported(ROOT / "app.py")}

    assert roots - set(sys.stdlib_module_names) == {"infra"}


def test_a_function_imports_no_other_function_as_it_is_not_in_its_bundle() -> None:
    functions = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")}

    broken = [
        f"{path.relative_to(ROOT)} imports {name}"
        for function in functions
        for path in sources(f"functions/{function}")
        for name in imported(path)
        if name.startswith("functions.") and name.split(".")[1] in functions - {function}
    ]
    assert functions
    assert broken == []


def test_what_functions_share_imports_no_function() -> None:
    functions = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")}

    shared = [name for path in (ROOT / "functions").glob("*.py") for name in imported(path)]
    assert not {name for name in shared if name.startswith("functions.") and name.split(".")[1] in functions}


def test_functions_import_only_what_their_bundle_or_lambda_brings() -> None:
    for path in sorted((ROOT / "functions").glob("*/")):
        brought = {module for group in ("functions", *MORE.get(path.name, ())) for module in packages_of(group)}
        if path.name != "__pycache__":
            assert foreign(f"functions/{path.name}") <= brought | BROUGHT_BY_LAMBDA, path.name
    own = [name for path in (ROOT / "functions").glob("*.py") for name in imported(path)]
    shared = {name.partition(".")[0] for name in own} - FOLDERS - set(sys.stdlib_module_names)
    assert shared <= packages_of("functions") | BROUGHT_BY_LAMBDA


def test_the_bridge_imports_only_what_its_image_holds() -> None:
    assert foreign("bridge") <= packages_of("bridge")


def test_what_both_share_needs_only_what_both_have() -> None:
    shared = (packages_of("functions") | BROUGHT_BY_LAMBDA) & packages_of("bridge")

    assert foreign("callscribe", but="callscribe/client") <= shared


def test_the_client_is_for_others_programs_and_needs_only_what_comes_with_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = [*project["dependencies"], *project["optional-dependencies"]["client"]]
    insiders = [path for folder in ("bridge", "functions", "infra") for path in sources(folder)]
    insiders += [path for path in sources("callscribe") if path not in sources("callscribe/client")]

    assert foreign("callscribe/client") <= {line.split(">")[0] for line in listed}
    assert not [path for path in insiders for name in imported(path) if name.startswith("callscribe.client")]
