"""The templates before their judges: CloudFormation's own specification, and the well-known rules."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.synth import synthesize

if TYPE_CHECKING:
    from aws_cdk import App

    from tests.infra.conftest import Synth


def test_cloudformation_finds_nothing_but_what_cdk_itself_repeats(synth: Synth) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--format", "json", *synth.outdir.glob("*.template.json")],
        capture_output=True,
        text=True,
        check=False,
    )
    findings = json.loads(done.stdout)

    # CDK makes a function wait for its role by name, although it waits for it by reference already.
    repeated = [finding for finding in findings if finding["Rule"]["Id"] == "W3005"]
    assert all(finding["Message"].endswith("/Properties/Role'") for finding in repeated)
    assert [finding for finding in findings if finding not in repeated] == []
    assert done.stderr == ""


def test_the_rules_find_nothing_that_was_not_acknowledged(synth: Synth) -> None:
    report = json.loads((synth.outdir / "validation-report.json").read_text())

    assert report["pluginReports"] == []


def test_a_finding_that_nobody_acknowledged_stops_the_synth(tmp_path: Path) -> None:
    def careless(app: App) -> None:
        from aws_cdk import Stack  # noqa: PLC0415, not before infra
        from aws_cdk import aws_sqs as sqs  # noqa: PLC0415

        sqs.Queue(Stack(app, "Careless"), "Queue")

    with pytest.raises(RuntimeError, match="ValidationFailed"):
        synthesize(careless, outdir=tmp_path)
