"""A bucket, as functions use it."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from callscribe.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


T = TypeVar("T")


# Of a write under a condition: another is there, is being put there, or is there no more.
CHANGED = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")


class ObjectStore:
    """The objects of one bucket."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def get(self, key: str) -> bytes | None:
        """Return an object; None if there is none. Raises Unavailable."""
        try:
            return self._ask(lambda: self._read(key))
        except self._client.exceptions.NoSuchKey:
            return None

    def _read(self, key: str) -> bytes:
        return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()

    def put(self, key: str, body: bytes | IO[bytes]) -> None:
        """Put an object there, in place of the one that is. Raises Unavailable."""
        self._ask(lambda: self._client.put_object(Bucket=self._bucket, Key=key, Body=body))

    def put_after(self, key: str, body: bytes | IO[bytes], version: str | None) -> None:
        """Put an object there if it is still as `version_of` told, before what went into `body` was read.

        Raises Unavailable, also if somebody else has put another there.
        """
        condition: dict[str, str] = {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
        try:
            self._ask(lambda: self._client.put_object(Bucket=self._bucket, Key=key, Body=body, **condition))  # type: ignore[arg-type]
        except ClientError as error:
            if error.response["Error"]["Code"] not in CHANGED:
                raise
            raise Unavailable("s3: somebody else has put another there") from error

    def version_of(self, key: str) -> str | None:
        """Return what tells an object from another in its place; None if there is none. Raises Unavailable."""
        pages = self._pages("list_objects_v2", Prefix=key)
        return next((each["ETag"] for page in pages for each in page.get("Contents", ()) if each["Key"] == key), None)

    def keys(self, prefix: str) -> list[str]:
        """Return the keys that begin with `prefix`, in order. Raises Unavailable."""
        pages = self._pages("list_objects_v2", Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", ())]

    def folders(self, prefix: str) -> list[str]:
        """Return the prefixes one level below `prefix`, each with a slash at its end, in order. Raises Unavailable."""
        pages = self._pages("list_objects_v2", Prefix=prefix, Delimiter="/")
        return [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", ())]

    def versions(self, prefix: str) -> list[tuple[str, str]]:
        """Return each version that there is of objects that begin with `prefix`: key and version, by keys.

        Raises Unavailable.
        """
        pages = self._pages("list_object_versions", Prefix=prefix)
        return [(each["Key"], each["VersionId"]) for page in pages for each in page.get("Versions", ())]

    def delete_version(self, key: str, version: str) -> None:
        """Delete this version of an object for ever; others stay. Raises Unavailable."""
        self._ask(lambda: self._client.delete_object(Bucket=self._bucket, Key=key, VersionId=version))

    def _pages(self, operation: Any, **asked: Any) -> list[Any]:
        pages = self._client.get_paginator(operation).paginate(Bucket=self._bucket, **asked)
        return self._ask(lambda: list(pages))

    @staticmethod
    def _ask(ask: Callable[[], T]) -> T:
        try:
            return ask()
        except ClientError as error:
            raise _reason(error) from error
        except BotoCoreError as error:
            raise Unavailable(f"s3: {type(error).__name__}") from error


def _reason(error: ClientError) -> Exception:
    """Return Unavailable for the service's own faults, and `error` itself for a refusal, which somebody has to see."""
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    code = error.response["Error"]["Code"]
    if status >= 500 or status == 429 or code == "SlowDown":
        return Unavailable(f"s3: {code}")
    return error
