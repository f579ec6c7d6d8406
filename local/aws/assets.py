"""Bring the files that templates refer to into the local AWS's bucket, as `cdk deploy` does."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from local.aws.assembly import FileAsset


def upload(asset: FileAsset, *, s3: S3Client, account: str, region: str) -> None:
    """Put `asset` where its template looks for it, making the bucket if need be."""
    bucket = fill_placeholders(asset.bucket, account=account, region=region)
    s3.create_bucket(Bucket=bucket)
    body = zipped(asset.source) if asset.packaging == "zip" else asset.source.read_bytes()
    s3.put_object(Bucket=bucket, Key=fill_placeholders(asset.key, account=account, region=region), Body=body)


def fill_placeholders(text: str, *, account: str, region: str) -> str:
    """Return `text` with the pseudo parameters that a region-agnostic assembly leaves open."""
    for name, value in {"AccountId": account, "Region": region, "Partition": "aws"}.items():
        text = text.replace(f"${{AWS::{name}}}", value)
    return text


def zipped(folder: Path) -> bytes:
    """Return `folder` as a ZIP archive, not compressed: it only travels over loopback."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        for parent, folders, files in os.walk(folder):
            folders.sort()
            for name in sorted(files):
                path = Path(parent) / name
                out.write(path, path.relative_to(folder))
    return archive.getvalue()
