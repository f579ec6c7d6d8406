"""Python compiled beforehand: Lambda can't keep what it compiles, and would compile all of it in each cold start.

Bytecode is for one version of Python and for any platform. Lambda's version need not be on the machine that synthesizes
a bundle: CPython as WebAssembly compiles, run by the Node that is there for CDK. Where the runtime's Python is
of another version after all, it passes over these files and compiles the sources beside them, as without them.

Source: PEP 3147 (where the files are), PEP 552 (files that are valid whatever the time of their sources).
"""

import compileall
import subprocess
import sys
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Final

from infra.npm import NODE, Pinned
from infra.packages import BundleFailed

PYTHON: Final = "3.14"  # Lambda's newest, supported until the middle of 2029
TASK_ROOT: Final = "/var/task"  # where Lambda unpacks a function, and what a stack trace has to say

# MPL-2.0; used here and never shipped. Its major version is that of the Python in it.
PYODIDE: Final = Pinned(
    name="pyodide",
    version="314.0.7",
    integrity="sha512-0YvXxEhfEdpLfb/XkM2BFAeMROq0iMUX2bzzH9pOttyMcWkwq+HbE5uyuGD82LN7y2q+SNvi/6V5JEsOlD2R1A==",
)
_SCRIPT: Final = """\
const { loadPyodide } = await import(process.argv[1]);
const python = await loadPyodide();
python.mountNodeFS("/code", process.argv[2]);
python.runPython(`
import compileall, sys
from py_compile import PycInvalidationMode
assert sys.version_info[:2] == (${process.argv[3].replace(".", ", ")}), sys.version
if not compileall.compile_dir(
    "/code", maxlevels=99, quiet=1, stripdir="/code", prependdir="${process.argv[4]}",
    invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
):
    sys.exit(1)
`);
"""


def compile_for_lambda(folder: Path) -> None:
    """Put bytecode for Lambda's Python beside all of it in `folder`. Takes some seconds. Raises BundleFailed."""
    command = [str(NODE), "--input-type=module", "--eval", _SCRIPT]
    arguments = [str(_pyodide() / "pyodide.mjs"), str(folder), PYTHON, TASK_ROOT]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        raise BundleFailed(f"the code does not compile: {said[0] if said else 'no message'}")


def compile_for_here(folder: Path) -> None:
    """Put bytecode for this Python beside all Python in `folder`. Raises BundleFailed."""
    is_done = compileall.compile_dir(
        folder, maxlevels=99, quiet=2, stripdir=folder, prependdir=TASK_ROOT,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )  # fmt: skip
    if not is_done:
        raise BundleFailed(f"the code does not compile with Python {sys.version_info[0]}.{sys.version_info[1]}")


def _pyodide() -> Path:
    try:
        return PYODIDE.kept()
    except (subprocess.CalledProcessError, ValueError) as error:
        raise BundleFailed(f"{PYODIDE.name} {PYODIDE.version}, which compiles, can't be fetched from npm") from error
