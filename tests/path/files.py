"""Files of the archive, as one looks for them on the laptop."""

from __future__ import annotations

from local.aws.engine import root_at


def file_of(up, key: str) -> bytes:
    """Return a file of the archive."""
    s3 = root_at(up.addresses.aws_url).client("s3")
    (bucket,) = [each["Name"] for each in s3.list_buckets()["Buckets"] if "archive" in each["Name"]]
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
