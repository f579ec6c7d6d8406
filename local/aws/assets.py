"""Bring the files that templates refer to into the local AWS's bucket, as `cdk deploy` does."""

from __future__ import annotations

import os
import tempfile
import zipfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from local.aws.assembly import FileAsset


# What is larger goes compressed: an engine's library travels, and is hashed at both ends, in a third of the time.
LARGE_BYTES = 1_000_000


def upload(asset: FileAsset, *, s3: S3Client, account: str, region: str) -> None:
    """Put `asset` where its template looks for it, making the bucket if need be."""
    bucket = fill_placeholders(asset.bucket, account=account, region=region)
    s3.create_bucket(Bucket=bucket)
    source = zipped(asset.source) if asset.packaging == "zip" else asset.source
    key = fill_placeholders(asset.key, account=account, region=region)
    s3.put_object(Bucket=bucket, Key=key, Body=source.read_bytes())


def fill_placeholders(text: str, *, account: str, region: str) -> str:
    """Return `text` with the pseudo parameters that a region-agnostic assembly leaves open."""
    for name, value in {"AccountId": account, "Region": region, "Partition": "aws"}.items():
        text = text.replace(f"${{AWS::{name}}}", value)
    return text


def zipped(folder: Path) -> Path:
    """Return a ZIP archive of `folder`, made the first time and kept beside it: the folder is named by its content."""
    archive = folder.with_name(f"{folder.name}.zip")
    if not archive.exists():
        with tempfile.NamedTemporaryFile(dir=folder.parent, prefix=f"{folder.name}.", delete=False) as fresh:
            _zip(folder, fresh)
        Path(fresh.name).rename(archive)  # all of it or nothing, whoever else makes it
    return archive


def _zip(folder: Path, into: IO[bytes]) -> None:
    with zipfile.ZipFile(into, "w", compresslevel=1) as out:
        for parent, folders, files in os.walk(folder):
            folders.sort()
            for name in sorted(files):
                path = Path(parent) / name
                is_large = path.stat().st_size > LARGE_BYTES
                how = zipfile.ZIP_DEFLATED if is_large else zipfile.ZIP_STORED
                out.write(path, path.relative_to(folder), compress_type=how)
