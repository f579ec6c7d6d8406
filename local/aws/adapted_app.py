"""The CDK app as the local AWS takes it, for CDK's own command line.

    python -m infra.cdk_cli deploy --all --app ".venv/bin/python -m local.aws.adapted_app"

It runs the app that cdk.json names, where and with what context the command line says, then changes what that wrote:
templates as `adaptation` does, and the image of the bridge is not to be published, as there is no Docker to make it and
the local AWS runs no tasks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from local.aws.adaptation import adapt


def adapt_assembly(folder: Path) -> None:
    """Change the assembly in `folder`. Raises DeployError if a reference would lead nowhere."""
    for path in folder.glob("*.template.json"):
        path.write_text(json.dumps(adapt(json.loads(path.read_text()))))
    for path in folder.glob("*.assets.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "dockerImages": {}}))


def main() -> None:
    """Run as the command line's app, which says by CDK_OUTDIR where to write."""
    app = json.loads(Path("cdk.json").read_text())["app"]
    done = subprocess.run(app, shell=True, check=False)  # noqa: S602 - as the command line runs it
    if done.returncode:
        sys.exit(done.returncode)
    adapt_assembly(Path(os.environ["CDK_OUTDIR"]))


if __name__ == "__main__":
    main()
