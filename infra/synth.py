"""From an app to CloudFormation templates, with no account, Docker or network."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aws_cdk import App, Validations
from aws_cdk.cx_api import CloudAssembly
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from infra.context import BadContext, Context
from infra.packages import ROOT, BundleFailed


def synthesize(
    compose: Callable[[App], None], *, outdir: Path | None = None, context: Mapping[str, Any] | None = None
) -> CloudAssembly:
    """Write the templates and assets of what `compose` puts into an app.

    They go to `outdir`, or where the CDK command line asks for them, or to cdk.out. `context` goes before the context
    in cdk.json. Raises BadContext or BundleFailed, and RuntimeError if a rule of cdk-nag's AwsSolutions or
    Serverless is broken that nobody acknowledged.
    """
    app = App(
        outdir=str(outdir or os.environ.get("CDK_OUTDIR") or ROOT / "cdk.out"),
        context={**_context_of_project(), **(context or {})},
        analytics_reporting=False,
    )
    compose(app)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
    return app.synth()


def main(compose: Callable[[App], None]) -> None:
    """Run as a command: `-c name=value` sets context, `-o DIR` says where to write."""
    parser = argparse.ArgumentParser(description="Write the CloudFormation templates of callscribe.")
    parser.add_argument("-c", "--context", action="append", default=[], type=_pair, metavar="NAME=VALUE")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR")
    given = parser.parse_args()
    try:
        assembly = synthesize(compose, outdir=given.output, context=dict(given.context))
    except (BadContext, BundleFailed) as error:
        sys.exit(f"synth: {error}")
    except RuntimeError as error:
        # CDK has printed what the rules found; a stack trace through two languages would only hide it.
        if str(error).startswith("ValidationFailed"):
            sys.exit(f"synth: {error}")
        raise
    for stack in assembly.stacks:
        sys.stdout.write(f"{stack.stack_name:24} {len(stack.template['Resources']):3} resources\n")
    sys.stdout.write(f"written to {assembly.directory}\n")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    # CDK's own names have colons; any other that nobody reads is a slip of the pen.
    if not equals or (name not in Context.__dataclass_fields__ and ":" not in name):
        raise argparse.ArgumentTypeError(f"{text}: NAME=VALUE with one of {', '.join(Context.__dataclass_fields__)}")
    return name, value


def _context_of_project() -> dict[str, Any]:
    # The CDK command line hands over cdk.json by itself; plain Python has to read it.
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    return context
