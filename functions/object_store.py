"""A bucket, as functions use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from callscribe.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class ObjectStore:
    """The objects of one bucket, each put whole."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, key: str, body: bytes) -> None:
        """Put an object there, in place of the one that is. Raises Unavailable."""
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body)
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
