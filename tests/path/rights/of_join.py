"""What `join` does for days that are over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from callscribe.archive import key_of, pack, rows
from callscribe.call import fold
from callscribe.entries import Entry, timestamp
from callscribe.joined import STATE_KEY, joined_key, stale_key
from local.aws.warm import EVENTS
from tests.path.rights.act import Act
from tests.path.rights.clients import client
from tests.path.rights.deployment import STARTED, TENANT
from tests.path.rights.right import rights

if TYPE_CHECKING:
    from tests.path.rights.deployment import Deployment

FILES = "ARCHIVE_BUCKET/"


def acts(deployment: Deployment) -> list[Act]:
    return [
        Act(
            "a day that is over is joined, and so is one that was stale",
            rights(FILES, "s3:ListBucket", "s3:ListBucketVersions")
            | rights(f"{FILES}entries/*", "s3:GetObject")
            | rights(f"{FILES}joined/*", "s3:PutObject")
            | rights(f"{FILES}state/*", "s3:GetObject", "s3:PutObject")
            | rights(f"{FILES}stale/*", "s3:DeleteObjectVersion"),
            partial(joins, deployment),
        )
    ]


async def joins(deployment: Deployment) -> None:
    s3, bucket = client(deployment.stack.root, "s3"), deployment.variable("ARCHIVE_BUCKET")
    began = datetime.now(UTC) - timedelta(days=3)
    entries = [Entry("CA1", 1, timestamp(began), TENANT, STARTED)]
    s3.put_object(Bucket=bucket, Key=key_of(fold(entries), "CA1", TENANT), Body=pack(rows(entries)))
    s3.put_object(Bucket=bucket, Key=stale_key(began.date(), TENANT), Body=b"")
    for key in (STATE_KEY, joined_key(began.date(), TENANT)):
        s3.delete_object(Bucket=bucket, Key=key)
    await deployment.invoke("join", EVENTS["join"])

    left = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    keys = {each["Key"] for each in left}
    assert {STATE_KEY, joined_key(began.date(), TENANT)} <= keys
    assert stale_key(began.date(), TENANT) not in keys
