"""The real templates, deployed once to a local AWS, with stand-ins in place of the product's functions.

What is tested here is the ground that the product stands on, so the functions are small ones that show it.
"""

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from local.aws import LocalAws
from local.synthesis import synthesized

STANDINS = Path(__file__).parent / "standins"
MEDIA_URL = "ws://127.0.0.1:8080"
OUTSIDE = {"GLADIA_URL": "http://127.0.0.1:1"}
SECRETS = {"TWILIO_SECRET": {"auth_token": "a-token"}, "GLADIA_SECRET": {"api_key": "a-key"}}


@pytest.fixture(scope="session")
def templates():
    """The app as synthesized, with the product's functions for this machine; once for all test processes."""
    return synthesized()


@pytest.fixture(scope="session")
def assembly(templates, tmp_path_factory):
    """The app as synthesized, with the stand-ins for its functions."""
    out = tmp_path_factory.mktemp("assembly") / "cdk.out"
    # Without what is made of the product's functions: archives of them, and bytecode that is taken unchecked.
    shutil.copytree(templates, out, ignore=shutil.ignore_patterns("asset.*.zip", "__pycache__"))
    assets = json.loads((out / "Api.assets.json").read_text())["files"].values()
    for asset in assets:
        if asset["source"]["packaging"] == "zip":
            shutil.copytree(STANDINS, out / asset["source"]["path"], dirs_exist_ok=True)
    return out


@pytest.fixture(scope="session")
def aws(tmp_path_factory):
    """A running local AWS."""
    aws = LocalAws(tmp_path_factory.mktemp("aws"))
    with asyncio.Runner() as runner:
        runner.run(aws.engine.start())
        yield aws
        runner.run(aws.engine.stop())


@pytest.fixture(scope="session")
def progress():
    """What the deployment told of its progress."""
    return []


@pytest.fixture(scope="session")
def stack(aws, assembly, progress):
    """The deployed app."""
    with asyncio.Runner() as runner:
        return runner.run(
            aws.deploy(
                assembly,
                secrets=SECRETS,
                media_url=MEDIA_URL,
                outside=OUTSIDE,
                progress=lambda *step: progress.append(step),
            )
        )
