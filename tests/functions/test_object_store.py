"""A bucket under the eyes of two who write to it."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError

from callscribe.errors import Unavailable
from functions.object_store import ObjectStore


@pytest.fixture
def store(aws) -> ObjectStore:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="archive", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return ObjectStore(s3, "archive")


def test_of_two_who_have_seen_the_same_the_first_puts(store):
    assert store.version_of("a/day") is None
    store.put_after("a/day", b"one", None)
    with pytest.raises(Unavailable, match="somebody else"):
        store.put_after("a/day", b"two", None)

    seen = store.version_of("a/day")
    store.put("a/days", b"another key")
    store.put_after("a/day", b"three", seen)
    with pytest.raises(Unavailable, match="somebody else"):
        store.put_after("a/day", b"four", seen)
    assert store.get("a/day") == b"three"


def test_what_is_gone_meanwhile_is_a_change_too(store):
    store.put("a/day", b"one")
    seen = store.version_of("a/day")
    boto3.client("s3").delete_object(Bucket="archive", Key="a/day")

    with pytest.raises(Unavailable, match="somebody else"):
        store.put_after("a/day", b"two", seen)


def test_a_refusal_is_somebody_elses_to_see(store):
    boto3.client("s3").delete_bucket(Bucket="archive")

    with pytest.raises(ClientError):
        store.put_after("a/day", b"one", None)
