"""An image as a registry holds it: what runs, as whom, and what each layer weighs.

Source: OCI Image Format Specification 1.0, "Image Layout", "Image Manifest", "Image Configuration".
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import msgspec

_BLOCK_BYTES = 1 << 20


class _Blob(msgspec.Struct, frozen=True):
    digest: str
    size: int


class _Index(msgspec.Struct, frozen=True):
    manifests: tuple[_Blob, ...]


class _Manifest(msgspec.Struct, frozen=True):
    config: _Blob
    layers: tuple[_Blob, ...]


class Runs(msgspec.Struct, frozen=True, rename="pascal"):
    """What a container of the image runs, unless told otherwise."""

    cmd: tuple[str, ...]
    env: tuple[str, ...] = ()
    user: str = ""  # a name or a number; root if there is none
    working_dir: str = "/"
    volumes: dict[str, object] = {}


class _Step(msgspec.Struct, frozen=True):
    created_by: str = ""
    empty_layer: bool = False


class _Configuration(msgspec.Struct, frozen=True):
    config: Runs
    history: tuple[_Step, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: the step of the recipe that made it, its bytes on disk, and as they are pulled."""

    step: str
    size_bytes: int
    packed_bytes: int


@dataclass(frozen=True, slots=True)
class Image:
    """An image of one architecture."""

    runs: Runs
    layers: tuple[Layer, ...]


def read_layout(folder: Path) -> Image:
    """Return the only image in `folder`."""
    (found,) = msgspec.json.decode((folder / "index.json").read_bytes(), type=_Index).manifests
    manifest = msgspec.json.decode(_path(folder, found).read_bytes(), type=_Manifest)
    configuration = msgspec.json.decode(_path(folder, manifest.config).read_bytes(), type=_Configuration)
    steps = [step.created_by for step in configuration.history if not step.empty_layer]
    return Image(
        runs=configuration.config,
        layers=tuple(
            Layer(step, _unpacked_bytes(_path(folder, blob)), blob.size)
            for step, blob in zip(steps, manifest.layers, strict=True)
        ),
    )


def _path(folder: Path, blob: _Blob) -> Path:
    return folder / "blobs" / blob.digest.replace(":", "/")


def _unpacked_bytes(path: Path) -> int:
    with gzip.open(path) as layer:
        return sum(len(block) for block in iter(lambda: layer.read(_BLOCK_BYTES), b""))
