"""A synthesized CDK app: its stacks in the order of their dependencies, their templates and their file assets.

Source: the cloud assembly's own schema (`manifest.json`, `*.assets.json`), as aws-cdk-lib 2.275 writes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal


class MalformedAssembly(ValueError):
    """The folder holds no CDK app that can be read; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class FileAsset:
    """A file or folder that a template expects at `bucket`/`key`; both may hold `${AWS::...}` placeholders."""

    source: Path
    packaging: Literal["file", "zip"]
    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class SynthesizedStack:
    """One stack: its name in CloudFormation, its template and what the template refers to by content."""

    name: str
    template: Mapping[str, Any]
    assets: tuple[FileAsset, ...]


def read_assembly(folder: Path) -> tuple[SynthesizedStack, ...]:
    """Return the stacks in `folder`, each after those it depends on. Raises MalformedAssembly."""
    manifest = folder / "manifest.json"
    if not manifest.exists():
        raise MalformedAssembly(f"{manifest} is missing: run make synth")
    artifacts: Mapping[str, Any] = json.loads(manifest.read_text())["artifacts"]
    return tuple(_stack(folder, artifacts, each) for each in _ordered(artifacts))


def _ordered(artifacts: Mapping[str, Any]) -> Iterator[str]:
    done: set[str] = set()

    def visit(name: str) -> Iterator[str]:
        if name in done:
            return
        done.add(name)
        for dependency in artifacts[name].get("dependencies", []):
            yield from visit(dependency)
        if artifacts[name]["type"] == "aws:cloudformation:stack":
            yield name

    for name in artifacts:
        yield from visit(name)


def _stack(folder: Path, artifacts: Mapping[str, Any], name: str) -> SynthesizedStack:
    artifact = artifacts[name]
    template_file = artifact["properties"]["templateFile"]
    manifests = [
        folder / artifacts[dependency]["properties"]["file"]
        for dependency in artifact.get("dependencies", [])
        if artifacts[dependency]["type"] == "cdk:asset-manifest"
    ]
    return SynthesizedStack(
        name=artifact["properties"].get("stackName", name),
        template=json.loads((folder / template_file).read_text()),
        assets=tuple(asset for manifest in manifests for asset in _assets(manifest, template_file)),
    )


def _assets(manifest: Path, template_file: str) -> Iterator[FileAsset]:
    for asset in json.loads(manifest.read_text()).get("files", {}).values():
        source = asset["source"]
        if source["path"] == template_file:
            continue
        for destination in asset["destinations"].values():
            yield FileAsset(
                source=manifest.parent / source["path"],
                packaging=source["packaging"],
                bucket=destination["bucketName"],
                key=destination["objectKey"],
            )
