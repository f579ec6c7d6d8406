"""A copy of the project, as somebody has it who deploys it, and CDK's own command line in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra import cdk_cli
from local.aws.access import Access
from local.synthesis import MADE_OF, ROOT
from tests.local.aws.tls_front import Front

COPIED = (*MADE_OF, "local")  # with the adapted app
# Taken from here rather than made again: the packages, and those of the functions.
SHARED = {".venv": Path(sys.prefix), ".callscribe/bundles": ROOT / ".callscribe" / "bundles"}
ADAPTED = ".venv/bin/python -m local.aws.adapted_app"


@dataclass(frozen=True, slots=True)
class Project:
    """The copy in `folder`, and the variables by which the command line finds its account."""

    folder: Path
    certificate: Path
    variables: Mapping[str, str]

    @classmethod
    def copy(cls, folder: Path, *, front: Front, root: Access) -> Project:
        """Copy the project into the empty `folder`, to be deployed by `root` over `front`."""
        for name in COPIED:
            copying = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
            copying(ROOT / name, folder / name)
        for name, shared in SHARED.items():
            shared.mkdir(parents=True, exist_ok=True)
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).symlink_to(shared)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
        variables = {
            **inherited,
            **root.environment(),
            "AWS_ENDPOINT_URL": front.url,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_HOME": str(folder / ".cdk"),
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "PATH": os.defpath,  # nothing that is installed on this machine alone
        }
        return cls(folder, front.certificate, variables)

    def cdk(self, *arguments: str) -> str:
        """Run `cdk` with `arguments` and return all that it said. Fails with that if the command does."""
        options = ["--ca-bundle-path", str(self.certificate), "--no-notices", "--verbose"]
        done = subprocess.run(
            cdk_cli.command(*arguments, *options),
            cwd=self.folder,
            env=dict(self.variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def deploy(self, *context: str, app: str = ADAPTED) -> str:
        """Run `cdk deploy --all` with functions for this machine's Python and `context`; return what it said."""
        given = [part for each in ("bundle=host", *context) for part in ("--context", each)]
        return self.cdk("deploy", "--all", "--require-approval", "never", "--app", app, *given)

    def change(self, path: str, old: str, new: str) -> None:
        """Put `new` in the place of `old` in one file."""
        text = (self.folder / path).read_text()
        assert text.count(old) == 1
        (self.folder / path).write_text(text.replace(old, new))
