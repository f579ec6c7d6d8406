"""API keys: found by their secret alone, kept as a digest, revoked for good."""

from __future__ import annotations

import json

import pytest

from callscribe.api_keys import ApiKeys, new_key
from callscribe.dynamodb import perform
from tests.tables import TABLES

AT = "2026-11-22T09:15:02.417Z"


@pytest.fixture
def keys(dynamodb):
    dynamodb.create_table(**TABLES["Keys"])
    return lambda steps: perform(dynamodb, steps)


KEYS = ApiKeys("Keys")


def test_a_key_is_found_by_its_secret(keys):
    new = new_key("acme", "CRM", at=AT)
    keys(KEYS.add(new))

    assert keys(KEYS.find(new.text)) == new.key


def test_a_key_that_is_wrong_in_one_letter_opens_nothing(keys):
    new, other = new_key("acme", "CRM", at=AT), new_key("acme", "CRM", at=AT)
    keys(KEYS.add(new))

    last = "A" if new.text[-1] != "A" else "B"
    for wrong in (new.text[:-1] + last, new.text[:-1], new.text + "A", other.text, "", "cs_", new.text.upper()):
        assert keys(KEYS.find(wrong)) is None


def test_the_secret_is_kept_nowhere(keys, dynamodb):
    new = new_key("acme", "CRM", at=AT)
    keys(KEYS.add(new))

    kept = json.dumps(dynamodb.scan(TableName="Keys")["Items"])
    assert new.key.id in kept
    assert new.text not in kept
    assert new.text.split("_", 2)[2] not in kept  # base64url may hold "_" itself
    assert new.text not in repr(new)


def test_a_revoked_key_opens_nothing_and_the_tenants_others_do(keys):
    first, second = new_key("acme", "CRM", at=AT), new_key("acme", "screens", at=AT)
    for each in (first, second):
        keys(KEYS.add(each))

    assert keys(KEYS.revoke(first.key.id, at=AT))

    assert keys(KEYS.find(first.text)) is None
    assert keys(KEYS.find(second.text)) == second.key
    assert {(key.name, key.revoked_at) for key in keys(KEYS.of_tenant("acme"))} == {("CRM", AT), ("screens", None)}
    assert keys(KEYS.of_tenant("other")) == []


def test_a_key_that_is_not_there_cannot_be_revoked(keys):
    assert not keys(KEYS.revoke("0123456789abcdef", at=AT))
