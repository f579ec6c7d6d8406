"""The CDK command line, which nobody has to install: as npm has it, checked, kept beside the Python packages.

`python -m infra.cdk_cli deploy --all` is `cdk deploy --all`.
"""

from __future__ import annotations

import os
import sys
from typing import Final

from infra.npm import NODE, Pinned

# Apache-2.0; one package, no dependencies. Its tag `latest` has pointed at versions out of this line.
PACKAGE: Final = Pinned(
    name="aws-cdk",
    version="2.1148.1",
    integrity="sha512-K3d02L17IwmAuiBWNuX1DzYhKUs9GrKYI7bZnGJfJ1bKz9ymXFxfudBOL3rUb8JAusDNSULiQU2fsJH7kyY2XA==",
)


def command(*arguments: str) -> list[str]:
    """Return what to run for `cdk` with `arguments`, after fetching it the first time."""
    return [str(NODE), str(PACKAGE.kept() / "bin" / "cdk"), *arguments]


if __name__ == "__main__":
    program = command(*sys.argv[1:])
    os.execv(program[0], program)  # noqa: S606
